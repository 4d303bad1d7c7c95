"""Health of a stream's pictures: the problems that each frame has, the regions that are held, and the events."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from framewatch_core.errors import InvalidRequest
from framewatch_core.health.baseline import find_loss
from framewatch_core.health.events import HealthEvent, HealthEventKind
from framewatch_core.health.frozen import StillPicture
from framewatch_core.health.problem import HealthProblem
from framewatch_core.health.region import RegionTones
from framewatch_core.health.scene import Scene
from framewatch_core.images.regions import MAX_REGIONS, WHOLE_FRAME_ID, Region
from framewatch_core.images.statistics import PictureStats
from framewatch_core.time import NS_PER_S, Moment

__all__ = [
    "DEFAULT_FROZEN_AFTER_NS",
    "DEFAULT_SETTLE_NS",
    "HealthMonitor",
    "HealthPolicy",
    "HealthProblem",
    "HealthReport",
    "PictureStats",
]

DEFAULT_FROZEN_AFTER_NS = 10 * NS_PER_S
DEFAULT_SETTLE_NS = NS_PER_S


@dataclass(frozen=True, slots=True)
class HealthPolicy:
    """Conditions under which pictures are not trusted; see `HealthPolicy` in the .proto.

    Attributes:
        disabled: pictures are not assessed.
        ignored: problems that don't count.
        frozen_after_ns: how long a picture must stay the very same to be frozen; greater than 0.
        settle_ns: how long pictures must have a problem before SUSPENDED, and be good before RESUMED.

    Raises:
        InvalidRequest: with the field's path.

    """

    disabled: bool = False
    ignored: frozenset[HealthProblem] = frozenset()
    frozen_after_ns: int = DEFAULT_FROZEN_AFTER_NS
    settle_ns: int = DEFAULT_SETTLE_NS

    def __post_init__(self) -> None:
        if self.frozen_after_ns <= 0:
            after_s = self.frozen_after_ns / NS_PER_S
            raise InvalidRequest(f"frozen_after is {after_s:g} s: expected more than 0, or nothing", "frozen_after")
        if self.settle_ns < 0:
            raise InvalidRequest(f"settle_time is {self.settle_ns / NS_PER_S:g} s: expected 0 or more", "settle_time")


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Health of one frame's pictures.

    Attributes:
        problems: the problem of each region's picture; None: it is good.
        held: regions whose rules are not given this frame, because of this picture's problem or of those before it.
        events: at most one for each region, and for each that is forgotten.

    """

    problems: Mapping[str, HealthProblem | None]
    held: frozenset[str]
    events: tuple[HealthEvent, ...]


_REGION_BYTES = 600
"""Bytes of what is known of a region, rounded up."""


