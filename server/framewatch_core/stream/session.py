"""The protocol of StreamFrames without I/O.

A shell feeds configs and frames in, takes work out, brings scores back, and sends what `next_output` gives:

    config → configure ┐                  ┌→ next_work → (decode, embed, score) → finish ┐
    frame  → receive   ┴→ slots, in order ┘                                               ┴→ next_output → stream

Every frame has a slot from its arrival until its outcome is out. Outcomes leave in the order in which the frames came,
each with its events behind it. Everything that the session holds is bounded by `SessionLimits`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Generic, TypeVar

from framewatch_core.errors import FrameOutOfOrder, FramewatchError, InvalidRequest, MissingConfig
from framewatch_core.health.monitor import HealthEvent
from framewatch_core.images.statistics import PictureStats
from framewatch_core.labels.scoring import LabelScore, best_first
from framewatch_core.labels.warnings import RequestWarning
from framewatch_core.rules.rule import RuleEvent
from framewatch_core.stream.messages import (
    ConfigWarnings,
    Dropped,
    DropReason,
    Event,
    Explanation,
    Failed,
    Frame,
    FrameResult,
    ImageT,
    Outcome,
    Output,
    OverflowPolicy,
    RegionScores,
    Scored,
    Started,
    StreamConfig,
    Timings,
)
from framewatch_core.stream.order import FrameOrder
from framewatch_core.stream.resume import ResumePoint, StreamState
from framewatch_core.time import Moment


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How much a stream may hold.

    Attributes:
        running: frames that are being decoded or scored at once.
        waiting: frames that wait for that.
        unsent: outcomes and events that wait for those before them or for the client to read.
        explanations: asked for and not yet read; each is as long as the rules are many.

    """

    running: int = 8
    waiting: int = 8
    unsent: int = 1024
    explanations: int = 4


ContextT = TypeVar("ContextT")


@dataclass(frozen=True, slots=True, eq=False)
class _Epoch(Generic[ContextT]):
    """The frames between two configs: the config that counts for them and what the shell needs to score them by it."""

    config: StreamConfig
    version: int
    context: ContextT


class _State(Enum):
    WAITING = auto()
    RUNNING = auto()
    DONE = auto()


@dataclass(slots=True, eq=False)
class _Slot(Generic[ImageT, ContextT]):
    """A frame's place in the order of results."""

    moment: Moment
    epoch: _Epoch[ContextT]
    state: _State
    order: FrameOrder
    image: ImageT | None = None
    outcome: Outcome | None = None
    pictures: Mapping[str, PictureStats] | None = None
    all_scores: Mapping[str, tuple[LabelScore, ...]] = field(default_factory=dict)

    def settle(self, outcome: Outcome) -> None:
        self.state, self.outcome, self.image = _State.DONE, outcome, None


@dataclass(frozen=True, slots=True, eq=False)
class Work(Generic[ImageT, ContextT]):
    """A frame to score: its picture, and the config that counts for it with the context that came with it."""

    image: ImageT
    config: StreamConfig
    context: ContextT
    slot: _Slot[ImageT, ContextT]

    @property
    def moment(self) -> Moment:
        """The frame's number and time."""
        return self.slot.moment


