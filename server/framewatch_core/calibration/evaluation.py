"""Events against the truth.

What is compared is an event's `began`, the moment at which the thing is said to have come or gone; the moment at which
that was said comes later by the rule's minimum time and is told as delay. An event is right if its `began` lies within
the tolerance of a true transition of its kind; every transition is matched by one event at most.

A thing that is there at the first frame has appeared then: ENTERED near the start is right and is expected. A thing
that is there at the last frame has not gone: no EXITED is expected, and one would be false.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from framewatch_core.calibration.estimates import Estimate, proportion
from framewatch_core.calibration.intervals import Interval
from framewatch_core.calibration.truth import Track, VideoTruth
from framewatch_core.errors import InvalidRule
from framewatch_core.rules.rule import EventKind, EventRule, RuleEvent

_KINDS = (EventKind.ENTERED, EventKind.EXITED)


@dataclass(frozen=True, slots=True)
class Said:
    """An ENTERED or EXITED: when it was said, and since when it held; nanoseconds of frame time."""

    kind: EventKind
    rule: str
    said_ns: int
    began_ns: int

    @classmethod
    def of(cls, event: RuleEvent) -> Said:
        """What an event of the rule engine says."""
        return cls(event.kind, event.rule.name, event.at.time_ns, event.began.time_ns)


@dataclass(frozen=True, slots=True)
class Transition:
    """A thing truly appeared (ENTERED) or went (EXITED)."""

    kind: EventKind
    time_ns: int


@dataclass(frozen=True, slots=True)
class Match:
    """A transition and the event that told it."""

    truth: Transition
    event: Said

    @property
    def delay_ns(self) -> int:
        """From the true moment until it was said; negative: it was said before."""
        return self.event.said_ns - self.truth.time_ns

    @property
    def error_ns(self) -> int:
        """How much later than the true moment it is said to have begun; negative: earlier."""
        return self.event.began_ns - self.truth.time_ns


@dataclass(frozen=True, slots=True)
class RuleEvaluation:
    """One rule's events against its region's truth.

    Attributes:
        rule: the rule's name.
        region: the truth's name of the region.
        matches: right events, by the time of their transitions.
        missed: transitions that no event told.
        doubled: events near a transition that an earlier event had told already.
        false: events near no transition of their kind.
        flap_count: pairs of events in a row that were not right and undo each other with no missed transition between:
            a thing that was there all the while said to have gone and come, or the other way round. These events are
            among the false or doubled ones too.

    """

    rule: str
    region: str
    matches: tuple[Match, ...]
    missed: tuple[Transition, ...]
    doubled: tuple[Said, ...]
    false: tuple[Said, ...]
    flap_count: int

    @property
    def is_right(self) -> bool:
        """Whether every transition was told once and nothing else was said."""
        return not (self.missed or self.doubled or self.false)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All rules' events against the truth.

    Attributes:
        rules: in the rules' order.
        unwatched: regions of the truth that no rule looks at; their transitions count nowhere.

    """

    rules: tuple[RuleEvaluation, ...]
    unwatched: tuple[str, ...]

    @property
    def matches(self) -> list[Match]:
        """All right events."""
        return [match for rule in self.rules for match in rule.matches]

    @property
    def precision(self) -> Estimate:
        """Right events of all events."""
        wrong = sum(len(rule.doubled) + len(rule.false) for rule in self.rules)
        return proportion(len(self.matches), len(self.matches) + wrong)

    @property
    def recall(self) -> Estimate:
        """Transitions told of all transitions."""
        missed = sum(len(rule.missed) for rule in self.rules)
        return proportion(len(self.matches), len(self.matches) + missed)

    @property
    def flap_count(self) -> int:
        """See `RuleEvaluation.flap_count`."""
        return sum(rule.flap_count for rule in self.rules)

    @property
    def is_perfect(self) -> bool:
        """Whether every transition was told once and nothing else was said."""
        return all(rule.is_right for rule in self.rules)

    def median_delay_ns(self) -> float | None:
        """Of right events; None: there are none."""
        return statistics.median(match.delay_ns for match in self.matches) if self.matches else None

    def max_delay_ns(self) -> int | None:
        """Of right events; None: there are none."""
        return max((match.delay_ns for match in self.matches), default=None)

    def max_error_ns(self) -> int | None:
        """The largest distance of a right event's `began` from the truth, either way; None: there are none."""
        return max((abs(match.error_ns) for match in self.matches), default=None)


