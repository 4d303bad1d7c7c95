"""The protocol of StreamFrames without I/O.

A shell feeds configs and frames in, takes work out, brings scores back, and sends the outputs of `next_output`:

    config → configure ┐                  ┌→ next_work → (decode, embed, score) → complete ┐
    frame  → receive   ┴→ slots, in order ┘                                                 ┴→ next_output → stream

Every frame has a slot from its arrival until its outcome is out. Outcomes leave in the order in which the frames came,
each followed by its events. Everything that the session holds is bounded by `SessionLimits`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic

from framewatch_core.errors import FrameOutOfOrder, FramewatchError, InvalidRequest, MissingConfig
from framewatch_core.health.events import HealthEvent
from framewatch_core.images.statistics import PictureStats
from framewatch_core.labels.label_scores import best_first
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.labels.warnings import RequestWarning
from framewatch_core.quoting import quoted
from framewatch_core.resume_point import ResumePoint
from framewatch_core.rules.events import Event
from framewatch_core.stream.config import StreamConfig
from framewatch_core.stream.explains import PendingExplains
from framewatch_core.stream.messages import ConfigWarnings, Explanation, ImageT, Output, ReceivedFrame, Started
from framewatch_core.stream.observer import FrameObserver
from framewatch_core.stream.order import FrameOrder
from framewatch_core.stream.outbox import Outbox
from framewatch_core.stream.results import (
    Dropped,
    DropReason,
    Failed,
    FrameError,
    FrameResult,
    Outcome,
    RegionScores,
    Scored,
    Timings,
)
from framewatch_core.stream.resume import StreamState
from framewatch_core.stream.shares import HeldBytes, StreamShares
from framewatch_core.stream.sizes import frame_bytes, outcome_bytes
from framewatch_core.stream.slots import Epoch, PlanT, Slot, SlotQueue, Work
from framewatch_core.time import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """Limits of one stream.

    Attributes:
        running: frames that are decoded or scored at once.
        waiting: frames that wait for that.
        unsent: outcomes and events that wait for those before them or for the client to read.
        explanations: explains that are not answered, or whose answers are not read; each is as long as the rules are
            many.

    """

    running: int
    waiting: int
    unsent: int = 1024
    explanations: int = 4


class Phase(Enum):
    """A part of a session's life; see `StreamSession`."""

    OPEN = auto()
    DRAINING = auto()
    BROKEN = auto()
    CLOSED = auto()
    HANDED_OVER = auto()


