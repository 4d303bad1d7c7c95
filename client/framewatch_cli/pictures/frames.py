"""Single frames of recordings: by their time, or by their number."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import cv2
import numpy as np

from framewatch_client import Source, SourceError, open_source
from framewatch_core.arrays import UInt8Array
from framewatch_core.time import NS_PER_S

FRAME_QUALITY = 95
"""Quality of the JPEG that a frame is sent or written as, 1 to 100."""


def frames_at(spec: str, times_ns: Sequence[int]) -> list[UInt8Array]:
    """Returns frames of a recording as BGR pixels, `[height, width, 3]`, in the order of the times.

    Args:
        spec: a video or images, as for `open_source`.
        times_ns: nanoseconds since the first frame. Each gives the frame that is nearest.

    Raises:
        SourceError: the source can't be opened, is live, or ends before one of the times.

    """
    with _open_recording(spec, "examples come from recordings") as source:
        found = _nearest_frames(source, sorted(set(times_ns)))
    if late := [time_ns for time_ns in times_ns if time_ns not in found]:
        raise SourceError(f"{spec} ends before {late[0] / NS_PER_S:g} s: give a time before its end")
    return [found[time_ns] for time_ns in times_ns]


def frames_numbered(spec: str, numbers: Collection[int]) -> dict[int, UInt8Array]:
    """Returns frames of a recording by their numbers, BGR `[height, width, 3]`. Numbers that it lacks are left out.

    Raises:
        SourceError: the source can't be opened, or is live.

    """
    with _open_recording(spec, "its frames can't be read again") as source:
        frames = ((frame.frame_id or 0, frame.image) for frame in source)
        return {number: _pixels(image) for number, image in frames if number in numbers}


def _open_recording(spec: str, why: str) -> Source:
    source = open_source(spec)
    if source.is_live:
        source.close()
        raise SourceError(f"{source.name} is live: {why}; give a video file or images")
    return source


def _nearest_frames(source: Source, times_ns: list[int]) -> dict[int, UInt8Array]:
    found: dict[int, UInt8Array] = {}
    waiting = list(times_ns)
    before: tuple[int, object] | None = None
    for frame in source:
        if not waiting:
            break
        at_ns = round((frame.time_s or 0.0) * NS_PER_S)
        while waiting and at_ns >= waiting[0]:
            time_ns = waiting.pop(0)
            is_nearer = before is not None and time_ns - before[0] < at_ns - time_ns
            found[time_ns] = _pixels(before[1] if before is not None and is_nearer else frame.image)
        before = at_ns, frame.image
    return found


def _pixels(image: object) -> UInt8Array:
    """Returns a frame's pixels; a source of image files gives their paths instead."""
    if isinstance(image, np.ndarray):
        return image
    return decoded_file(Path(str(image)))


def decoded_file(path: Path) -> UInt8Array:
    """Returns the pixels of an image file, BGR `[height, width, 3]`. Raises OSError, SourceError."""
    pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), dtype=np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise SourceError(f"{path} can't be read as an image: expected a JPEG, PNG or WebP file")
    return np.asarray(pixels, dtype=np.uint8)
