"""What is measured of one picture, to tell whether rules can go by it."""

from __future__ import annotations

from dataclasses import dataclass

from framewatch_core.arrays import Float32Array, UInt8Array

CAST_SIDE = 8
LUMA_SIDE = 32
GREY_SIDE = 64


@dataclass(frozen=True, slots=True, eq=False)
class PictureStats:
    """What is left of one picture; about 42 KB. Levels are 0 (black) to 255 (white).

    Attributes:
        casts: red less green and blue less green of large cells, in which even strong noise leaves no colour, float32
            `[8, 8, 2]`.
        luma: means of cells, float32 `[32, 32]`.
        grey: luma means of finer cells, float32 `[64, 64]`.
        edges: what `grey` has beyond the mean of each cell's 3 × 3 neighbours, float32 `[64, 64]`.
        points: single luma values, one for each cell of `grey`, where even the finest noise is seen, uint8 `[64, 64]`.
        detail: root mean square in levels of what `luma` has beyond each cell's 3 × 3 neighbours, less what white noise
            adds to it.
        softness: that of `edges` against that of `luma`, noise not taken off: above 0.65 for a sharp
            picture, below 0.5 for one out of focus; 1 where there is nothing.
        black, white: share of the cells of `luma` that are at most 20, at least 240.
        lit: share of them above 60.

    """

    casts: Float32Array
    luma: Float32Array
    grey: Float32Array
    edges: Float32Array
    points: UInt8Array
    detail: float
    softness: float
    black: float
    white: float
    lit: float
