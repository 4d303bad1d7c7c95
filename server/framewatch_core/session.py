"""The protocol of StreamFrames without I/O.

A shell feeds configs and frames in, takes work out, brings scores back, and sends what `next_output` gives:

    config → configure ┐                  ┌→ next_work → (decode, embed, score) → finish ┐
    frame  → receive   ┴→ slots, in order ┘                                               ┴→ next_output → stream

Every frame has a slot from its arrival until its outcome is out. Outcomes leave in the order in which the frames came,
each with its events behind it. Everything that the session holds is bounded by `SessionLimits`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, TypeVar

from framewatch_core.errors import FrameOutOfOrder, FramewatchError, InvalidRequest, MissingConfig
from framewatch_core.frames import (
    Dropped,
    DropReason,
    Event,
    Failed,
    Frame,
    FrameResult,
    ImageT,
    Outcome,
    Output,
    OverflowPolicy,
    Scored,
    Started,
    StreamConfig,
    Timings,
)
from framewatch_core.regions import WHOLE_FRAME_ID
from framewatch_core.rules import NS_PER_S, Moment, RuleBook
from framewatch_core.scoring import LabelScore, best_first


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How much a stream may hold.

    Attributes:
        running: frames that are being decoded or scored at once.
        waiting: frames that wait for that.
        unsent: outcomes and events that wait for those before them or for the client to read.

    """

    running: int = 8
    waiting: int = 8
    unsent: int = 1024


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
    image: ImageT | None = None
    outcome: Outcome | None = None
    all_scores: tuple[LabelScore, ...] = ()

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
        self._stream_id = stream_id
        self._limits = limits
        self._epoch: _Epoch[ContextT] | None = None
        self._slots: deque[_Slot[ImageT, ContextT]] = deque()
        self._waiting: deque[_Slot[ImageT, ContextT]] = deque()
        self._running_count = 0
        self._outbox: deque[Output] = deque()
        self._rules = RuleBook()
        self._rules_version = 0
        self._event_count = 0
        self._input_closed = False
        self._order = _FrameOrder()
        self.waiting_share = limits.waiting
        """Frames that this stream may let wait, if that is less than its limit: its share of those of all streams."""

    def configure(self, config: StreamConfig, context: ContextT) -> None:
        """Takes a config; it counts for the frames after it.

        Args:
            config: the config.
            context: whatever the shell needs to score frames by it; their `Work` has it.

        Raises:
            InvalidRequest: it changes the model.

        """
        last = self._epoch
        if last is None:
            self._epoch = _Epoch(config, 1, context)
            self._outbox.append(Started(config, 1))
            return
        if config.model != last.config.model:
            raise InvalidRequest(
                f"a stream's model can't change (it is {last.config.model!r}): open another stream", "config.model"
            )
        self._epoch = _Epoch(config, last.version + 1, context)

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
        slot = _Slot[ImageT, ContextT](moment, epoch, _State.WAITING)
        try:
            self._order.check(moment, gives_time=frame.time_ns is not None)
        except FrameOutOfOrder as error:
            slot.settle(Failed(error))
            return slot
        if isinstance(frame.image, FramewatchError):
            slot.settle(Failed(frame.image))
        elif not self._order.is_within_rate(moment.time_ns, epoch.config.max_frame_rate):
            slot.settle(Dropped(DropReason.FRAME_RATE_LIMIT))
        else:
            slot.image = frame.image
        return slot

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
        scores: tuple[LabelScore, ...],
        timings: Timings,
        reused_frame_id: int | None = None,
    ) -> None:
        """Brings a frame's scores, in the labels' order; `reused_frame_id`: see `Scored`."""
        work.slot.all_scores = scores
        self._settle(work, Scored(best_first(scores, work.config.top_count), timings, reused_frame_id))

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
            self._outbox.append(FrameResult(slot.moment.frame_id, slot.moment.time_ns, slot.epoch.version, outcome))
            if isinstance(outcome, Scored):
                self._outbox.extend(self._events(slot))

    def _events(self, slot: _Slot[ImageT, ContextT]) -> list[Event]:
        config = slot.epoch.config
        if slot.epoch.version != self._rules_version:
            self._rules.configure(config.rules_by_identity(), config.max_frame_gap_ns)
            self._rules_version = slot.epoch.version
        seen = self._rules.update(slot.moment, {WHOLE_FRAME_ID: slot.all_scores})
        first = self._event_count + 1
        self._event_count += len(seen)
        return [Event(f"{self._stream_id}-{n}", event, config.origin_time_ns) for n, event in enumerate(seen, first)]

    def close_input(self) -> None:
        """No more frames will come."""
        self._input_closed = True

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
        return self._outbox.popleft() if self._outbox else None


class _FrameOrder:
    """Frame numbers and times only go forward; frames above the rate limit are told."""

    def __init__(self) -> None:
        self._last: Moment | None = None
        self._gives_time: bool | None = None
        self._next_due_ns: int | None = None

    def check(self, moment: Moment, *, gives_time: bool) -> None:
        """Takes the next frame's place. Raises FrameOutOfOrder, and then forgets the frame."""
        if moment.time_ns < 0:
            raise FrameOutOfOrder(
                f"time_offset is {moment.time_ns / NS_PER_S:g} s: expected 0 or more since the stream's origin",
                "time_offset",
            )
        if self._last is not None:
            self._check_after(self._last, moment, gives_time=gives_time)
        self._last = moment
        self._gives_time = gives_time

    def _check_after(self, last: Moment, moment: Moment, *, gives_time: bool) -> None:
        if moment.frame_id <= last.frame_id:
            raise FrameOutOfOrder(
                f"frame_id {moment.frame_id} came after {last.frame_id}: numbers must rise from frame to frame",
                "frame_id",
            )
        if gives_time is not self._gives_time:
            raise FrameOutOfOrder(
                "only some frames of the stream have a time_offset: give it for every frame or for none", "time_offset"
            )
        if moment.time_ns < last.time_ns:
            raise FrameOutOfOrder(
                f"time_offset {moment.time_ns / NS_PER_S:.3f} s came after {last.time_ns / NS_PER_S:.3f} s: frame time "
                "can't go back",
                "time_offset",
            )

    def is_within_rate(self, time_ns: int, max_frame_rate: float | None) -> bool:
        """Whether a frame is due, keeping the average at the limit: one that comes late doesn't delay the next."""
        if max_frame_rate is None:
            return True
        period_ns = round(NS_PER_S / max_frame_rate)
        due_ns = time_ns if self._next_due_ns is None else self._next_due_ns
        if time_ns < due_ns:
            return False
        # after a pause the beat begins anew, else the pause would be credit for a burst
        self._next_due_ns = (due_ns if time_ns - due_ns < period_ns else time_ns) + period_ns
        return True
