"""Thresholds of picture health.

They were measured on two videos, plain and with noise, darkened, brightened and compressed, against covers, blurs,
switches to infrared light and turns of the camera. Each lies about midway, on a logarithmic scale, between what good
and what bad pictures have; a field's text gives both where they were recorded. «Edges», «detail», «softness», «casts»
and the shares of black, white and lit cells are those of `PictureStats`; levels are 0 (black) to 255 (white).
"""

from __future__ import annotations

from dataclasses import dataclass

from framewatch_core.time import NS_PER_S


@dataclass(frozen=True, slots=True)
class HealthTuning:
    """All numbers that picture health is computed with; `HealthPolicy` has those that callers choose."""

    # -- How good pictures are learned (baseline.py, scene.py) --

    learning_time_s: float = 20.0
    """Seconds in which the baseline takes over 63 % of a lasting change."""
    following_time_s: float = 2.0
    """The same of the luma and the casts that sudden changes are measured against."""
    longest_step_s: float = 1.0
    """Seconds that one picture counts for at most: after a pause or bad pictures it does not outweigh all before."""

    # -- BLACK and OVEREXPOSED of the whole frame (baseline.py) --

    black_share: float = 0.98
    """Least share of black cells of a black picture."""
    black_lit_share: float = 0.002
    """Most share of lit cells of a black picture; a few lamps in a night scene have more."""
    white_share: float = 0.985
    """Least share of white cells of an over-exposed picture. Brightened by 1.8: at most 0.95."""
    unclipped_share: float = 0.3
    """Most of the cells that were not white before and are not white now, as a share, in an over-exposed picture."""
    mostly_white_share: float = 0.75
    """Least share of white cells of a picture that may be over-exposed for other reasons: the next two."""
    little_white_share: float = 0.25
    """Most share of white cells of a baseline from which a mostly white picture is a change."""
    white_kept_edges: float = 0.3
    """Least slope of the edges of a mostly white picture that is good. Brightened by 1.8: at least 0.56."""

    # -- COVERED and BLURRED (baseline.py) --

    kept_edges: float = 0.2
    """Least slope of the edges of a picture that is not uniform.

    Good: at least 0.5; out of focus by 2 % of the width: at most 0.14; covered: 0.02.
    """
    kept_edges_if_soft: float = 0.35
    """The same of a picture that is not soft. Out of focus by 1 % of the width: 0.21 to 0.45."""
    dimmed_correlation: float = 0.75
    """Least correlation of the edges of a picture that only has less light. Lights out: 0.9; out of focus: 0.6."""
    dimmed_kept_edges: float = 0.4
    """Least slope of its edges as a share of the light that is left. Lights out: 1; seen through a cover: 0.2."""
    uniform_detail: float = 1.5
    """Levels of detail below which a picture is uniform.

    Darkened to 0.4: at least 3.4; a cover with noise of 15 levels: 1.0.
    """
    uniform_detail_share: float = 0.3
    """The same as a share of the baseline's detail. Good: at least 0.7; covers: 0.1."""
    blank_detail: float = 0.25
    """Levels of detail below which a stream's very first picture is covered. An empty plain table, soft light: 0.4."""
    soft_detail_share: float = 0.75
    """Detail as a share of the baseline's below which a picture may be soft."""
    soft_share: float = 0.72
    """Softness as a share of the baseline's below which such a picture is soft.

    Good: at least 0.85; out of focus: 0.4, with noise 0.63.
    """
    blurred_coarse_edges: float = 0.2
    """Least slope of the coarse edges of a picture that is blurred rather than covered.

    Out of focus by 4 % of the width: 0.35; covered: 0.02, or what the cover lets through.
    """
    unchanged_levels: float = 5.0
    """Levels by which a cell may differ and be as before."""
    unchanged_level_share: float = 0.06
    """The same as a share of the baseline's mean level; the greater of the two counts."""
    unchanged_cells_share: float = 0.5
    """Least share of such cells of a picture that is mostly as before: a thing was taken from a plain place."""

    # -- SCENE_CHANGED (scene.py): when a change counts --

    steady_ns: int = NS_PER_S
    """Nanoseconds that pictures must have been alike before a change counts: constant change is not sudden."""
    steady_pictures: int = 4
    """Pictures that must have been alike: with few frames a second, time alone proves nothing."""
    give_up_ns: int = 10 * NS_PER_S
    """Nanoseconds after which a change that has not settled is accepted: the camera moves, or a light blinks."""
    calm_ns: int = 5 * NS_PER_S
    """Nanoseconds between two changes from which on they have nothing to do with each other."""
    previous_ns: int = 60 * NS_PER_S
    """Nanoseconds for which a return to the reference before a change is no new change that has to settle."""
    kept_references: int = 8
    """References that were good for a while and are kept: a return to one is no loss, however plain the picture is."""
    kept_after_pictures: int = 20
    """Good pictures that a reference needs to be kept."""

    # -- SCENE_CHANGED (scene.py): what differs --

    changed_cells_share: float = 0.5
    """Least share of cells that changed in luma, or in a cast, when all has changed.

    Of cells whose luma changed by a fifth of the mean level: with people and hands, exposure control included, at most
    0.24; when the light changes by 0.6, at least 0.86.
    """
    changed_level_share: float = 0.2
    """Change of a cell's luma as a share of the mean level, of the lighter picture, from which on the cell changed."""
    least_changed_levels: float = 8.0
    """Fewest levels that this may come to."""
    most_changed_levels: float = 40.0
    """Most levels that this may come to."""
    changed_cast_levels: float = 16.0
    """Levels of a cell's cast from which on its colour changed."""
    greyed_share: float = 0.3
    """Mean colour as a share of the other picture's below which one picture has lost its colours.

    Good: at least 0.63; grey with noise: 0.1.
    """
    coloured_levels: float = 2.0
    """Fewest levels of mean colour of a picture that has colours to lose."""
    greyed_median_levels: float = 1.5
    """Fewest levels of the median cell's change of colour: most cells know nothing of one coloured thing that comes."""
    same_place_edges: float = 0.25
    """Least slope or correlation of the edges of the same place.

    Good: at least 0.56; moved by a fifth of the width: 0.1.
    """
    same_place_coarse_edges: float = 0.5
    """Least correlation of the coarse edges of the same place: at night, noise drowns the fine edges alone."""
    place_detail: float = 1.5
    """Levels of detail below which a picture does not show which place it is."""

    # -- FROZEN (frozen.py) --

    still_mean_levels: float = 0.3
    """Most levels that a still picture changes by on average.

    Frozen in a compressed video: 0.11, where a key frame or its first refinements come; a quiet scene in two seconds:
    1.4.
    """
    still_cell_levels: float = 6.0
    """Most levels that a still picture's cell changes by. Frozen: 3.3 at most; a quiet scene in two seconds: 5."""
    same_points_share: float = 0.75
    """Least share of single pixels that are the same as in the frame before, in a frame without a sensor's noise.

    Frozen: 0.9 and more in most frames; noise of one level: at most 0.6.
    """
    same_frames_share: float = 0.5
    """Share of such frames above which a still picture is frozen."""

    # -- A region by itself (region.py) --

    region_learning_time_s: float = 20.0
    """Seconds in which a region's share of white takes over 63 % of a lasting change."""
    region_black_share: float = 0.995
    """Least share of black cells of a black region."""
    region_black_detail: float = 1.0
    """Levels of detail from which on it is not black: dark clothes have folds."""
    region_white_share: float = 0.98
    """Least share of white cells of an over-exposed region."""
    region_white_before: float = 0.15
    """Most share of white cells that it had before: around a thing before a white wall, more was white already."""


TUNING = HealthTuning()
