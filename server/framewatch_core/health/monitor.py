"""Whether a picture shows anything that rules can go by, and what is said of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from framewatch_core.errors import InvalidRequest
from framewatch_core.health.baseline import lost
from framewatch_core.health.frozen import StillPicture
from framewatch_core.health.problem import HealthProblem
from framewatch_core.health.region import RegionTones
from framewatch_core.health.scene import Scene
from framewatch_core.images.regions import WHOLE_FRAME_ID
from framewatch_core.images.statistics import PictureStats
from framewatch_core.rules.rule import EventKind
from framewatch_core.time import NS_PER_S, Moment

__all__ = [
    "DEFAULT_FROZEN_AFTER_NS",
    "DEFAULT_SETTLE_NS",
    "HealthEvent",
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
    """When pictures are not trusted; see `HealthPolicy` in the .proto.

    Attributes:
        disabled: pictures are not judged.
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
class HealthEvent:
    """Rules of a region were suspended or go on.

    Attributes:
        kind: SUSPENDED or RESUMED.
        region: the region's id.
        problem: SUSPENDED: what is wrong; else None.
        at: the frame that completed it.
        began: the first frame with the problem, or the first good one.

    """

    kind: EventKind
    region: str
    problem: HealthProblem | None
    at: Moment
    began: Moment


@dataclass(frozen=True, slots=True)
class HealthReport:
    """What is to be known of one frame's pictures.

    Attributes:
        problems: what is wrong with each region's picture, None: nothing.
        held: regions whose rules must not see this frame, because of this picture's problem or of those before it.
        events: at most one for each region.

    """

    problems: Mapping[str, HealthProblem | None]
    held: frozenset[str]
    events: tuple[HealthEvent, ...]


class HealthMonitor:
    """Judges a stream's pictures, in order of time. Plain data, so it can be copied and pickled.

    A problem of the whole frame is one of every region. A region by itself can only be black or over-exposed: that it
    has no detail, or doesn't change, may be all that there is to see.
    """

    def __init__(self, policy: HealthPolicy) -> None:
        self._policy = policy
        self._scene = Scene()
        self._still: StillPicture | None = None
        self._regions: dict[str, RegionTones] = {}
        self._holds: dict[str, _Hold] = {}

    def configure(self, policy: HealthPolicy) -> None:
        """Goes on with another policy; what has been learned and said stays."""
        self._policy = policy

    def update(
        self, at: Moment, pictures: Mapping[str, PictureStats], told: Collection[str] | None = None
    ) -> HealthReport:
        """Judges one frame.

        Args:
            at: the frame; later than the one before.
            pictures: by region id; the whole frame is always there, with the empty id. Regions that are not there
                any more are forgotten.
            told: regions of which SUSPENDED may be said; None: all. RESUMED is said of those of which SUSPENDED was.

        """
        whole, began = self._whole(at, pictures[WHOLE_FRAME_ID])
        self._holds = {region: self._holds.get(region) or _Hold() for region in pictures}
        self._regions = {region: self._regions.get(region) or RegionTones() for region in pictures if region}
        problems = {region: whole or self._own(region, stats) for region, stats in pictures.items()}
        events = [
            self._hold(region, at, problem, began, may_tell=told is None or region in told)
            for region, problem in problems.items()
        ]
        held = frozenset(region for region in pictures if self._holds[region].is_holding)
        self._learn(at, pictures, held)
        return HealthReport(problems, held, tuple(event for event in events if event is not None))

    def _whole(self, at: Moment, stats: PictureStats) -> tuple[HealthProblem | None, Moment]:
        """What is wrong with the whole frame, and since when."""
        still = self._still = self._still.followed(stats, at) if self._still else StillPicture.of(stats, at)
        problem = self._scene.lost(stats, at.time_ns)
        if problem is None and self._counts(HealthProblem.FROZEN) and still.lasted(at, self._policy.frozen_after_ns):
            return HealthProblem.FROZEN, still.since
        if problem is None and self._scene.has_changed(stats, at.time_ns, self._policy.settle_ns):
            problem = HealthProblem.SCENE_CHANGED
        return problem if problem and self._counts(problem) else None, at

    def _own(self, region: str, stats: PictureStats) -> HealthProblem | None:
        if region == WHOLE_FRAME_ID:
            return None
        problem = self._regions[region].problem(stats)
        return problem if problem and self._counts(problem) else None

    def let_go(self, at: Moment) -> list[HealthEvent]:
        """Holds no region any more, since pictures are not judged; says RESUMED where SUSPENDED was said."""
        holds, self._holds = self._holds, {}
        return [HealthEvent(EventKind.RESUMED, region, None, at, at) for region, hold in holds.items() if hold.said]

    def _hold(
        self, region: str, at: Moment, problem: HealthProblem | None, began: Moment, *, may_tell: bool
    ) -> HealthEvent | None:
        settle_ns = 0 if self._policy.disabled else self._policy.settle_ns
        return self._holds[region].update(region, at, problem, began, settle_ns, may_tell=may_tell)

    def _counts(self, problem: HealthProblem) -> bool:
        return not self._policy.disabled and problem not in self._policy.ignored

    def _learn(self, at: Moment, pictures: Mapping[str, PictureStats], held: frozenset[str]) -> None:
        whole = pictures[WHOLE_FRAME_ID]
        # a problem that doesn't count holds nothing, and is nothing to learn either
        if WHOLE_FRAME_ID not in held and lost(whole, self._scene.baseline) is None:
            self._scene.learn(whole, at.time_ns)
        for region, tones in self._regions.items():
            if region not in held:
                tones.learn(pictures[region], at.time_ns)


@dataclass(slots=True)
class _Hold:
    """Whether a region's rules are held.

    Attributes:
        began: the first frame with a problem, while rules are held.
        good: the first good frame since the last one with a problem.
        said: whether SUSPENDED was said.

    """

    began: Moment | None = None
    good: Moment | None = None
    said: bool = False

    @property
    def is_holding(self) -> bool:
        return self.began is not None

    def update(
        self,
        region: str,
        at: Moment,
        problem: HealthProblem | None,
        began: Moment,
        settle_ns: int,
        *,
        may_tell: bool,
    ) -> HealthEvent | None:
        if problem is not None:
            return self._bad(region, at, problem, began, settle_ns, may_tell=may_tell)
        return None if self.began is None else self._good(region, at, settle_ns)

    def _bad(
        self, region: str, at: Moment, problem: HealthProblem, began: Moment, settle_ns: int, *, may_tell: bool
    ) -> HealthEvent | None:
        self.began, self.good = self.began or began, None
        if self.said or not may_tell or at.time_ns - self.began.time_ns < settle_ns:
            return None
        self.said = True
        return HealthEvent(EventKind.SUSPENDED, region, problem, at, self.began)

    def _good(self, region: str, at: Moment, settle_ns: int) -> HealthEvent | None:
        good = self.good = self.good or at
        if at.time_ns - good.time_ns < settle_ns:
            return None
        said, self.began, self.good, self.said = self.said, None, None, False
        return HealthEvent(EventKind.RESUMED, region, None, at, good) if said else None
