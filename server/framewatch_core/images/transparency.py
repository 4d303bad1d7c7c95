"""A picture's transparent colour, which shows as white in the reference pipeline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from framewatch_core.arrays import UInt8Array


def whiten(rgb: UInt8Array, colour: int | Sequence[int]) -> None:
    """Makes pixels of the transparent colour white, in place.

    Args:
        rgb: uint8 `[height, width, 3]`.
        colour: red, green and blue, or one level for all three; only their low bytes count, as in Pillow.

    """
    levels = np.bitwise_and(np.asarray(colour), 0xFF).astype(np.uint8)
    # one channel after the other: comparing and setting all three at once takes ten times as long
    is_transparent = rgb[..., 0] == levels.flat[0]
    for channel in (1, 2):
        is_transparent &= rgb[..., channel] == levels.flat[channel % levels.size]
    for channel in range(3):
        rgb[..., channel][is_transparent] = 255
