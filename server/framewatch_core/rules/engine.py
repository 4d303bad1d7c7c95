"""Event rules of one stream, each with its state and its progress.

All state is plain data that depends on nothing else: a stream that takes over from another gets its book, and a copied
or unpickled book emits what the original would have emitted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from framewatch_core.labels.label_scores import by_label
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.rules.events import Event
from framewatch_core.rules.explanations import Progress, RuleExplanation, explain
from framewatch_core.rules.rule import DEFAULT_MAX_FRAME_GAP_NS, EventRule
from framewatch_core.rules.state import RuleState
from framewatch_core.time import Moment


@dataclass(slots=True)
class _Followed:
    """A rule's state, which decides, and its progress, which observes the state for explanations."""

    state: RuleState
    progress: Progress = field(default_factory=Progress)


class RuleBook:
    """All rules of a stream.

    A gap of more than `max_frame_gap_ns` between two frames that a rule was given does not count towards minimum times:
    no frame shows what happened in it.
    """

    def __init__(self) -> None:
        self._followed: dict[object, _Followed] = {}
        self._regions: frozenset[str] = frozenset()
        self._max_frame_gap_ns = DEFAULT_MAX_FRAME_GAP_NS

    def configure(self, rules: Mapping[object, EventRule], max_frame_gap_ns: int) -> None:
        """Takes new rules, in order. One under the same key (all that makes it the same) keeps its state."""
        self._followed = {key: self._followed.get(key) or _Followed(RuleState(rule)) for key, rule in rules.items()}
        self._regions = frozenset(rule.region_id for rule in rules.values())
        self._max_frame_gap_ns = max_frame_gap_ns

    @property
    def regions(self) -> frozenset[str]:
        """Ids of the rules' regions."""
        return self._regions

    def update(self, at: Moment, scores: Mapping[str, Sequence[LabelScore]], held: Collection[str] = ()) -> list[Event]:
        """Takes the scores of the next frame; returns the events that it completes, in the rules' order.

        Args:
            at: the frame; not earlier than those before it.
            scores: for each region's id the scores of all labels; the whole frame's id is "". The frame is held for
                rules of a region that is missing.
            held: ids of regions whose rules are not given the frame, because of its picture or those before it.

        Raises:
            InvalidRule: a rule is about a presence that the scores don't have.

        """
        by_region = {
            region: by_label(scores[region]) for region in self._regions if region in scores and region not in held
        }
        events = []
        for followed in self._followed.values():
            state = followed.state
            seen = by_region.get(state.rule.region_id)
            if seen is None:
                state.hold()
                followed.progress.hold(at)
                continue
            event = state.update(at, seen, self._max_frame_gap_ns)
            if event is None:
                followed.progress.observe(at, state.score, state.run, self._max_frame_gap_ns)
            else:
                followed.progress = Progress.after(event)
                events.append(event)
        return events

    def under(self, rules: Mapping[object, EventRule], max_frame_gap_ns: int) -> RuleBook:
        """Returns a book with the same states under another config, for explanations; this book does not change."""
        book = RuleBook()
        book._followed = self._followed
        book.configure(rules, max_frame_gap_ns)
        return book

    def explain(self) -> list[RuleExplanation]:
        """Returns how near every rule is to its next event and what holds it back, in the rules' order."""
        return [
            explain(followed.state.rule, followed.progress, self._max_frame_gap_ns)
            for followed in self._followed.values()
        ]
