"""Small pictures for sheets."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from framewatch_core.arrays import UInt8Array


def read_thumbnail(path: Path) -> UInt8Array | None:
    """The picture of a file, BGR `[height, width, 3]`; None: it can't be read any more."""
    try:
        if not path.is_file():  # a pipe could be read without end
            return None
        picture = cv2.imdecode(np.frombuffer(path.read_bytes(), dtype=np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        return None
    return None if picture is None else np.asarray(picture, dtype=np.uint8)


def place(area: UInt8Array, picture: UInt8Array) -> None:
    """Puts the picture into the middle of the area, as large as it fits; both BGR `[height, width, 3]`."""
    height, width = picture.shape[:2]
    scale = min(area.shape[1] / width, area.shape[0] / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    fitted = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    top, left = (area.shape[0] - size[1]) // 2, (area.shape[1] - size[0]) // 2
    area[top : top + size[1], left : left + size[0]] = fitted
