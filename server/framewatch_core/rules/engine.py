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

_BOOK_BYTES = 2_000


@dataclass(slots=True)
class _Followed:
    """A rule's state, which decides, and its progress, which observes the state for explanations.

    `subject`: stands for what the rule's label and region are; see `RuleBook.configure`.
    """

    state: RuleState
    progress: Progress = field(default_factory=Progress)
    subject: int = 0

    def under(self, rule: EventRule, subject: int) -> _Followed:
        """Returns itself if nothing has changed, else a copy that goes on under the edited rule."""
        is_same_rule = rule == self.state.rule
        if is_same_rule and subject == self.subject:
            return self
        state = self.state if is_same_rule else self.state.under(rule)
        return _Followed(state, self.progress.anew(), subject)


class RuleBook:
    """All rules of a stream.

    A gap of more than `max_frame_gap_ns` between two frames that a rule was given does not count towards minimum times:
    no frame shows what happened in it.
    """

    def __init__(self) -> None:
        self._followed: dict[object, _Followed] = {}
        # rules that are no more and were present: their EXITED comes with the next frame
        self._leaving: list[RuleState] = []
        self._regions: frozenset[str] = frozenset()
        self._max_frame_gap_ns = DEFAULT_MAX_FRAME_GAP_NS

    def configure(
        self,
        rules: Mapping[object, EventRule],
        max_frame_gap_ns: int,
        subjects: Mapping[object, int] | None = None,
    ) -> None:
        """Takes new rules, in order.

        Args:
            rules: by all that makes a rule the same. One under a known key goes on under its new settings; one that is
                gone is reported with the next frame, if its label was present.
            max_frame_gap_ns: see above.
            subjects: numbers that stand for what the rules' labels and regions are, by key: explanations begin anew
                when one changes. None: they don't change.

        """
        before, subjects = self._followed, subjects or {}
        self._followed = {key: _follow(before.get(key), rule, subjects.get(key, 0)) for key, rule in rules.items()}
        self._leaving += [each.state for key, each in before.items() if key not in rules and each.state.is_present]
        self._regions = frozenset(rule.region_id for rule in rules.values())
        self._max_frame_gap_ns = max_frame_gap_ns

    @property
    def regions(self) -> frozenset[str]:
        """Ids of the rules' regions."""
        return self._regions

    def update(self, at: Moment, scores: Mapping[str, Sequence[LabelScore]], held: Collection[str] = ()) -> list[Event]:
        """Takes the scores of the next frame; returns the events that it completes, in the rules' order.

        EXITED of rules that are no more come first.

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
        events = self._leave(at)
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

    def _leave(self, at: Moment) -> list[Event]:
        leaving, self._leaving = self._leaving, []
        return [event for state in leaving if (event := state.leave(at)) is not None]

    def under(
        self,
        rules: Mapping[object, EventRule],
        max_frame_gap_ns: int,
        subjects: Mapping[object, int] | None = None,
    ) -> RuleBook:
        """Returns a book with the same states under another config, for explanations; this book does not change."""
        book = RuleBook()
        book._followed = self._followed
        book.configure(rules, max_frame_gap_ns, subjects)
        return book

    @property
    def byte_count(self) -> int:
        """Bytes that all rules and their states take at most."""
        states = (*(followed.state for followed in self._followed.values()), *self._leaving)
        return _BOOK_BYTES + sum(state.byte_count for state in states)

    def explain(self) -> list[RuleExplanation]:
        """Returns how near every rule is to its next event and what holds it back, in the rules' order."""
        return [
            explain(followed.state.rule, followed.progress, self._max_frame_gap_ns)
            for followed in self._followed.values()
        ]


def _follow(known: _Followed | None, rule: EventRule, subject: int) -> _Followed:
    return _Followed(RuleState(rule), subject=subject) if known is None else known.under(rule, subject)
