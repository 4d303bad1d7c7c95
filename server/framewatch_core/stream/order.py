"""The order of frames: numbers and times only go forward, at no more than a maximum rate."""

from __future__ import annotations

from dataclasses import dataclass, replace

from framewatch_core.errors import FrameOutOfOrder
from framewatch_core.time import MAX_TIME_NS, NS_PER_S, Moment


@dataclass(slots=True)
class FrameOrder:
    """The point that the next frame must come after.

    Attributes:
        last: the last frame that was in order.
        gives_time: True if it came with a time; None: no frame has come yet.
        next_due_ns: the time from which on the rate limit lets the next frame pass; None: none has passed yet.
        last_seen: the last frame that the rules have seen; frames after it in number must not be before it in time.

    """

    last: Moment | None = None
    gives_time: bool | None = None
    next_due_ns: int | None = None
    last_seen: Moment | None = None

    def copy(self) -> FrameOrder:
        """Returns a copy, which later frames don't change."""
        return replace(self)

    def check(self, moment: Moment, *, gives_time: bool) -> None:
        """Moves on to the next frame. Raises FrameOutOfOrder, and then stays where it is."""
        if moment.time_ns < 0:
            raise FrameOutOfOrder(
                f"time_offset is {moment.time_ns / NS_PER_S:g} s: expected 0 or more since the stream's origin",
                "time_offset",
            )
        if self.last is not None:
            self._check_after(self.last, moment, gives_time=gives_time)
        if self.last_seen is not None and moment.frame_id > self.last_seen.frame_id:
            _check_time(self.last_seen, moment)
        self.last = moment
        self.gives_time = gives_time

    def _check_after(self, last: Moment, moment: Moment, *, gives_time: bool) -> None:
        if moment.frame_id <= last.frame_id:
            raise FrameOutOfOrder(
                f"frame_id {moment.frame_id} came after {last.frame_id}: numbers must rise from frame to frame",
                "frame_id",
            )
        if self.gives_time not in {None, gives_time}:
            raise FrameOutOfOrder(
                "only some frames of the stream have a time_offset: give it for every frame or for none", "time_offset"
            )
        _check_time(last, moment)

    def is_within_rate(self, time_ns: int, max_frame_rate: float | None) -> bool:
        """True if a frame is due. The average rate is kept at the limit: a late frame doesn't delay the next one."""
        if max_frame_rate is None:
            return True
        period_ns = round(min(NS_PER_S / max_frame_rate, MAX_TIME_NS))  # of a rate near 0 it would be infinite
        due_ns = time_ns if self.next_due_ns is None else self.next_due_ns
        if time_ns < due_ns:
            return False
        # after a pause the period begins anew, or the pause would be credit for a burst
        self.next_due_ns = (due_ns if time_ns - due_ns < period_ns else time_ns) + period_ns
        return True


def _check_time(last: Moment, moment: Moment) -> None:
    if moment.time_ns < last.time_ns:
        raise FrameOutOfOrder(
            f"time_offset {moment.time_ns / NS_PER_S:.3f} s came after {last.time_ns / NS_PER_S:.3f} s: frame time "
            "can't go back",
            "time_offset",
        )