class HealthMonitor:
    """Assesses a stream's pictures, in order of time. Plain data, so it can be copied and pickled.

    A problem of the whole frame is a problem of every region. A region by itself can only be black or over-exposed: a
    region without detail, or without change, may be a good picture of a wall.
    """

    def __init__(self, policy: HealthPolicy) -> None:
        self._policy = policy
        self._scene = Scene()
        self._still: StillPicture | None = None
        self._places: dict[str, Region] = {}
        self._regions: dict[str, RegionTones] = {}
        self._holds: dict[str, _Hold] = {}
        # suspended regions whose pictures are not assessed now: RESUMED comes once they are again, and are good
        self._left: dict[str, _Hold] = {}

    def configure(self, policy: HealthPolicy, regions: Sequence[Region] = ()) -> None:
        """Goes on with another policy and other regions; what has been emitted stays, and what was learned of a place.

        A region under the same id in another place has other tones.
        """
        self._policy = policy
        places = {region.id: region for region in regions}
        self._regions = {id_: tones for id_, tones in self._regions.items() if self._places.get(id_) == places.get(id_)}
        self._places = places

    def update(self, at: Moment, pictures: Mapping[str, PictureStats], with_rules: Collection[str]) -> HealthReport:
        """Assesses one frame.

        Args:
            at: the frame; later than the one before.
            pictures: by region id; the whole frame is always there, with the empty id. Regions that are not there
                any more are forgotten, unless they are suspended.
            with_rules: regions that SUSPENDED may be emitted for. RESUMED is emitted for those that SUSPENDED was
                emitted for.

        """
        whole, began = self._assess_whole(at, pictures[WHOLE_FRAME_ID])
        forgotten = self._hold_alone(pictures, at)
        self._regions = {region: self._regions.get(region) or RegionTones() for region in pictures if region}
        problems = {region: whole or self._assess_region(region, stats) for region, stats in pictures.items()}
        events = [
            self._hold(region, at, problem, began, may_emit=region in with_rules)
            for region, problem in problems.items()
        ]
        held = frozenset(region for region in pictures if self._holds[region].is_held)
        self._learn(at, pictures, held)
        return HealthReport(problems, held, (*forgotten, *(event for event in events if event is not None)))

    def _assess_whole(self, at: Moment, stats: PictureStats) -> tuple[HealthProblem | None, Moment]:
        """Returns the whole frame's problem and the first frame that had it."""
        still = self._still = self._still.followed_by(stats, at) if self._still else StillPicture.of(stats, at)
        problem = self._scene.find_loss(stats, at.time_ns)
        if problem is None and self._counts(HealthProblem.FROZEN) and still.is_frozen(at, self._policy.frozen_after_ns):
            return HealthProblem.FROZEN, still.since
        if problem is None and self._scene.has_changed(stats, at.time_ns, self._policy.settle_ns):
            problem = HealthProblem.SCENE_CHANGED
        return problem if problem and self._counts(problem) else None, at

    def _assess_region(self, region: str, stats: PictureStats) -> HealthProblem | None:
        if region == WHOLE_FRAME_ID:
            return None
        problem = self._regions[region].find_problem(stats)
        return problem if problem and self._counts(problem) else None

    def release(self, at: Moment) -> list[HealthEvent]:
        """Holds no region any more, since pictures are not assessed; returns RESUMED for those that were suspended."""
        holds = {**self._left, **self._holds}
        self._holds, self._left, self._still = {}, {}, None
        return [_resumed(region, at) for region, hold in holds.items() if hold.is_suspended]

    def pause(self) -> None:
        """Assesses nothing for a while, since there are no rules; what is suspended stays so."""
        self._leave(self._holds)
        self._holds, self._still = {}, None

    def _hold_alone(self, regions: Collection[str], at: Moment) -> list[HealthEvent]:
        """Goes on with these regions; returns RESUMED for those that have left and are too many to be remembered."""
        before = self._holds
        self._holds = {id_: before.get(id_) or self._left.pop(id_, None) or _Hold() for id_ in regions}
        self._leave({id_: hold for id_, hold in before.items() if id_ not in self._holds})
        too_many = list(self._left)[: max(0, len(self._left) - MAX_REGIONS)]
        for region in too_many:
            del self._left[region]
        return [_resumed(region, at) for region in too_many]

    def _leave(self, holds: Mapping[str, _Hold]) -> None:
        for region, hold in holds.items():
            if hold.is_suspended:
                hold.good_since = None  # the pictures in between are not known
                self._left[region] = hold

    def _hold(
        self, region: str, at: Moment, problem: HealthProblem | None, began: Moment, *, may_emit: bool
    ) -> HealthEvent | None:
        hold, settle_ns = self._holds[region], 0 if self._policy.disabled else self._policy.settle_ns
        if problem is None:
            return hold.take_good(region, at, settle_ns)
        return hold.take_bad(region, at, problem, began, settle_ns, may_emit=may_emit)

    @property
    def byte_count(self) -> int:
        """Bytes that it takes at most, without the policy."""
        still = 0 if self._still is None else _REGION_BYTES + self._still.grey.nbytes + self._still.points.nbytes
        ids = (*self._places, *self._regions, *self._holds, *self._left)
        return self._scene.byte_count + still + sum(_REGION_BYTES + 4 * len(id_) for id_ in ids)

    def _counts(self, problem: HealthProblem) -> bool:
        return not self._policy.disabled and problem not in self._policy.ignored

    def _learn(self, at: Moment, pictures: Mapping[str, PictureStats], held: frozenset[str]) -> None:
        whole = pictures[WHOLE_FRAME_ID]
        # a problem that doesn't count holds nothing, but there is nothing to learn from it either
        if WHOLE_FRAME_ID not in held and find_loss(whole, self._scene.baseline) is None:
            self._scene.learn(whole, at.time_ns)
        for region, tones in self._regions.items():
            if region not in held:
                tones.learn(pictures[region], at.time_ns)


@dataclass(slots=True)
class _Hold:
    """State machine of one region: its frames are given to its rules, or held.

        ==========  ====================================================  ==========  =====================
        from        if                                                    to          event
        ==========  ====================================================  ==========  =====================
        free        a picture has a problem                               bad
        bad         settle_ns after `bad_since`, and it may be emitted    bad         SUSPENDED, once
        bad         a picture is good                                     recovering
        recovering  a picture has a problem                               bad
        recovering  pictures have been good for settle_ns                 free        RESUMED after SUSPENDED
        ==========  ====================================================  ==========  =====================

    Frames are held in bad and recovering.

    Attributes:
        bad_since: the first frame with a problem; None: free.
        good_since: the first good frame after the last one with a problem; None: not recovering.
        is_suspended: True if SUSPENDED was emitted: RESUMED has to follow.

    """

    bad_since: Moment | None = None
    good_since: Moment | None = None
    is_suspended: bool = False

    @property
    def is_held(self) -> bool:
        """True if the region's rules are not given its frames."""
        return self.bad_since is not None

    def take_bad(
        self, region: str, at: Moment, problem: HealthProblem, began: Moment, settle_ns: int, *, may_emit: bool
    ) -> HealthEvent | None:
        """Takes a picture with a problem, which began at an earlier frame or at this one."""
        self.bad_since, self.good_since = self.bad_since or began, None
        if self.is_suspended or not may_emit or at.time_ns - self.bad_since.time_ns < settle_ns:
            return None
        self.is_suspended = True
        return HealthEvent(
            kind=HealthEventKind.SUSPENDED, region_id=region, problem=problem, at=at, began=self.bad_since
        )

    def take_good(self, region: str, at: Moment, settle_ns: int) -> HealthEvent | None:
        """Takes a good picture."""
        if self.bad_since is None:
            return None
        good_since = self.good_since = self.good_since or at
        if at.time_ns - good_since.time_ns < settle_ns:
            return None
        was_suspended, self.is_suspended, self.bad_since, self.good_since = self.is_suspended, False, None, None
        if not was_suspended:
            return None
        return HealthEvent(kind=HealthEventKind.RESUMED, region_id=region, at=at, began=good_since)


def _resumed(region: str, at: Moment) -> HealthEvent:
    """RESUMED of a region whose pictures hold nothing any more, whatever they show."""
    return HealthEvent(kind=HealthEventKind.RESUMED, region_id=region, at=at, began=at)
