"""Position in a stream from which another stream can go on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Part of a stream that a client has received; see `Resume` in the .proto.

    Attributes:
        token: identifies the stream.
        last_frame_id: the last frame whose result was received; None: no result was.
        last_event_id: id of the last event or health event that was received; empty: none was.

    """

    token: str
    last_frame_id: int | None = None
    last_event_id: str = ""
