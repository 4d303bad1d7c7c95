"""A transparent colour becomes white."""

from __future__ import annotations

import numpy as np
import pytest

from framewatch_core.images.transparency import whiten


@pytest.mark.parametrize(
    ("colour", "white"),
    [
        pytest.param((1, 2, 3), [True, False, False], id="a colour"),
        pytest.param(7, [False, True, False], id="a level"),
        pytest.param((0x101, 0x202, 0x303), [True, False, False], id="16 bits: their low bytes"),
        pytest.param((1, 2, 4), [False, False, False], id="no pixel's"),
    ],
)
def test_pixels_of_the_colour_are_white(colour: int | tuple[int, int, int], white: list[bool]) -> None:
    pixels = np.array([[[1, 2, 3], [7, 7, 7], [1, 2, 9]]], np.uint8)
    before = pixels.copy()
    whiten(pixels, colour)
    assert (pixels == 255).all(axis=2).tolist() == [white]
    np.testing.assert_array_equal(pixels[0, ~np.array(white)], before[0, ~np.array(white)])
