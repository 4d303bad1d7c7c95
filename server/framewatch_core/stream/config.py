"""Settings of a stream."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from framewatch_core.errors import InvalidRequest, InvalidRule
from framewatch_core.health.monitor import HealthPolicy
from framewatch_core.images.regions import WHOLE_FRAME, Region, check_regions
from framewatch_core.labels.labels import Label, LabelSet
from framewatch_core.limits import check_limit, check_name
from framewatch_core.quoting import listed, quoted
from framewatch_core.rules.rule import DEFAULT_MAX_FRAME_GAP_NS, EventRule
from framewatch_core.stream.reuse import ReusePolicy
from framewatch_core.time import NS_PER_S

MAX_RULES = 1000
MAX_TRAIL_POINTS = 10_000


class OverflowPolicy(Enum):
    """Treatment of frames that come faster than they are scored."""

    BLOCK = auto()
    DROP_OLDEST = auto()


@dataclass(frozen=True, slots=True)
class StreamConfig:
    """Settings of a stream; see `StreamConfig` in the .proto.

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
        check_name("the model's name", self.model, "model")
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
                raise InvalidRule(f"the rule's label {quoted(rule.label)} is not in the label set", f"rules[{i}].label")
            if rule.region_id not in regions:
                known = listed(sorted(regions)) if self.regions else "none: leave the rule's empty"
                raise InvalidRule(
                    f"the rule's region {quoted(rule.region_id)} is not in the config (there are {known})",
                    f"rules[{i}].region_id",
                )
            if counts[rule.name] > 1:
                raise InvalidRule(
                    f"several rules are called {quoted(rule.name)}: give each an id of its own", f"rules[{i}].id"
                )
        if self.top_count < 0:
            raise InvalidRequest(f"top_count is {self.top_count}: expected 0 for all, or more", "top_count")
        rate = self.max_frame_rate
        if rate is not None and not (math.isfinite(rate) and rate > 0):
            raise InvalidRequest(f"max_frame_rate is {rate:g}: expected more than 0, or nothing", "max_frame_rate")
        if self.max_frame_gap_ns <= 0:
            gap_s = self.max_frame_gap_ns / NS_PER_S
            raise InvalidRequest(f"max_frame_gap is {gap_s:g} s: expected more than 0, or nothing", "max_frame_gap")

    @property
    def assessed_regions(self) -> frozenset[str]:
        """Ids of the regions whose pictures are assessed: those of the rules."""
        return frozenset() if self.health.disabled else frozenset(rule.region_id for rule in self.rules)

    @property
    def viewed_regions(self) -> tuple[Region, ...]:
        """The regions that are scored: the config's, or the whole frame."""
        return self.regions or (WHOLE_FRAME,)

    @property
    def score_count(self) -> int:
        """Scores of a frame: of each label in each region."""
        return len(self.label_set.labels) * len(self.viewed_regions)

    def with_example_keys(self) -> StreamConfig:
        """Returns the same config with keys for its labels' examples."""
        return replace(self, label_set=self.label_set.with_example_keys())

    def rules_by_identity(self) -> dict[object, EventRule]:
        """The rules by what makes one the same in a later config: its name, label, region's id and kind of score."""
        return {_identity(rule): rule for rule in self.rules}

    def subjects_by_identity(self) -> dict[object, int]:
        """Numbers that stand for the rules' labels, with their texts and examples, and places; by the same keys."""
        labels: dict[str, Label] = {label.name: label for label in self.label_set.labels}
        regions = {region.id: region for region in self.viewed_regions}
        texts = {
            name: hash((labels[name], self.label_set.prompts_of(labels[name])))
            for name in {rule.label for rule in self.rules}
        }
        return {_identity(rule): hash((texts[rule.label], regions[rule.region_id])) for rule in self.rules}


def _identity(rule: EventRule) -> object:
    # small, for it outlives the config in the state that is kept for streams that resume
    return rule.name, rule.label, rule.region_id, rule.score_kind
