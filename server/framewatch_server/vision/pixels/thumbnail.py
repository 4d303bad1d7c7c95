"""Thumbnails, which frames of a stream are compared by."""

from __future__ import annotations

import cv2
import numpy as np

from framewatch_core.arrays import UInt8Array
from framewatch_core.stream.reuse import THUMBNAIL_SIDE, Thumbnail


def thumbnail(inputs: UInt8Array) -> Thumbnail:
    """Returns grey cells `[n, 32, 32]`: the means of the model's inputs, RGB uint8 `[n, 3, height, width]`, there."""
    side = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    cells = [[cv2.resize(plane, side, interpolation=cv2.INTER_AREA) for plane in pixels] for pixels in inputs]
    return np.asarray(np.mean(cells, axis=1).round(), np.uint8)
