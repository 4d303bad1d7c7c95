"""What is left of a picture at a glance."""

from __future__ import annotations

import cv2
import numpy as np

from framewatch_core.stillness import THUMBNAIL_SIDE, Thumbnail
from framewatch_server.vision.decode import UInt8Array


def thumbnail(pixels: UInt8Array) -> Thumbnail:
    """Grey cells `[32, 32]`, each the mean of what the model's input, RGB uint8 `[3, height, width]`, has there."""
    cells = [cv2.resize(plane, (THUMBNAIL_SIDE, THUMBNAIL_SIDE), interpolation=cv2.INTER_AREA) for plane in pixels]
    return np.asarray(np.mean(cells, axis=0).round(), np.uint8)
