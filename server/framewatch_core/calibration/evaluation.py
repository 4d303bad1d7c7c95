"""Events against the whole truth about a video.

The moment that is compared is an event's `began`, when the thing came or went according to the event. The event is
emitted later, by the rule's minimum time; that is its delay. An event is right if its `began` lies within the tolerance
of a true transition of its kind; every transition is matched with one event at most.

A thing that is there at the first frame has appeared then: ENTERED near the start is right and is expected. A thing
that is there at the last frame has not gone: no EXITED is expected, and one would be false.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from framewatch_core.calibration.estimates import Estimate, proportion
from framewatch_core.calibration.truth import Track, VideoTruth
from framewatch_core.errors import InvalidRule
from framewatch_core.quoting import listed, quoted
from framewatch_core.rules.events import Event, EventKind, ExitReason
from framewatch_core.rules.rule import EventRule

_KINDS = (EventKind.ENTERED, EventKind.EXITED)


@dataclass(frozen=True, slots=True)
class Transition:
    """Moment at which a thing truly appeared (ENTERED) or went (EXITED)."""

    kind: EventKind
    time_ns: int


@dataclass(frozen=True, slots=True)
class Match:
    """A transition and its event."""

    truth: Transition
    event: Event

    @property
    def delay_ns(self) -> int:
        """Time from the true moment until the event was emitted; negative: it was emitted before."""
        return self.event.at.time_ns - self.truth.time_ns

    @property
    def error_ns(self) -> int:
        """Time from the true moment to the event's `began`; negative: `began` is earlier."""
        return self.event.began.time_ns - self.truth.time_ns


@dataclass(frozen=True, slots=True)
class RuleEvaluation:
    """Events of one rule against its region's truth.

    Attributes:
        rule: the rule's name.
        region_id: the region's id in the truth.
        matches: right events, by the time of their transitions.
        missed: transitions without an event.
        doubled: events near a transition that has an earlier event.
        false: events near no transition of their kind.
        flap_count: pairs of events in a row that were not right and undo each other with no missed transition between:
            a thing that was there all the time would have gone and come, or the other way round. These events are
            among the false or doubled ones too.
        unsure: events that are not right and began when people would not agree what is there; they count nowhere.

    """

    rule: str
    region_id: str
    matches: tuple[Match, ...]
    missed: tuple[Transition, ...]
    doubled: tuple[Event, ...]
    false: tuple[Event, ...]
    flap_count: int
    unsure: tuple[Event, ...] = ()

    @property
    def is_right(self) -> bool:
        """True if every transition has one event and there are no others."""
        return not (self.missed or self.doubled or self.false)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All rules' events against the truth.

    Attributes:
        rules: in the rules' order.
        unwatched: ids of the truth's regions that no rule is about; their transitions count nowhere.

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
        """Transitions with an event, of all transitions."""
        missed = sum(len(rule.missed) for rule in self.rules)
        return proportion(len(self.matches), len(self.matches) + missed)

    @property
    def flap_count(self) -> int:
        """See `RuleEvaluation.flap_count`."""
        return sum(rule.flap_count for rule in self.rules)

    @property
    def is_perfect(self) -> bool:
        """True if every transition has one event and there are no others."""
        return all(rule.is_right for rule in self.rules)

    def median_delay_ns(self) -> float | None:
        """Returns the median delay of right events; None: there are none."""
        return statistics.median(match.delay_ns for match in self.matches) if self.matches else None

    def max_delay_ns(self) -> int | None:
        """Returns the longest delay of right events; None: there are none."""
        return max((match.delay_ns for match in self.matches), default=None)

    def max_error_ns(self) -> int | None:
        """Returns the largest distance of a right event's `began` from the truth, either way; None: there are none."""
        return max((abs(match.error_ns) for match in self.matches), default=None)


