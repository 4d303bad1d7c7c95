"""Picture statistics: measures from which picture health is computed."""

from __future__ import annotations

from dataclasses import dataclass

from framewatch_core.arrays import Float32Array, UInt8Array

CAST_SIDE = 8
LUMA_SIDE = 32
GREY_SIDE = 64


@dataclass(frozen=True, slots=True, eq=False)
class PictureStats:
    """Measures of one picture; about 42 KB. Levels are 0 (black) to 255 (white).

    Attributes:
        casts: red less green and blue less green of large cells, in which even strong noise has no colour, float32
            `[8, 8, 2]`.
        luma: means of cells, float32 `[32, 32]`.
        grey: luma means of finer cells, float32 `[64, 64]`.
        edges: `grey` less the mean of each cell's 3 × 3 neighbours, float32 `[64, 64]`.
        points: levels of single pixels, one for each cell of `grey`, with even the finest noise, uint8 `[64, 64]`.
        detail: root mean square, in levels, of `luma` less the mean of each cell's 3 × 3 neighbours, without the share
            of white noise.
        softness: the same of `grey` divided by that of `luma`, both with noise: above 0.65 for a sharp picture, below
            0.5 for one out of focus; 1 for a uniform one.
        black, white: share of the cells of `luma` that are at most 20, and at least 240.
        lit: share of the cells of `luma` above 60.

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
