"""Whether all of a picture has changed at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from framewatch_core.arrays import Float32Array
from framewatch_core.health.baseline import Baseline, coarse_edges, correlation, lost, slope
from framewatch_core.health.problem import HealthProblem
from framewatch_core.images.statistics import PictureStats
from framewatch_core.time import NS_PER_S

FOLLOWING_TIME_S = 2.0
STEADY_NS = NS_PER_S
"""How long pictures must have been alike before a change counts: where all changes all the time, none is sudden."""
STEADY_PICTURES = 4
"""And how many: where frames come seldom, time alone proves nothing."""
GIVE_UP_NS = 10 * NS_PER_S
"""Pictures that have not settled by then are taken as they are: the camera moves, or a light blinks."""
CALM_NS = 5 * NS_PER_S
"""Changes further apart than this have nothing to do with each other."""
KNOWN_NS = 60 * NS_PER_S
"""For so long the look before a change is known: that it comes back is no further change."""
MAX_PLACES = 8
"""Looks that were good for a while and are remembered: one that comes back hides nothing, however plain it is."""
PLACE_PICTURES = 20
"""Pictures that make a look one of them."""

# Measured as in health_baseline. Share of cells whose luma changed by a fifth of the mean level: at most 0.24 with
# people and hands (exposure control included), at least 0.86 when the light changes by 0.6.
CHANGED_SHARE = 0.5
LEVEL_SHARE = 0.2
MIN_LEVELS, MAX_LEVELS = 8.0, 40.0
GREYED_SHARE = 0.3  # of the mean colour; good: at least 0.63; grey with noise: 0.1
CAST_LEVELS = 16.0
MIN_COLOUR = 2.0
MIN_COLOUR_CHANGE = 1.5
SAME_PLACE = 0.25  # of the edges; good: at least 0.56; moved by a fifth of the width: 0.1
SAME_COARSE_PLACE = 0.5
MIN_DETAIL = 1.5


@dataclass(slots=True)
class Look:
    """How the place looks: what recent pictures show, and the baseline of good ones.

    Attributes:
        luma, casts: as in PictureStats, followed quickly.
        baseline: of the same pictures, followed slowly.

    """

    luma: Float32Array
    casts: Float32Array
    baseline: Baseline

    @classmethod
    def of(cls, stats: PictureStats) -> Look:
        """Begins with one picture."""
        return cls(stats.luma, stats.casts, Baseline.of(stats))

    def differs(self, stats: PictureStats) -> bool:
        """Whether a picture has another brightness all over, has lost or won its colours, or shows another place."""
        return (
            _is_other_light(stats.luma, self.luma)
            or _is_other_colour(stats.casts, self.casts)
            or self._is_other_place(stats)
        )

    def is_seen_in(self, stats: PictureStats) -> bool:
        """Whether a good picture shows this look."""
        return lost(stats, self.baseline) is None and not self.differs(stats)

    def _is_other_place(self, stats: PictureStats) -> bool:
        if min(stats.detail, self.baseline.detail) < MIN_DETAIL:
            return False
        here, there = stats.edges, self.baseline.edges
        if slope(here, there) >= SAME_PLACE or correlation(here, there) >= SAME_PLACE:
            return False
        # noise drowns the fine edges of a smooth scene, as at night, but not the coarse ones
        return correlation(coarse_edges(stats.grey), coarse_edges(self.baseline.grey)) < SAME_COARSE_PLACE

    def learn(self, stats: PictureStats, elapsed_s: float) -> None:
        """Follows a good picture."""
        weight = np.float32(1 - math.exp(-elapsed_s / FOLLOWING_TIME_S))
        self.luma = self.luma + weight * (stats.luma - self.luma)
        self.casts = self.casts + weight * (stats.casts - self.casts)
        self.baseline.learn(stats, elapsed_s)


@dataclass(slots=True)
class Change:
    """A change that has not settled yet.

    Attributes:
        began_ns: its first frame.
        look: what pictures have been like since `stable_ns`.

    """

    began_ns: int
    look: Look
    stable_ns: int


class Scene:
    """Follows the look of the place; tells of pictures where all of it changed at once.

    What has once been good for a while is a place that is known: a wall that the camera turns to, or the road behind a
    truck that stood before it. A cover is never among them, since nothing is learned of pictures that are held.
    """

    def __init__(self) -> None:
        self.look: Look | None = None
        self._known: Look | None = None
        self._left_ns = 0
        self._places: list[Look] = []
        self._restless_since_ns = 0
        self._last_change_ns = -CALM_NS - 1
        self._change: Change | None = None
        self._steady_ns = 0
        self._learned_ns = 0

    @property
    def baseline(self) -> Baseline | None:
        """Of good pictures so far."""
        return None if self.look is None else self.look.baseline

    def has_changed(self, stats: PictureStats, time_ns: int, settle_ns: int) -> bool:
        """Whether all has changed and not settled; a picture that shows something, in order of time."""
        if self.look is None or not self.look.differs(stats):
            self._change = None
            return False
        if self._change is None and not self._was_steady(self.look, time_ns):
            self._begin(stats, time_ns)
            return False
        if not self._returns_to_known(stats, time_ns):
            self._follow(stats, time_ns, settle_ns)
        self._note_change(time_ns)
        return time_ns - self._restless_since_ns < GIVE_UP_NS

    def _was_steady(self, look: Look, time_ns: int) -> bool:
        return time_ns - self._steady_ns >= STEADY_NS and look.baseline.count >= STEADY_PICTURES

    def _note_change(self, time_ns: int) -> None:
        """Follows for how long all has changed again and again; a place may be like that."""
        if time_ns - self._last_change_ns > CALM_NS:
            self._restless_since_ns = time_ns
        self._last_change_ns = time_ns

    def lost(self, stats: PictureStats, time_ns: int) -> HealthProblem | None:
        """What has taken the picture away, if anything; what was settling then starts anew."""
        problem = lost(stats, self.baseline)
        if problem is None or self._returns_to_known(stats, time_ns) or self._returns_to_place(stats, time_ns):
            return None
        self._change = None
        return problem

    def learn(self, stats: PictureStats, time_ns: int) -> None:
        """Follows a good picture; none while a change settles."""
        if self._change is not None:
            return
        if self.look is None:
            self._begin(stats, time_ns)
        else:
            # what happened while pictures were bad, or none came, is not one long step
            self.look.learn(stats, min(1.0, (time_ns - self._learned_ns) / NS_PER_S))
        self._learned_ns = time_ns

    def _begin(self, stats: PictureStats, time_ns: int) -> None:
        self.look = Look.of(stats)
        self._steady_ns = self._learned_ns = time_ns

    def _returns_to_place(self, stats: PictureStats, time_ns: int) -> bool:
        for i, place in enumerate(self._places):
            if place.is_seen_in(stats):
                del self._places[i]
                self._remember()
                self._go_back(place, time_ns)
                return True
        return False

    def _go_back(self, to: Look, time_ns: int) -> None:
        """Takes up an earlier look; the one that is left is known for a while."""
        self._known, self.look, self._left_ns, self._change = self.look, to, time_ns, None

    def _remember(self) -> None:
        """Knows the look for good, if it was good for a while."""
        if self.look is not None and self.look.baseline.count >= PLACE_PICTURES:
            self._places = [*self._places[1 - MAX_PLACES :], self.look]

    def _returns_to_known(self, stats: PictureStats, time_ns: int) -> bool:
        known = self._known
        if known is None or time_ns - self._left_ns > KNOWN_NS:
            return False
        if not known.is_seen_in(stats):
            return False
        self._go_back(known, time_ns)
        self._note_change(time_ns)
        return True

    def _follow(self, stats: PictureStats, time_ns: int, settle_ns: int) -> None:
        change = self._change
        if change is None:
            change = self._change = Change(time_ns, Look.of(stats), time_ns)
        elif change.look.differs(stats):
            change.look, change.stable_ns = Look.of(stats), time_ns
        if time_ns - change.stable_ns >= settle_ns:
            self._settle(stats, change, change.stable_ns)
        elif time_ns - change.began_ns >= GIVE_UP_NS:
            self._settle(stats, change, time_ns)

    def _settle(self, stats: PictureStats, change: Change, steady_ns: int) -> None:
        self._remember()
        self._known, self._left_ns, self._change = self.look, change.began_ns, None
        self._begin(stats, steady_ns)


def _is_other_light(now: Float32Array, before: Float32Array) -> bool:
    levels = min(MAX_LEVELS, max(MIN_LEVELS, LEVEL_SHARE * float(max(now.mean(), before.mean()))))
    return float(np.mean(np.abs(now - before) > levels)) >= CHANGED_SHARE


def _is_other_colour(now: Float32Array, before: Float32Array) -> bool:
    change = np.abs(now - before).max(axis=-1)
    if float(np.mean(change > CAST_LEVELS)) >= CHANGED_SHARE:
        return True
    less, more = sorted(float(np.abs(casts).max(axis=-1).mean()) for casts in (now, before))
    # of a single coloured thing that comes or goes, most cells know nothing
    return more >= MIN_COLOUR and less < GREYED_SHARE * more and float(np.median(change)) >= MIN_COLOUR_CHANGE
