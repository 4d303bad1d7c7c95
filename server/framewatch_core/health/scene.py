"""Sudden changes of the whole picture: another light, other colours or another place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from framewatch_core.arrays import Float32Array
from framewatch_core.health.baseline import Baseline, coarse_edges, correlation, find_loss, slope
from framewatch_core.health.problem import HealthProblem
from framewatch_core.health.tuning import TUNING
from framewatch_core.images.statistics import PictureStats
from framewatch_core.time import NS_PER_S


@dataclass(slots=True)
class Reference:
    """Means of good pictures that new ones are compared with.

    Attributes:
        luma, casts: as in PictureStats, followed quickly.
        baseline: of the same pictures, followed slowly.

    """

    luma: Float32Array
    casts: Float32Array
    baseline: Baseline

    @classmethod
    def of(cls, stats: PictureStats) -> Reference:
        """Begins with one picture."""
        return cls(stats.luma, stats.casts, Baseline.of(stats))

    def differs(self, stats: PictureStats) -> bool:
        """Returns True if a picture has another light or other colours all over, or shows another place."""
        return (
            _is_other_light(stats.luma, self.luma)
            or _is_other_colour(stats.casts, self.casts)
            or self._is_other_place(stats)
        )

    def matches(self, stats: PictureStats) -> bool:
        """Returns True if a picture is good by this reference and does not differ from it."""
        return find_loss(stats, self.baseline) is None and not self.differs(stats)

    def _is_other_place(self, stats: PictureStats) -> bool:
        if min(stats.detail, self.baseline.detail) < TUNING.place_detail:
            return False
        here, there = stats.edges, self.baseline.edges
        if slope(here, there) >= TUNING.same_place_edges or correlation(here, there) >= TUNING.same_place_edges:
            return False
        # noise hides the fine edges of a smooth scene, as at night, but not the coarse ones
        coarse = correlation(coarse_edges(stats.grey), coarse_edges(self.baseline.grey))
        return coarse < TUNING.same_place_coarse_edges

    @property
    def byte_count(self) -> int:
        """Bytes that it takes, rounded up."""
        arrays = (self.luma, self.casts, self.baseline.edges, self.baseline.grey)
        return 2_000 + sum(array.nbytes for array in arrays)

    def learn(self, stats: PictureStats, elapsed_s: float) -> None:
        """Takes a good picture."""
        weight = np.float32(1 - math.exp(-elapsed_s / TUNING.following_time_s))
        self.luma = self.luma + weight * (stats.luma - self.luma)
        self.casts = self.casts + weight * (stats.casts - self.casts)
        self.baseline.learn(stats, elapsed_s)


@dataclass(slots=True)
class Current:
    """The reference that counts now.

    Attributes:
        reference: the means.
        since_ns: when the last change to another reference settled; a return to an earlier one leaves it.
        learned_ns: time of the last picture learned.

    """

    reference: Reference
    since_ns: int
    learned_ns: int

    def is_steady(self, time_ns: int) -> bool:
        """Returns True if pictures have been alike for long enough for a difference to be a sudden change."""
        if time_ns - self.since_ns < TUNING.steady_ns:
            return False
        return self.reference.baseline.count >= TUNING.steady_pictures

    def learn(self, stats: PictureStats, time_ns: int) -> None:
        """Takes a good picture."""
        self.reference.learn(stats, min(TUNING.longest_step_s, (time_ns - self.learned_ns) / NS_PER_S))
        self.learned_ns = time_ns


@dataclass(slots=True)
class Previous:
    """The reference that counted before the current one.

    Attributes:
        reference: the means.
        left_ns: when the first picture differed from it: a return soon after that has not to settle.

    """

    reference: Reference
    left_ns: int

    def is_shown_in(self, stats: PictureStats, time_ns: int) -> bool:
        """Returns True if it was left not long ago and matches the picture."""
        return time_ns - self.left_ns <= TUNING.previous_ns and self.reference.matches(stats)


@dataclass(slots=True)
class Change:
    """A change that has not settled yet.

    Attributes:
        began_ns: time of its first picture: it is accepted some time after that, settled or not.
        reference: the first of the pictures that have been alike since `stable_ns`.
        stable_ns: since when they have been alike: it settles some time after that.

    """

    began_ns: int
    reference: Reference
    stable_ns: int


@dataclass(slots=True)
class Unrest:
    """Changes that follow each other closely; a place may be like that, with a blinking light.

    Attributes:
        began_ns: time of the first of them: after some time of unrest, changes are no problem.
        last_ns: time of the last picture that differed: unrest ends some time after it; None: none did yet.

    """

    began_ns: int = 0
    last_ns: int | None = None

    def add(self, time_ns: int) -> None:
        """Takes a picture that differs from the reference."""
        if self.last_ns is None or time_ns - self.last_ns > TUNING.calm_ns:
            self.began_ns = time_ns
        self.last_ns = time_ns

    def is_usual(self, time_ns: int) -> bool:
        """Returns True if it has lasted for so long that the place is like that."""
        return time_ns - self.began_ns >= TUNING.give_up_ns


class ScenePhase(Enum):
    """Phases of a scene; see `Scene`."""

    EMPTY = auto()
    FRESH = auto()
    STEADY = auto()
    CHANGING = auto()


class Scene:
    """Follows the reference of good pictures, and finds changes of the whole picture.

        ========  =======================================================  ========  ======================
        from      if                                                       to        reference from then on
        ========  =======================================================  ========  ======================
        empty     a picture is good                                        fresh     the picture
        fresh     a picture differs: where all changes always, no change   fresh     the picture
                  is sudden
        fresh     it lasts steady_ns and steady_pictures                   steady    the same
        steady    a picture differs                                        changing  the same
        changing  a picture does not differ, or is lost (BLACK, …)         steady    the same
        changing  pictures have been alike for the policy's settle time    fresh     the last picture
        changing  give_up_ns are over                                      fresh     the last picture
        not       a picture shows the previous reference, left less than   not       the previous one, and the
        empty     previous_ns ago, or is lost, but shows a kept one        changing  same becomes the previous
        ========  =======================================================  ========  ======================

    Pictures are SCENE_CHANGED as long as a change has not settled, unless such changes have become usual.

    A reference of `kept_after_pictures` good pictures is kept when a change from it settles: a wall that the camera
    turns to, or the road behind a truck that stood before it. A cover is never among them, since nothing is learned of
    pictures that are held.
    """

    def __init__(self) -> None:
        # None: empty
        self._current: Current | None = None
        # not None: changing
        self._change: Change | None = None
        self._previous: Previous | None = None
        self._kept: list[Reference] = []
        self._unrest = Unrest()

    @property
    def baseline(self) -> Baseline | None:
        """Baseline of the good pictures; None: there were none."""
        return None if self._current is None else self._current.reference.baseline

    @property
    def byte_count(self) -> int:
        """Bytes that it takes at most."""
        parts = (self._current, self._change, self._previous)
        references = [*self._kept, *(part.reference for part in parts if part is not None)]
        return 2_000 + sum(reference.byte_count for reference in references)

    def phase(self, time_ns: int) -> ScenePhase:
        """Returns the phase at a time not before the last picture."""
        if self._current is None:
            return ScenePhase.EMPTY
        if self._change is not None:
            return ScenePhase.CHANGING
        return ScenePhase.STEADY if self._current.is_steady(time_ns) else ScenePhase.FRESH

    def find_loss(self, stats: PictureStats, time_ns: int) -> HealthProblem | None:
        """Takes the next picture; returns the problem that keeps it from showing its scene; see `baseline`."""
        problem = find_loss(stats, self.baseline)
        if problem is None or self._returns_to_previous(stats, time_ns) or self._returns_to_kept(stats, time_ns):
            return None
        self._change = None
        return problem

    def has_changed(self, stats: PictureStats, time_ns: int, settle_ns: int) -> bool:
        """Takes the same picture, if it has no loss; returns True if all has changed and not settled.

        Args:
            stats: of the picture.
            time_ns: its time.
            settle_ns: how long pictures must be alike for a change to settle.

        """
        current = self._current
        if current is None or not current.reference.differs(stats):
            self._change = None
            return False
        if self.phase(time_ns) is ScenePhase.FRESH:
            self._begin(stats, time_ns)
            return False
        if not self._returns_to_previous(stats, time_ns):
            self._follow_change(current.reference, stats, time_ns, settle_ns)
        self._unrest.add(time_ns)
        return not self._unrest.is_usual(time_ns)

    def learn(self, stats: PictureStats, time_ns: int) -> None:
        """Takes the same picture, if it is good; learns nothing while a change has not settled."""
        if self._change is not None:
            return
        if self._current is None:
            self._begin(stats, time_ns)
        else:
            self._current.learn(stats, time_ns)

    def _begin(self, stats: PictureStats, since_ns: int) -> None:
        self._current = Current(Reference.of(stats), since_ns, learned_ns=since_ns)

    def _follow_change(self, before: Reference, stats: PictureStats, time_ns: int, settle_ns: int) -> None:
        change = self._change
        if change is None:
            change = self._change = Change(time_ns, Reference.of(stats), time_ns)
        elif change.reference.differs(stats):
            change.reference, change.stable_ns = Reference.of(stats), time_ns
        has_settled = time_ns - change.stable_ns >= settle_ns
        if has_settled or time_ns - change.began_ns >= TUNING.give_up_ns:
            self._keep(before)
            self._previous, self._change = Previous(before, change.began_ns), None
            self._begin(stats, change.stable_ns if has_settled else time_ns)

    def _keep(self, reference: Reference) -> None:
        if reference.baseline.count >= TUNING.kept_after_pictures:
            self._kept = [*self._kept[1 - TUNING.kept_references :], reference]

    def _returns_to_previous(self, stats: PictureStats, time_ns: int) -> bool:
        if self._current is None or self._previous is None or not self._previous.is_shown_in(stats, time_ns):
            return False
        self._return_to(self._previous.reference, self._current, time_ns)
        self._unrest.add(time_ns)
        return True

    def _returns_to_kept(self, stats: PictureStats, time_ns: int) -> bool:
        if self._current is None:
            return False
        for i, reference in enumerate(self._kept):
            if reference.matches(stats):
                del self._kept[i]
                self._keep(self._current.reference)
                self._return_to(reference, self._current, time_ns)
                return True
        return False

    def _return_to(self, reference: Reference, current: Current, time_ns: int) -> None:
        """Takes an earlier reference up again; the one that is left becomes the previous one."""
        self._previous, self._change = Previous(current.reference, time_ns), None
        current.reference = reference


def _is_other_light(now: Float32Array, before: Float32Array) -> bool:
    share_levels = TUNING.changed_level_share * float(max(now.mean(), before.mean()))
    levels = min(TUNING.most_changed_levels, max(TUNING.least_changed_levels, share_levels))
    return float(np.mean(np.abs(now - before) > levels)) >= TUNING.changed_cells_share


def _is_other_colour(now: Float32Array, before: Float32Array) -> bool:
    change = np.abs(now - before).max(axis=-1)
    if float(np.mean(change > TUNING.changed_cast_levels)) >= TUNING.changed_cells_share:
        return True
    less, more = sorted(float(np.abs(casts).max(axis=-1).mean()) for casts in (now, before))
    if more < TUNING.coloured_levels or less >= TUNING.greyed_share * more:
        return False
    # a single coloured thing that comes or goes does not change most cells
    return float(np.median(change)) >= TUNING.greyed_median_levels