class StreamSession(Generic[ImageT, PlanT]):
    """The state of one stream, in one of five phases.

        OPEN ── close_input ──→ DRAINING ── the last output is read ──→ CLOSED
          └──────────┬─────────────┘                                      ↑
                     ├── break_off ──→ BROKEN ── the last output is read ─┘
                     └── hand_over (also from CLOSED) ──→ HANDED_OVER

    OPEN takes configs, frames and explains. DRAINING takes nothing more, and every frame still gets its outcome. BROKEN
    has forgotten the frames without an outcome, and its outbox is still sent. HANDED_OVER has given its state away and
    forgotten everything. Scores that come later than DRAINING are ignored.
    """

    def __init__(
        self, stream_id: str, limits: SessionLimits, origin_ns: int = 0, shares: StreamShares | None = None
    ) -> None:
        """Opens a session.

        Args:
            stream_id: unique over all streams and servers; event ids begin with it.
            limits: bounds of everything that it holds.
            origin_ns: when the stream begins, on the shell's clock.
            shares: its shares of the bytes that all streams may hold; None: no bound.

        """
        shares = StreamShares() if shares is None else shares
        self._limits = limits
        self._phase = Phase.OPEN
        self._observer = FrameObserver(StreamState(stream_id, origin_ns))  # health and rules, with the stream's state
        self._epoch: Epoch[PlanT] | None = None  # that of the frames that come now; None before the first config
        self._order = FrameOrder()  # the point that the next frame must come after
        self._slots = SlotQueue[ImageT, PlanT](
            limits.running, limits.waiting, HeldBytes(shares.waiting)
        )  # frames that are not out yet
        self._explains = PendingExplains[ImageT, PlanT]()  # explains that are not answered or not read yet
        self._resumed_after: ResumePoint | None = None  # the client's point in the stream that is taken over
        self._missed: deque[Event | HealthEvent] = deque()  # that stream's events that the client doesn't have
        self._outbox = Outbox(HeldBytes(shares.unsent))  # outputs to send

    # ---- the end ----

    @property
    def finished(self) -> bool:
        """True if nothing more comes out: the session is CLOSED or HANDED_OVER."""
        return self._phase in {Phase.CLOSED, Phase.HANDED_OVER}

    def close_input(self) -> None:
        """Takes nothing more in; every frame still gets its outcome."""
        if self._phase is Phase.OPEN:
            self._phase = Phase.DRAINING
            self._release()

    def break_off(self) -> None:
        """Ends the session after a fault. Frames without an outcome are forgotten; the outbox is sent."""
        if not self.finished:
            self._phase = Phase.BROKEN
            self._forget_unfinished()
            self._close_when_empty()

    def hand_over(self) -> StreamState:
        """Ends the session at once; returns the state from which another session can go on."""
        self._phase = Phase.HANDED_OVER
        self._forget_unfinished()
        self._outbox.clear()
        return self._observer.state

    # ---- receiving ----

    def take_over(self, state: StreamState, point: ResumePoint) -> None:
        """Goes on from a stream that was lost, before the first config.

        Its rules go on from the last frame that they have seen: frames up to it that come again have their results, and
        the rules don't see them a second time. Events that the client has missed are emitted again.

        Args:
            state: the state that the lost stream's session has handed over.
            point: the point that the client has reached in that stream.

        """
        self._observer = FrameObserver(state)
        self._order = state.order_after(point.last_frame_id)
        self._missed = state.events_after(point.last_event_id)
        self._resumed_after = point

    def configure(self, config: StreamConfig, plan: PlanT, warnings: tuple[RequestWarning, ...] = ()) -> None:
        """Takes a config; it counts for the frames after it.

        Args:
            config: the config.
            plan: the shell's means to score frames under the config; their `Work` has it.
            warnings: sent to the client before the first result under the config.

        Raises:
            InvalidRequest: it changes the model.

        """
        self._check_open()
        last = self._epoch
        if last is not None and config.model != last.config.model:
            raise InvalidRequest(
                f"a stream's model can't change (it is {quoted(last.config.model)}): open another stream",
                "config.model",
            )
        self._epoch = epoch = Epoch(config, 1 if last is None else last.version + 1, plan, frame_bytes(config))
        point = self._resumed_after
        if last is None:
            self._outbox.append(Started(config, epoch.version, resumed=point is not None))
        if warnings:
            self._outbox.append(ConfigWarnings(epoch.version, warnings))
        if last is None and point is not None and point.last_frame_id is not None:
            self._emit_missed(point.last_frame_id)

    def receive(self, frame: ReceivedFrame[ImageT], now_ns: int) -> None:
        """Takes a frame. `now_ns`: its arrival on the shell's clock. Raises MissingConfig before the first config."""
        self._check_open()
        if self._epoch is None:
            raise MissingConfig("a frame came before the config: send the config as the stream's first message")
        slot = self._slot(frame, now_ns - self._observer.state.origin_ns, self._epoch)
        slot.order = self._order.copy()
        if slot.outcome is not None:
            self._count(slot, outcome_bytes(slot.outcome))
        self._slots.append(slot)
        self._release()

    def explain(self) -> None:
        """Asks how near the rules are to their next events; answered when all frames taken have their outcomes.

        Raises MissingConfig before the first config.
        """
        self._check_open()
        if self._epoch is None:
            raise MissingConfig("an explain came before the config: send the config as the stream's first message")
        self._explains.add(self._slots.newest, self._epoch)
        self._answer_explains()

    def share_waiting(self, count: int) -> None:
        """Sets this stream's share of the frames that may wait over all streams; it lowers `SessionLimits.waiting`."""
        self._slots.share_waiting(count)

    @property
    def plan(self) -> PlanT:
        """The plan for the frames that come now; there is one from the first config on."""
        if self._epoch is None:
            msg = "a session that has work or outputs has a config"
            raise AssertionError(msg)
        return self._epoch.plan

    @property
    def epoch(self) -> Epoch[PlanT] | None:
        """The epoch of the frames that come now; None before the first config."""
        return self._epoch

    @property
    def accepts_frames(self) -> bool:
        """True if the shell may read on. False slows the sender through the stream's flow control."""
        if self._epoch is None:
            return True
        if len(self._slots) + len(self._outbox) >= self._limits.unsent:
            return False
        if self._explains.unread_count >= self._limits.explanations or not self._outbox.held.has_room():
            return False
        return self._slots.accepts(self._epoch.config.overflow_policy)

    # ---- scoring ----

    @property
    def has_work(self) -> bool:
        """True if a frame may be scored: one waits, not enough are running yet, and the client reads."""
        slot = self._slots.next_waiting
        if slot is None or len(self._outbox) >= self._limits.unsent:
            return False
        # a client that has read everything waits for this frame: also if those behind it have been resolved already
        is_awaited = self._outbox.is_read and not self._slots.runs
        return is_awaited or self._outbox.held.has_room(slot.epoch.frame_bytes)

    def next_work(self) -> Work[ImageT, PlanT] | None:
        """Returns the next frame to score, oldest first; None: see `has_work`."""
        if not self.has_work:
            return None
        slot = self._slots.start_next()
        if slot.image is None:
            msg = "a waiting frame has its image"
            raise AssertionError(msg)
        self._count(slot, slot.epoch.frame_bytes)
        return Work(slot.image, slot)

    def complete(
        self,
        work: Work[ImageT, PlanT],
        scores: Mapping[str, Sequence[LabelScore]],
        timings: Timings,
        pictures: Mapping[str, PictureStats] | None = None,
        reused_frame_id: int | None = None,
    ) -> None:
        """Takes a frame's scores.

        Args:
            work: the frame.
            scores: by region id, each in the labels' order.
            timings: where the time went.
            pictures: see `HealthMonitor.update`; None or empty: the frame's health is not assessed.
            reused_frame_id: see `Scored`.

        """
        regions = tuple(RegionScores(id_, best_first(found, work.config.top_count)) for id_, found in scores.items())
        work.slot.scores, work.slot.pictures = scores, pictures
        self._resolve(work, Scored(regions, timings, reused_frame_id))

    def fail(self, work: Work[ImageT, PlanT], error: FramewatchError) -> None:
        """Takes the error of a frame that could not be scored."""
        self._resolve(work, Failed(FrameError.of(error)))

    # ---- sending ----

    @property
    def has_output(self) -> bool:
        """True if there is an output to send."""
        return bool(self._outbox)

    def next_output(self) -> Output | None:
        """Returns the next output to send, once the one before is sent; None: there is none yet."""
        output = self._outbox.next()
        if isinstance(output, Explanation):
            self._explains.count_read()
        self._close_when_empty()
        return output

    # ---- private ----

    def _check_open(self) -> None:
        if self._phase is not Phase.OPEN:
            msg = f"the session takes nothing in: it is {self._phase.name}"
            raise AssertionError(msg)

    def _slot(self, frame: ReceivedFrame[ImageT], arrival_ns: int, epoch: Epoch[PlanT]) -> Slot[ImageT, PlanT]:
        """Returns the slot of a new frame; one that is not to be scored has its outcome."""
        order, config, time_ns = self._order, epoch.config, frame.time_ns
        if isinstance(time_ns, FrameOutOfOrder):
            # the frame fails alone: nothing is known of its place among the others
            return _failed(Slot(Moment(frame.frame_id, order.time_ns), epoch, order), time_ns)
        slot = Slot[ImageT, PlanT](Moment(frame.frame_id, arrival_ns if time_ns is None else time_ns), epoch, order)
        try:
            slot.is_outlier = order.check(slot.moment, config.max_frame_gap_ns, gives_time=time_ns is not None)
        except FrameOutOfOrder as error:
            return _failed(slot, error)
        if isinstance(frame.image, FramewatchError):
            return _failed(slot, frame.image)
        # an outlier tells nothing about the rate of frames, and must not move its beat
        if not slot.is_outlier and not order.is_within_rate(slot.moment.time_ns, config.max_frame_rate):
            slot.resolve(Dropped(DropReason.FRAME_RATE_LIMIT))
        else:
            slot.image, slot.image_bytes = frame.image, frame.image_bytes
        return slot

    def _resolve(self, work: Work[ImageT, PlanT], outcome: Outcome) -> None:
        if self._phase in {Phase.OPEN, Phase.DRAINING}:
            self._slots.resolve(work.slot, outcome)  # what was counted when it started to run is no less than it takes
            self._release()

    def _release(self) -> None:
        """Moves outcomes to the outbox up to the first frame that has none yet."""
        while (released := self._slots.release_next()) is not None:
            self._emit(*released)
            self._answer_explains()
        if self._phase is Phase.DRAINING and not len(self._slots) and self._missed:
            self._emit_missed(self._missed[-1].frame_id)
        self._close_when_empty()

    def _emit(self, slot: Slot[ImageT, PlanT], outcome: Outcome) -> None:
        """Emits a frame's outcome and then its events, both the missed and the new ones."""
        frame_id = slot.moment.frame_id
        self._emit_missed(frame_id - 1)
        events: list[Event | HealthEvent] = []
        if isinstance(outcome, Scored):
            outcome, events = self._observer.observe(slot, outcome)
        slot.scores = {}  # the rules have seen them
        self._count(slot, 0)
        self._outbox.append(FrameResult(frame_id, slot.moment.time_ns, slot.epoch.version, outcome))
        self._observer.state.release(frame_id, slot.order, outcome)
        self._emit_missed(frame_id)
        for event in events:
            self._outbox.append(event)

    def _emit_missed(self, frame_id: int) -> None:
        """Emits the missed events again up to those of a frame."""
        while self._missed and self._missed[0].frame_id <= frame_id:
            self._outbox.append(self._missed.popleft())

    def _answer_explains(self) -> None:
        while (epoch := self._explains.next_due()) is not None:
            self._outbox.append(self._observer.explain(epoch))

    def _count(self, slot: Slot[ImageT, PlanT], count: int) -> None:
        """Counts the bytes of a slot's scores and outcome as so many."""
        self._outbox.held.add(count - slot.scores_bytes)
        slot.scores_bytes = count

    def _forget_unfinished(self) -> None:
        for slot in self._slots:
            self._count(slot, 0)
        self._slots.clear()
        self._explains.clear()
        self._missed.clear()

    def _close_when_empty(self) -> None:
        is_ending = self._phase in {Phase.DRAINING, Phase.BROKEN}
        if is_ending and not len(self._slots) and not self._outbox:
            self._phase = Phase.CLOSED


def _failed(slot: Slot[ImageT, PlanT], error: FramewatchError) -> Slot[ImageT, PlanT]:
    slot.resolve(Failed(FrameError.of(error)))
    return slot
