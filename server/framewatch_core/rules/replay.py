"""Replay of recorded scores through the rule engine, without a model or a server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from framewatch_core.errors import InvalidRule
from framewatch_core.labels.scoring import LabelScore, ScoreKind
from framewatch_core.quoting import quoted
from framewatch_core.rules.engine import RuleBook
from framewatch_core.rules.events import Event
from framewatch_core.rules.explanations import RuleExplanation
from framewatch_core.rules.rule import DEFAULT_MAX_FRAME_GAP_NS, EventRule
from framewatch_core.time import FrameClock, Moment


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """Scores of a frame, as the rules were given them.

    Attributes:
        at: the frame's number and time.
        scores: the labels' scores by the region's id.
        held: ids of regions whose rules were not given the frame.

    """

    at: Moment
    scores: Mapping[str, Sequence[LabelScore]]
    held: frozenset[str] = frozenset()


def replay(
    frames: Iterable[RecordedFrame], rules: Sequence[EventRule], max_frame_gap_ns: int = DEFAULT_MAX_FRAME_GAP_NS
) -> list[Event]:
    """Returns the events of rules over recorded frames, from the code that the server runs.

    Args:
        frames: the scored ones, in their order.
        rules: each is given the whole recording from its first frame.
        max_frame_gap_ns: see `RuleBook`.

    Returns:
        Events in the order in which the server would emit them.

    Raises:
        InvalidRule: if the recording lacks a rule's region, label or kind of score.

    """
    return list(Replay(rules, max_frame_gap_ns).events(frames))


class SeenTimes:
    """The decision which recorded frames the rules did not see for their time; see `FrameClock`."""

    def __init__(self, max_frame_gap_ns: int = DEFAULT_MAX_FRAME_GAP_NS) -> None:
        """`max_frame_gap_ns`: see `RuleBook`."""
        self._clock = FrameClock()
        self._max_frame_gap_ns = max_frame_gap_ns

    @property
    def end_ns(self) -> int:
        """End of the frames so far: one step of their clock after the last one that was seen; 0: there was none."""
        return (self._clock.last_ns or 0) + (self._clock.step_ns or 0)

    def has_seen(self, frame: RecordedFrame) -> bool:
        """Takes the next frame; returns False if its time was an outlier: rules were not told that it was held."""
        if frame.held.issuperset(frame.scores) and self._clock.is_outlier(frame.at.time_ns, self._max_frame_gap_ns):
            self._clock.outlier_ns = frame.at.time_ns
            return False
        self._clock.move_to(frame.at.time_ns)
        return True


class Replay:
    """Rules that are given recorded frames; see `replay` for the arguments."""

    def __init__(self, rules: Sequence[EventRule], max_frame_gap_ns: int = DEFAULT_MAX_FRAME_GAP_NS) -> None:
        self._book = RuleBook()
        self._book.configure(dict(enumerate(rules)), max_frame_gap_ns)
        self._times = SeenTimes(max_frame_gap_ns)
        self._needs = {(rule.region_id, rule.label, rule.score_kind): i for i, rule in reversed(list(enumerate(rules)))}

    def events(self, frames: Iterable[RecordedFrame]) -> Iterator[Event]:
        """Yields the events of the next frames, which are read as they are needed. Raises InvalidRule."""
        for frame in frames:
            if not self._times.has_seen(frame):
                continue
            for (region, label, kind), i in self._needs.items():
                if region not in frame.held:
                    _check_recorded(frame, region, label, kind, i)
            yield from self._book.update(frame.at, frame.scores, frame.held)

    def explain(self) -> list[RuleExplanation]:
        """Returns how near every rule is to its next event, in the rules' order."""
        return self._book.explain()


def _check_recorded(frame: RecordedFrame, region: str, label: str, kind: ScoreKind, rule_index: int) -> None:
    where = f"in the region {quoted(region)}" if region else "in the whole frame"
    score = next((score for score in frame.scores.get(region, ()) if score.label == label), None)
    if score is None:
        raise InvalidRule(
            f"frame {frame.at.frame_id} was recorded without scores of the label {quoted(label)} {where}: record all "
            "labels (no top count) and the rule's regions",
            f"rules[{rule_index}].label",
        )
    if kind is ScoreKind.PRESENCE and score.presence is None:
        raise InvalidRule(
            f"frame {frame.at.frame_id} was recorded without the presence of the label {quoted(label)} {where}",
            f"rules[{rule_index}].score_kind",
        )
