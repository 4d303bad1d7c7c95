"""Event rules.

A rule emits ENTERED once when its label's score has been high for long enough, and EXITED once when it has been low for
long enough. Between the two thresholds nothing changes, so that a wavering score does not flap.
"""

from __future__ import annotations

from dataclasses import dataclass

from framewatch_core.errors import InvalidRule
from framewatch_core.labels.scoring import ScoreKind
from framewatch_core.limits import check_limit, check_name
from framewatch_core.time import NS_PER_S

DEFAULT_MAX_FRAME_GAP_NS = 10 * NS_PER_S
DEFAULT_MIN_TIME_NS = NS_PER_S * 3 // 10
"""A few frames of most cameras: a score that leaves its side for a single frame makes no event."""

MAX_TRAIL_COUNT = 100


@dataclass(frozen=True, slots=True)
class EventRule:
    """Conditions under which ENTERED and EXITED of a label are emitted.

    Attributes:
        label: name of a label of the set.
        enter_at: a score of at least this counts towards ENTERED; in (0, 1].
        exit_below: a score of less than this counts towards EXITED; in (0, enter_at]; None: enter_at.
        min_present_ns: time for which the score must have been at least enter_at, first to last frame; 0: one frame is
            enough.
        min_absent_ns: time for which it must have been less than exit_below; 0: one frame is enough.
        score_kind: the score that the rule goes by.
        id: the rule's name in its events; empty: the label.
        region_id: id of the region that the rule watches; empty: the whole frame.
        cooldown_ns: time after EXITED in which no ENTERED is emitted; 0: none.
        smoothing_ns: half-life of the exponential smoothing of the score; 0: none.
        trail_count: last scores that events carry; 0 to 100.

    Raises:
        InvalidRule, LimitExceeded: with the field's path below the rule.

    """

    label: str
    enter_at: float
    exit_below: float | None = None
    min_present_ns: int = DEFAULT_MIN_TIME_NS
    min_absent_ns: int = DEFAULT_MIN_TIME_NS
    score_kind: ScoreKind = ScoreKind.PROBABILITY
    id: str = ""
    region_id: str = ""
    cooldown_ns: int = 0
    smoothing_ns: int = 0
    trail_count: int = 0

    def __post_init__(self) -> None:
        if not self.label:
            raise InvalidRule("the rule has no label: give the name of a label of the set", "label")
        check_name("the rule's id", self.id, "id")
        check_name("the rule's label", self.label, "label")
        check_name("the rule's region", self.region_id, "region_id")
        if not 0 < self.enter_at <= 1:
            raise InvalidRule(f"enter_at is {self.enter_at:g}: expected more than 0 and at most 1", "enter_at")
        if self.exit_below is not None and not 0 < self.exit_below <= self.enter_at:
            raise InvalidRule(
                f"exit_below is {self.exit_below:g}: expected more than 0 and at most enter_at ({self.enter_at:g})",
                "exit_below",
            )
        check_limit(
            "the trail", limit="max_trail_count", maximum=MAX_TRAIL_COUNT, actual=self.trail_count, field="trail_count"
        )
        if self.trail_count < 0:
            raise InvalidRule(f"trail_count is {self.trail_count}: expected 0 or more", "trail_count")
        for name in ("min_present", "min_absent", "cooldown", "smoothing"):
            if (time_ns := getattr(self, f"{name}_ns")) < 0:
                raise InvalidRule(f"{name} is {time_ns / NS_PER_S:g} s: expected 0 or more", name)

    @property
    def name(self) -> str:
        """The rule's name in its events: the id, or else the label."""
        return self.id or self.label

    @property
    def exit_threshold(self) -> float:
        """The score below which frames count towards EXITED."""
        return self.enter_at if self.exit_below is None else self.exit_below
