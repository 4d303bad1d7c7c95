"""Frames between their arrival and their outcome, in the order of arrival."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Generic, TypeVar

from framewatch_core.images.statistics import PictureStats
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.stream.config import OverflowPolicy, StreamConfig
from framewatch_core.stream.messages import ImageT
from framewatch_core.stream.order import FrameOrder
from framewatch_core.stream.results import Dropped, DropReason, Outcome
from framewatch_core.stream.shares import HeldBytes
from framewatch_core.time import Moment

PlanT = TypeVar("PlanT")


@dataclass(frozen=True, slots=True, eq=False)
class Epoch(Generic[PlanT]):
    """The time between two configs.

    Attributes:
        config: the config that counts for its frames.
        version: number of the config, from 1.
        plan: the shell's means to score its frames.
        frame_bytes: bytes that each of its frames takes with its scores; see `sizes`.

    """

    config: StreamConfig
    version: int
    plan: PlanT
    frame_bytes: int = 0


class SlotState(Enum):
    """The way of a slot: WAITING → RUNNING → RESOLVED → RELEASED; a frame that is not scored skips the first two."""

    WAITING = auto()
    RUNNING = auto()
    RESOLVED = auto()
    RELEASED = auto()


@dataclass(slots=True, eq=False)
class Slot(Generic[ImageT, PlanT]):
    """A frame's place in the order of results.

    Attributes:
        moment: the frame's number and time.
        epoch: the epoch that it came in.
        order: the order of frames after it, for streams that go on from it.
        image: its image, until it is resolved.
        image_bytes: the image's size.
        scores_bytes: bytes that are counted for its scores and its outcome, from when it runs until it is released.
        state: see `SlotState`.
        outcome: its outcome, once it is resolved.
        scores: scores by region id, in the labels' order, for the rules.
        pictures: picture statistics by region id, for health; None or empty: its health is not assessed.
        is_outlier: True if its time is an outlier, as far as one can know: health and rules don't see it.

    """

    moment: Moment
    epoch: Epoch[PlanT]
    order: FrameOrder
    image: ImageT | None = None
    image_bytes: int = 0
    scores_bytes: int = 0
    state: SlotState = SlotState.WAITING
    outcome: Outcome | None = None
    scores: Mapping[str, Sequence[LabelScore]] = field(default_factory=dict)
    pictures: Mapping[str, PictureStats] | None = None
    is_outlier: bool = False

    def resolve(self, outcome: Outcome) -> None:
        """Gives the slot its outcome and lets its image go."""
        self.state, self.outcome, self.image = SlotState.RESOLVED, outcome, None


@dataclass(frozen=True, slots=True, eq=False)
class Work(Generic[ImageT, PlanT]):
    """A frame to score: its image and its slot."""

    image: ImageT
    slot: Slot[ImageT, PlanT]

    @property
    def moment(self) -> Moment:
        """The frame's number and time."""
        return self.slot.moment

    @property
    def config(self) -> StreamConfig:
        """The config that counts for the frame."""
        return self.slot.epoch.config

    @property
    def plan(self) -> PlanT:
        """The plan that came with the config."""
        return self.slot.epoch.plan


class SlotQueue(Generic[ImageT, PlanT]):
    """Slots that are not released, oldest first; bounds how many run and wait, and the bytes of their images."""

    def __init__(self, max_running: int, max_waiting: int, held: HeldBytes) -> None:
        self._max_running = max_running
        self._max_waiting = max_waiting
        self._held = held  # images of slots that wait or run
        self._waiting_share = max_waiting
        self._slots: deque[Slot[ImageT, PlanT]] = deque()  # all of them
        self._waiting: deque[Slot[ImageT, PlanT]] = deque()  # those in state WAITING
        self._running_count = 0

    def __len__(self) -> int:
        return len(self._slots)

    def __iter__(self) -> Iterator[Slot[ImageT, PlanT]]:
        return iter(self._slots)

    @property
    def newest(self) -> Slot[ImageT, PlanT] | None:
        """The slot of the frame that came last; None: all are released."""
        return self._slots[-1] if self._slots else None

    @property
    def next_waiting(self) -> Slot[ImageT, PlanT] | None:
        """The slot to run next; None: none waits, or enough are running."""
        return self._waiting[0] if self._waiting and self._running_count < self._max_running else None

    @property
    def runs(self) -> bool:
        """True if a slot is running."""
        return self._running_count > 0

    def share_waiting(self, count: int) -> None:
        """Sets the stream's share of the frames that may wait over all streams; it lowers the stream's own limit."""
        self._waiting_share = count

    def accepts(self, policy: OverflowPolicy) -> bool:
        """True if another frame under this policy may come."""
        # the head's policy counts too: a frame that may not be dropped blocks those behind it that may
        head = self._waiting[0].epoch.config.overflow_policy if self._waiting else policy
        if OverflowPolicy.BLOCK not in {head, policy}:
            return True
        return len(self._waiting) < self._waiting_limit and self._held.has_room()

    def append(self, slot: Slot[ImageT, PlanT]) -> None:
        """Adds the slot of a new frame; of live streams (DROP_OLDEST) only the newest frames wait."""
        self._slots.append(slot)
        if slot.state is not SlotState.WAITING:
            return
        self._waiting.append(slot)
        self._held.add(slot.image_bytes)
        while self._waiting and self._is_too_much(self._waiting[0]):
            oldest = self._waiting.popleft()
            self._held.add(-oldest.image_bytes)
            oldest.resolve(Dropped(DropReason.OVERFLOW))

    def _is_too_much(self, oldest: Slot[ImageT, PlanT]) -> bool:
        """True if the oldest slot that waits is to be dropped."""
        if oldest.epoch.config.overflow_policy is not OverflowPolicy.DROP_OLDEST:
            return False
        holds_more = self._held.count > oldest.image_bytes  # a frame that is alone may have any size
        return len(self._waiting) > self._waiting_limit or (holds_more and self._held.is_over)

    def start_next(self) -> Slot[ImageT, PlanT]:
        """Sets the slot that has waited longest running; only if there is a `next_waiting`."""
        slot = self._waiting.popleft()
        slot.state = SlotState.RUNNING
        self._running_count += 1
        return slot

    def resolve(self, slot: Slot[ImageT, PlanT], outcome: Outcome) -> None:
        """Gives a running slot its outcome."""
        slot.resolve(outcome)
        self._running_count -= 1
        self._held.add(-slot.image_bytes)

    def release_next(self) -> tuple[Slot[ImageT, PlanT], Outcome] | None:
        """Takes out the oldest slot, with its outcome; None: there is none, or it has no outcome yet."""
        if not self._slots or (outcome := self._slots[0].outcome) is None:
            return None
        slot = self._slots.popleft()
        slot.state = SlotState.RELEASED
        return slot, outcome

    def clear(self) -> None:
        """Forgets all slots."""
        self._slots.clear()
        self._waiting.clear()
        self._held.clear()

    @property
    def _waiting_limit(self) -> int:
        return min(self._max_waiting, self._waiting_share)