def evaluate(events: Iterable[Said], rules: Sequence[EventRule], truth: VideoTruth) -> Evaluation:
    """Compares events with the truth.

    Args:
        events: of these rules, in the order in which they were said; others, and other kinds, are passed over.
        rules: each against the truth about its region; rules without one against a region that is the whole frame.
        truth: about the video; cut it with `until` if only a part was watched.

    Raises:
        InvalidRule: the truth says nothing about a rule's region.

    """
    said = [event for event in events if event.kind in _KINDS]
    tracks = {track.rule_region: track for track in truth.tracks}
    found = []
    for i, rule in enumerate(rules):
        if rule.region_id not in tracks:
            where = f"the region {rule.region_id!r}" if rule.region_id else "the whole frame"
            known = ", ".join(repr(track.region.id) for track in truth.tracks)
            raise InvalidRule(f"the truth says nothing about {where}: it has {known}", f"rules[{i}].region_id")
        own = [event for event in said if event.rule == rule.name]
        found.append(_evaluate_rule(rule.name, own, tracks[rule.region_id], truth))
    watched = {rule.region_id for rule in rules}
    return Evaluation(
        tuple(found), tuple(track.region.id for track in truth.tracks if track.rule_region not in watched)
    )


def presences(said: Iterable[Said], end_ns: int) -> list[Interval]:
    """When a rule took its label to be there: from ENTERED's `began` to EXITED's; without one up to the end.

    Args:
        said: one rule's ENTERED and EXITED, in the order of time.
        end_ns: of the recording.

    """
    found: list[Interval] = []
    since: int | None = None
    for event in said:
        if event.kind is EventKind.ENTERED:
            since = event.began_ns
        elif since is not None:
            found.append(Interval(since, max(event.began_ns, since + 1)))
            since = None
    return found if since is None else [*found, Interval(since, max(end_ns, since + 1))]


def transitions(track: Track, end_ns: int) -> list[Transition]:
    """What a track's events should tell, in the order of time."""
    entered = [Transition(EventKind.ENTERED, span.start_ns) for span in track.present]
    exited = [Transition(EventKind.EXITED, span.end_ns) for span in track.present if span.end_ns < end_ns]
    return sorted(entered + exited, key=lambda transition: transition.time_ns)


def _evaluate_rule(name: str, events: list[Said], track: Track, truth: VideoTruth) -> RuleEvaluation:
    expected = transitions(track, truth.end_ns)
    matches = [match for kind in _KINDS for match in _match(events, expected, kind, truth.tolerance_ns)]
    matches.sort(key=lambda match: match.truth.time_ns)
    told = {match.truth for match in matches}
    right = {match.event for match in matches}
    wrong = [event for event in events if event not in right]
    doubled = [event for event in wrong if _is_near(event, told, truth.tolerance_ns)]
    missed = [transition for transition in expected if transition not in told]
    return RuleEvaluation(
        rule=name,
        region=track.region.id,
        matches=tuple(matches),
        missed=tuple(missed),
        doubled=tuple(doubled),
        false=tuple(event for event in wrong if event not in doubled),
        flap_count=_count_flaps(events, right, missed),
    )


def _match(events: list[Said], expected: list[Transition], kind: EventKind, tolerance_ns: int) -> list[Match]:
    """The most matches there can be: with one tolerance for all, the earliest event that may tell a transition does."""
    left = sorted((event for event in events if event.kind is kind), key=lambda event: event.began_ns)
    matches = []
    for truth in (transition for transition in expected if transition.kind is kind):
        while left and left[0].began_ns < truth.time_ns - tolerance_ns:
            left.pop(0)
        if left and left[0].began_ns <= truth.time_ns + tolerance_ns:
            matches.append(Match(truth, left.pop(0)))
    return matches


def _is_near(event: Said, told: set[Transition], tolerance_ns: int) -> bool:
    return any(truth.kind is event.kind and abs(event.began_ns - truth.time_ns) <= tolerance_ns for truth in told)


def _count_flaps(events: list[Said], right: set[Said], missed: list[Transition]) -> int:
    count = 0
    first: Said | None = None
    for event in events:
        if event in right:
            first = None
        elif first is None or first.kind is event.kind or _is_between(first, event, missed):
            first = event
        else:
            count, first = count + 1, None
    return count


def _is_between(first: Said, second: Said, missed: list[Transition]) -> bool:
    return any(first.began_ns < transition.time_ns <= second.began_ns for transition in missed)
