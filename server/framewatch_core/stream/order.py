"""The order of frames: numbers and times only go forward, at no more than a maximum rate."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from framewatch_core.errors import FrameOutOfOrder
from framewatch_core.time import MAX_TIME_NS, NS_PER_S, FrameClock, Moment


@dataclass(slots=True)
class FrameOrder:
    """The point that the next frame must come after.

    Attributes:
        last_id: number of the last frame that was in order; None: there was none.
        clock: its time, or that of the last one before it that was no outlier of time.
        gives_time: True if it came with a time; None: no frame has come yet.
        rate: the rate limit that `next_due_ns` belongs to.
        next_due_ns: the time from which on the rate limit lets the next frame pass; None: none has passed yet.
        last_seen: the last frame that the rules have seen; frames after it in number must not be before it in time.

    """

    last_id: int | None = None
    clock: FrameClock = field(default_factory=FrameClock)
    gives_time: bool | None = None
    rate: float | None = None
    next_due_ns: int | None = None
    last_seen: Moment | None = None

    @classmethod
    def after(cls, moment: Moment) -> FrameOrder:
        """Returns the order after one frame, of which nothing else is known."""
        return cls(moment.frame_id, FrameClock(moment.time_ns))

    @property
    def time_ns(self) -> int:
        """The time that later frames must not be before."""
        return self.clock.last_ns or 0

    def copy(self) -> FrameOrder:
        """Returns a copy, which later frames don't change."""
        return replace(self, clock=replace(self.clock))

    def check(self, moment: Moment, max_frame_gap_ns: int, *, gives_time: bool) -> bool:
        """Moves on to the next frame.

        Args:
            moment: its number and time.
            max_frame_gap_ns: a longer step of a clock is an outlier; see `FrameClock`.
            gives_time: the time is the client's; times of arrival have no outliers.

        Returns:
            True if its time is an outlier: later frames may be before it.

        Raises:
            FrameOutOfOrder: and then stays where it is.

        """
        if moment.time_ns < 0:
            raise FrameOutOfOrder(
                f"time_offset is {moment.time_ns / NS_PER_S:g} s: expected 0 or more since the stream's origin",
                "time_offset",
            )
        self._check_after(moment, gives_time=gives_time)
        is_outlier = gives_time and self.clock.is_outlier(moment.time_ns, max_frame_gap_ns)
        if is_outlier:
            self.clock.outlier_ns = moment.time_ns
        else:
            self.clock.move_to(moment.time_ns)
        self.last_id, self.gives_time = moment.frame_id, gives_time
        return is_outlier

    def _check_after(self, moment: Moment, *, gives_time: bool) -> None:
        if self.last_id is not None and moment.frame_id <= self.last_id:
            raise FrameOutOfOrder(
                f"frame_id {moment.frame_id} came after {self.last_id}: numbers must rise from frame to frame",
                "frame_id",
            )
        if self.gives_time not in {None, gives_time}:
            raise FrameOutOfOrder(
                "only some frames of the stream have a time_offset: give it for every frame or for none", "time_offset"
            )
        if self.clock.last_ns is not None:
            _check_time(self.clock.last_ns, moment.time_ns)
        if self.last_seen is not None and moment.frame_id > self.last_seen.frame_id:
            _check_time(self.last_seen.time_ns, moment.time_ns)

    def is_within_rate(self, time_ns: int, max_frame_rate: float | None) -> bool:
        """True if a frame is due. The average rate is kept at the limit: a late frame doesn't delay the next one.

        Another limit than before starts anew: the first frame under it is due.
        """
        if max_frame_rate != self.rate:
            self.rate, self.next_due_ns = max_frame_rate, None
        if max_frame_rate is None:
            return True
        period_ns = round(min(NS_PER_S / max_frame_rate, MAX_TIME_NS))  # of a rate near 0 it would be infinite
        due_ns = time_ns if self.next_due_ns is None else self.next_due_ns
        if time_ns < due_ns:
            return False
        # after a pause the period begins anew, or the pause would be credit for a burst
        self.next_due_ns = (due_ns if time_ns - due_ns < period_ns else time_ns) + period_ns
        return True


def _check_time(last_ns: int, time_ns: int) -> None:
    if time_ns < last_ns:
        raise FrameOutOfOrder(
            f"time_offset {time_ns / NS_PER_S:.3f} s came after {last_ns / NS_PER_S:.3f} s: frame time can't go back",
            "time_offset",
        )
