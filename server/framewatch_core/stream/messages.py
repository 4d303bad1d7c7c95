"""What goes into a stream and what comes out."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Generic, TypeVar

from framewatch_core.errors import FramewatchError, InvalidRequest, InvalidRule
from framewatch_core.health.monitor import HealthEvent, HealthPolicy, HealthProblem, HealthReport
from framewatch_core.images.regions import WHOLE_FRAME, WHOLE_FRAME_ID, Region, check_regions
from framewatch_core.labels.labels import Label, LabelSet
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.labels.warnings import RequestWarning
from framewatch_core.limits import check_limit
from framewatch_core.rules.explanations import RuleExplanation
from framewatch_core.rules.rule import DEFAULT_MAX_FRAME_GAP_NS, EventRule, RuleEvent
from framewatch_core.stream.reuse import ReusePolicy
from framewatch_core.time import NS_PER_S

ImageT = TypeVar("ImageT")

MAX_RULES = 1000
MAX_TRAIL_POINTS = 10_000


class OverflowPolicy(Enum):
    """What happens to frames that come faster than they are scored."""

    BLOCK = auto()
    DROP_OLDEST = auto()


class DropReason(Enum):
    """Why a frame was not looked at."""

    OVERFLOW = auto()
    FRAME_RATE_LIMIT = auto()


@dataclass(frozen=True, slots=True)
class StreamConfig:
    """What a stream watches for; see `StreamConfig` in the .proto.

    Times are in nanoseconds, the origin's since the Unix epoch.

    Raises:
        InvalidRequest, LimitExceeded: with the field's path below the config.

    """

    label_set: LabelSet
    rules: tuple[EventRule, ...] = ()
    overflow_policy: OverflowPolicy = OverflowPolicy.BLOCK
    top_count: int = 0
    max_frame_rate: float | None = None
    max_frame_gap_ns: int = DEFAULT_MAX_FRAME_GAP_NS
    origin_time_ns: int | None = None
    model: str = ""
    reuse: ReusePolicy = field(default_factory=ReusePolicy)
    regions: tuple[Region, ...] = ()
    health: HealthPolicy = field(default_factory=HealthPolicy)

    def __post_init__(self) -> None:
        check_limit("rules", limit="max_rules", maximum=MAX_RULES, actual=len(self.rules), field="rules")
        points = sum(rule.trail_count for rule in self.rules)
        check_limit(
            "points in the trails of all rules",
            limit="max_trail_points",
            maximum=MAX_TRAIL_POINTS,
            actual=points,
            field="rules",
        )
        check_regions(self.regions)
        names = set(self.label_set.names)
        regions = {region.id for region in self.viewed_regions}
        counts = Counter(rule.name for rule in self.rules)
        for i, rule in enumerate(self.rules):
            if rule.label not in names:
                raise InvalidRule(f"the rule's label {rule.label!r} is not in the label set", f"rules[{i}].label")
            if rule.region_id not in regions:
                known = ", ".join(map(repr, sorted(regions))) if self.regions else "none: leave the rule's empty"
                raise InvalidRule(
                    f"the rule's region {rule.region_id!r} is not in the config (there are {known})",
                    f"rules[{i}].region_id",
                )
            if counts[rule.name] > 1:
                raise InvalidRule(
                    f"several rules are called {rule.name!r}: give each an id of its own", f"rules[{i}].id"
                )
        rate = self.max_frame_rate
        if rate is not None and not (math.isfinite(rate) and rate > 0):
            raise InvalidRequest(f"max_frame_rate is {rate:g}: expected more than 0, or nothing", "max_frame_rate")
        if self.max_frame_gap_ns <= 0:
            gap_s = self.max_frame_gap_ns / NS_PER_S
            raise InvalidRequest(f"max_frame_gap is {gap_s:g} s: expected more than 0, or nothing", "max_frame_gap")

    @property
    def judged_regions(self) -> frozenset[str]:
        """Ids of the regions whose pictures are judged: those that rules look at."""
        return frozenset() if self.health.disabled else frozenset(rule.region_id for rule in self.rules)

    @property
    def viewed_regions(self) -> tuple[Region, ...]:
        """The regions that are scored: the config's, or the whole frame."""
        return self.regions or (WHOLE_FRAME,)

    def condensed(self) -> StreamConfig:
        """The same config with keys for its labels' examples."""
        return replace(self, label_set=self.label_set.condensed())

    def rules_by_identity(self) -> dict[object, EventRule]:
        """The rules under all that makes one the same in a later config: itself, its label and its region."""
        labels: dict[str, Label] = {label.name: label for label in self.label_set.labels}
        regions = {region.id: region for region in self.viewed_regions}
        return {
            (rule, labels[rule.label], self.label_set.prompts_of(labels[rule.label]), regions[rule.region_id]): rule
            for rule in self.rules
        }