def evaluate(events: Iterable[Event], rules: Sequence[EventRule], truth: VideoTruth) -> Evaluation:
    """Compares events with the truth.

    Args:
        events: of these rules, in the order in which they were emitted; those of other rules are ignored, and EXITED
            of a rule that a config has changed: it tells nothing about the thing.
        rules: each against the truth about its region; rules without one against a region that is the whole frame.
        truth: about the video; cut with `until` if only a part was watched.

    Raises:
        InvalidRule: if there is no truth about a rule's region.

    """
    events = list(events)
    tracks = {track.rule_region_id: track for track in truth.tracks}
    found = []
    for i, rule in enumerate(rules):
        if rule.region_id not in tracks:
            where = f"the region {quoted(rule.region_id)}" if rule.region_id else "the whole frame"
            known = listed([track.region.id for track in truth.tracks])
            raise InvalidRule(f"there is no truth about {where}: there is about {known}", f"rules[{i}].region_id")
        own = [event for event in events if event.rule_id == rule.name and _is_observed(event)]
        found.append(_evaluate_rule(rule.name, own, tracks[rule.region_id], truth))
    watched = {rule.region_id for rule in rules}
    return Evaluation(
        tuple(found), tuple(track.region.id for track in truth.tracks if track.rule_region_id not in watched)
    )


def _is_observed(event: Event) -> bool:
    return event.exit_reason is not ExitReason.RECONFIGURED


def transitions(track: Track, end_ns: int) -> list[Transition]:
    """Returns the moments that a track's events should match, in the order of time."""
    entered = [Transition(EventKind.ENTERED, span.start_ns) for span in track.present]
    exited = [Transition(EventKind.EXITED, span.end_ns) for span in track.present if span.end_ns < end_ns]
    return sorted(entered + exited, key=lambda transition: transition.time_ns)


def _evaluate_rule(name: str, events: list[Event], track: Track, truth: VideoTruth) -> RuleEvaluation:
    expected = transitions(track, truth.end_ns)
    matches = [match for kind in _KINDS for match in _match(events, expected, kind, truth.tolerance_ns)]
    matches.sort(key=lambda match: match.truth.time_ns)
    found = {match.truth for match in matches}
    right = {match.event for match in matches}
    unsure = tuple(event for event in events if event not in right and _is_unsure(event, track))
    events = [event for event in events if event not in unsure]
    wrong = [event for event in events if event not in right]
    doubled = [event for event in wrong if _is_near(event, found, truth.tolerance_ns)]
    missed = [transition for transition in expected if transition not in found]
    return RuleEvaluation(
        rule=name,
        region_id=track.region.id,
        matches=tuple(matches),
        missed=tuple(missed),
        doubled=tuple(doubled),
        false=tuple(event for event in wrong if event not in doubled),
        flap_count=_count_flaps(events, right, missed),
        unsure=unsure,
    )


def _is_unsure(event: Event, track: Track) -> bool:
    return any(event.began.time_ns in span for span in track.fuzzy)


def _match(events: list[Event], expected: list[Transition], kind: EventKind, tolerance_ns: int) -> list[Match]:
    """Returns as many matches as possible: with one tolerance for all, a transition takes its earliest event."""
    left = sorted((event for event in events if event.kind is kind), key=lambda event: event.began.time_ns)
    matches = []
    for truth in (transition for transition in expected if transition.kind is kind):
        while left and left[0].began.time_ns < truth.time_ns - tolerance_ns:
            left.pop(0)
        if left and left[0].began.time_ns <= truth.time_ns + tolerance_ns:
            matches.append(Match(truth, left.pop(0)))
    return matches


def _is_near(event: Event, transitions: set[Transition], tolerance_ns: int) -> bool:
    return any(
        truth.kind is event.kind and abs(event.began.time_ns - truth.time_ns) <= tolerance_ns for truth in transitions
    )


def _count_flaps(events: list[Event], right: set[Event], missed: list[Transition]) -> int:
    count = 0
    first: Event | None = None
    for event in events:
        if event in right:
            first = None
        elif first is None or first.kind is event.kind or _is_between(first, event, missed):
            first = event
        else:
            count, first = count + 1, None
    return count


def _is_between(first: Event, second: Event, missed: list[Transition]) -> bool:
    return any(first.began.time_ns < transition.time_ns <= second.began.time_ns for transition in missed)