class StreamSession(Generic[ImageT, ContextT]):
    """One stream's state; see the module."""

    def __init__(self, stream_id: str, limits: SessionLimits) -> None:
        """`stream_id`: unique over all streams and servers; event ids begin with it."""
        self._state = StreamState(stream_id)
        self._limits = limits
        self._epoch: _Epoch[ContextT] | None = None
        self._slots: deque[_Slot[ImageT, ContextT]] = deque()
        self._waiting: deque[_Slot[ImageT, ContextT]] = deque()
        self._running_count = 0
        self._outbox: deque[Output] = deque()
        # the last frame before each, and the config that counted then
        self._explains: deque[tuple[_Slot[ImageT, ContextT] | None, _Epoch[ContextT]]] = deque()
        self._unread_explanations = 0
        self._rules_version = 0
        self._input_closed = False
        self._order = FrameOrder()
        self._resumed_after: ResumePoint | None = None
        self._missed: deque[Event] = deque()
        self.waiting_share = limits.waiting
        """Frames that this stream may let wait, if that is less than its limit: its share of those of all streams."""

    @property
    def state(self) -> StreamState:
        """What another session would take over."""
        return self._state

    def take_over(self, state: StreamState, point: ResumePoint) -> None:
        """Goes on from a stream that was lost, before the first config.

        Its rules go on from the last frame that they have seen: frames up to it that come again have their results, and
        the rules don't see them a second time. Events that the client has missed are said again.

        Args:
            state: what the lost stream's session has handed over.
            point: what the client has of that stream.

        """
        self._state = state
        self._order = state.order_after(point.last_frame_id)
        self._missed = state.said_after(point.last_event_id)
        self._resumed_after = point

    def hand_over(self) -> StreamState:
        """Ends the session; returns what another one needs to go on. Frames without a result are forgotten."""
        self.abandon()
        self._outbox.clear()
        return self._state

    def abandon(self) -> None:
        """Ends the session when what is out already is sent. Frames without a result are forgotten."""
        for unfinished in (self._slots, self._waiting, self._explains, self._missed):
            unfinished.clear()
        self._input_closed = True

    def configure(self, config: StreamConfig, context: ContextT, warnings: tuple[RequestWarning, ...] = ()) -> None:
        """Takes a config; it counts for the frames after it.

        Args:
            config: the config.
            context: whatever the shell needs to score frames by it; their `Work` has it.
            warnings: told to the client before the first result under the config.

        Raises:
            InvalidRequest: it changes the model.

        """
        last = self._epoch
        if last is not None and config.model != last.config.model:
            raise InvalidRequest(
                f"a stream's model can't change (it is {last.config.model!r}): open another stream", "config.model"
            )
        self._epoch = epoch = _Epoch(config, 1 if last is None else last.version + 1, context)
        if last is None:
            self._outbox.append(Started(config, epoch.version, resumed=self._resumed_after is not None))
        if warnings:
            self._outbox.append(ConfigWarnings(epoch.version, warnings))
        if last is None and self._resumed_after is not None and self._resumed_after.last_frame_id is not None:
            self._say_missed(self._resumed_after.last_frame_id)

    def receive(self, frame: Frame[ImageT], arrival_ns: int) -> None:
        """Takes a frame. `arrival_ns`: time since the stream's start. Raises MissingConfig before the first config."""
        if self._epoch is None:
            raise MissingConfig("a frame came before the config: send the config as the stream's first message")
        slot = self._new_slot(frame, arrival_ns, self._epoch)
        self._slots.append(slot)
        if slot.state is _State.WAITING:
            self._waiting.append(slot)
            self._drop_overflow()
        self._release()

    def _new_slot(self, frame: Frame[ImageT], arrival_ns: int, epoch: _Epoch[ContextT]) -> _Slot[ImageT, ContextT]:
        moment = Moment(frame.frame_id, arrival_ns if frame.time_ns is None else frame.time_ns)
        refusal = self._refusal(frame, moment, epoch.config)
        slot = _Slot[ImageT, ContextT](moment, epoch, _State.WAITING, self._order.copy())
        if refusal is not None:
            slot.settle(refusal)
        elif not isinstance(frame.image, FramewatchError):
            slot.image = frame.image
        return slot

    def _refusal(self, frame: Frame[ImageT], moment: Moment, config: StreamConfig) -> Outcome | None:
        """The outcome of a frame that is not to be scored; None for one that is."""
        try:
            self._order.check(moment, gives_time=frame.time_ns is not None)
        except FrameOutOfOrder as error:
            return Failed(error)
        if isinstance(frame.image, FramewatchError):
            return Failed(frame.image)
        if not self._order.is_within_rate(moment.time_ns, config.max_frame_rate):
            return Dropped(DropReason.FRAME_RATE_LIMIT)
        return None

    def _drop_overflow(self) -> None:
        """Live streams: only the newest frames wait."""
        while (
            len(self._waiting) > self._waiting_limit
            and self._waiting[0].epoch.config.overflow_policy is OverflowPolicy.DROP_OLDEST
        ):
            self._waiting.popleft().settle(Dropped(DropReason.OVERFLOW))

    @property
    def _waiting_limit(self) -> int:
        return min(self._limits.waiting, self.waiting_share)

    @property
    def overflow_policy(self) -> OverflowPolicy | None:
        """Of the frames that come now; None before the first config."""
        return None if self._epoch is None else self._epoch.config.overflow_policy

    @property
    def accepts_frames(self) -> bool:
        """Whether the shell may read on. False slows the sender through the stream's flow control."""
        if self._epoch is None:
            return True
        if len(self._slots) + len(self._outbox) >= self._limits.unsent:
            return False
        if self._unread_explanations >= self._limits.explanations:
            return False
        # what is at the head decides: a frame that may not be dropped is in the way of those that may
        head = self._waiting[0].epoch if self._waiting else self._epoch
        blocks = OverflowPolicy.BLOCK in {head.config.overflow_policy, self._epoch.config.overflow_policy}
        return not (blocks and len(self._waiting) >= self._waiting_limit)

    @property
    def has_work(self) -> bool:
        """Whether a frame may be scored: one waits, not enough are running yet, and the client reads."""
        may_run = self._running_count < self._limits.running and len(self._outbox) < self._limits.unsent
        return may_run and bool(self._waiting)

    def next_work(self) -> Work[ImageT, ContextT] | None:
        """The next frame to score, oldest first; None: see `has_work`."""
        if not self.has_work:
            return None
        slot = self._waiting.popleft()
        if slot.image is None:
            msg = "a waiting frame has its image"
            raise AssertionError(msg)
        slot.state = _State.RUNNING
        self._running_count += 1
        return Work(slot.image, slot.epoch.config, slot.epoch.context, slot)

    def complete(
        self,
        work: Work[ImageT, ContextT],
        scores: Mapping[str, tuple[LabelScore, ...]],
        timings: Timings,
        pictures: Mapping[str, PictureStats] | None = None,
        reused_frame_id: int | None = None,
    ) -> None:
        """Brings a frame's scores.

        Args:
            work: the frame.
            scores: by region id, each in the labels' order.
            timings: where the time went.
            pictures: see `HealthMonitor.update`; None or empty: not judged.
            reused_frame_id: see `Scored`.

        """
        work.slot.all_scores = scores
        work.slot.pictures = pictures
        regions = tuple(RegionScores(id_, best_first(found, work.config.top_count)) for id_, found in scores.items())
        self._settle(work, Scored(regions, timings, reused_frame_id))

    def fail(self, work: Work[ImageT, ContextT], error: FramewatchError) -> None:
        """Says that a frame could not be scored."""
        self._settle(work, Failed(error))

    def _settle(self, work: Work[ImageT, ContextT], outcome: Outcome) -> None:
        work.slot.settle(outcome)
        self._running_count -= 1
        self._release()

    def _release(self) -> None:
        """Moves outcomes to the outbox as far as none before them is missing."""
        while self._slots and (outcome := self._slots[0].outcome) is not None:
            slot = self._slots.popleft()
            frame_id = slot.moment.frame_id
            self._say_missed(frame_id - 1)
            events: list[Event] = []
            if isinstance(outcome, Scored) and not self._state.has_judged(frame_id):
                outcome, events = self._judge(slot, outcome)
            self._outbox.append(FrameResult(frame_id, slot.moment.time_ns, slot.epoch.version, outcome))
            self._state.passed.append((frame_id, slot.order))
            self._say_missed(frame_id)
            self._outbox.extend(events)
            self._answer_explains()
        if self._input_closed and not self._slots and self._missed:
            self._say_missed(self._missed[-1].seen.at.frame_id)

    def _say_missed(self, frame_id: int) -> None:
        """Says the events again that the client has missed, up to those of a frame."""
        while self._missed and self._missed[0].seen.at.frame_id <= frame_id:
            self._outbox.append(self._missed.popleft())

    def _judge(self, slot: _Slot[ImageT, ContextT], outcome: Scored) -> tuple[Scored, list[Event]]:
        """Shows a frame to health and rules: its outcome with what is wrong with it, and the events that it causes."""
        config, state = slot.epoch.config, self._state
        self._follow(slot.epoch)
        state.judged = slot.moment
        held: Collection[str] = ()
        seen: list[HealthEvent | RuleEvent] = []
        if slot.pictures:
            report = state.health.update(slot.moment, slot.pictures, state.rules.regions)
            outcome, held = outcome.judged(report), report.held
            seen += report.events
        else:
            seen += state.health.release(slot.moment)
        seen += state.rules.update(slot.moment, slot.all_scores, held)
        events = [Event(state.next_event_id(), event, config.origin_time_ns) for event in seen]
        state.said.extend(events)
        return outcome, events

    def _follow(self, epoch: _Epoch[ContextT]) -> None:
        """Rules and health go by a config from now on."""
        if epoch.version == self._rules_version:
            return
        config = epoch.config
        self._state.rules.configure(config.rules_by_identity(), config.max_frame_gap_ns)
        self._state.health.configure(config.health)
        self._rules_version = epoch.version

    def explain(self) -> None:
        """Asks how near the rules are to their next events; answered when all frames taken have their outcomes.

        Raises MissingConfig before the first config.
        """
        if self._epoch is None:
            raise MissingConfig("an explain came before the config: send the config as the stream's first message")
        self._unread_explanations += 1
        self._explains.append((self._slots[-1] if self._slots else None, self._epoch))
        self._answer_explains()

    def _answer_explains(self) -> None:
        while self._explains and (self._explains[0][0] is None or self._explains[0][0] not in self._slots):
            _, epoch = self._explains.popleft()
            rules, config = self._state.rules, epoch.config
            if epoch.version != self._rules_version:
                # to ask changes nothing: on a resumed stream the rules may be ahead of the config that is asked about
                rules = rules.under(config.rules_by_identity(), config.max_frame_gap_ns)
            self._outbox.append(Explanation(tuple(rules.explain())))

    def close_input(self) -> None:
        """No more frames will come."""
        self._input_closed = True
        self._release()

    @property
    def finished(self) -> bool:
        """Whether the input is closed and everything is out."""
        return self._input_closed and not self._slots and not self._outbox

    @property
    def has_output(self) -> bool:
        """Whether there is something to send."""
        return bool(self._outbox)

    def next_output(self) -> Output | None:
        """The next thing to send; None: nothing yet."""
        output = self._outbox.popleft() if self._outbox else None
        self._unread_explanations -= isinstance(output, Explanation)
        return output