@dataclass(frozen=True, slots=True)
class Frame(Generic[ImageT]):
    """One picture of a stream.

    Attributes:
        frame_id: the client's number.
        time_ns: since the client's origin; None: the time of arrival counts.
        image: the picture, or why there is none.

    """

    frame_id: int
    time_ns: int | None
    image: ImageT | FramewatchError


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the time of a request went, in nanoseconds, and the batch it was in."""

    decode_ns: int = 0
    queue_ns: int = 0
    inference_ns: int = 0
    batch_size: int = 0

    def __add__(self, other: Timings) -> Timings:
        """Several images of one request: times add up, the largest batch counts."""
        return Timings(
            self.decode_ns + other.decode_ns,
            self.queue_ns + other.queue_ns,
            self.inference_ns + other.inference_ns,
            max(self.batch_size, other.batch_size),
        )


@dataclass(frozen=True, slots=True)
class RegionScores:
    """What a region shows.

    Attributes:
        region_id: empty for the whole frame.
        scores: best first, as many as the config's top_count says.
        problem: what is wrong with the picture, if anything.
        suspended: whether the region's rules did not see these scores.

    """

    region_id: str
    scores: tuple[LabelScore, ...]
    problem: HealthProblem | None = None
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Scored:
    """The frame was looked at.

    Attributes:
        regions: in the config's order.
        timings: where the time went.
        reused_frame_id: the earlier frame whose embedding was scored; None: the frame's own was.

    """

    regions: tuple[RegionScores, ...]
    timings: Timings = field(default_factory=Timings)
    reused_frame_id: int | None = None

    def judged(self, report: HealthReport) -> Scored:
        """The same with what is wrong with the pictures; of a region that was not judged, with the whole frame's."""
        if not report.held and not any(report.problems.values()):
            return self
        return replace(self, regions=tuple(_judged(region, report) for region in self.regions))


def _judged(region: RegionScores, report: HealthReport) -> RegionScores:
    judged_id = region.region_id if region.region_id in report.problems else WHOLE_FRAME_ID
    return replace(region, problem=report.problems[judged_id], suspended=judged_id in report.held)


@dataclass(frozen=True, slots=True)
class Dropped:
    """The frame was not looked at."""

    reason: DropReason


@dataclass(frozen=True, slots=True)
class Failed:
    """The frame could not be scored."""

    error: FramewatchError


Outcome = Scored | Dropped | Failed


@dataclass(frozen=True, slots=True)
class Started:
    """The first config was accepted; `resumed`: the stream goes on from one that was lost."""

    config: StreamConfig
    config_version: int
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class FrameResult:
    """What became of a frame."""

    frame_id: int
    time_ns: int
    config_version: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Event:
    """What a rule saw or a region's health came to, with an id.

    Attributes:
        event_id: unique over all streams and servers.
        seen: what happened.
        origin_time_ns: frame time 0 in ns since the Unix epoch, when the config has it.

    """

    event_id: str
    seen: RuleEvent | HealthEvent
    origin_time_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """How near all rules are to their next event, in the config's order."""

    rules: tuple[RuleExplanation, ...]


@dataclass(frozen=True, slots=True)
class ConfigWarnings:
    """What may not be as it was meant in the config of that version; at least one warning."""

    config_version: int
    warnings: tuple[RequestWarning, ...]


Output = Started | FrameResult | Event | Explanation | ConfigWarnings
