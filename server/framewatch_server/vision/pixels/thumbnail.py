"""What is left of a picture at a glance."""

from __future__ import annotations

import cv2
import numpy as np

from framewatch_core.arrays import UInt8Array
from framewatch_core.stream.reuse import THUMBNAIL_SIDE, Thumbnail


def thumbnail(inputs: UInt8Array) -> Thumbnail:
    """Grey cells `[n, 32, 32]`: means of what the model's inputs, RGB uint8 `[n, 3, height, width]`, have there."""
    side = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    cells = [[cv2.resize(plane, side, interpolation=cv2.INTER_AREA) for plane in pixels] for pixels in inputs]
    return np.asarray(np.mean(cells, axis=1).round(), np.uint8)
