"""Doors open and closed, shelves full and empty, and the black picture of a covered camera."""

import numpy as np

from framewatch_demo.scenes import textures
from framewatch_demo.scenes.canvas import Canvas, Mask, box_points, hsv, shade
from framewatch_demo.scenes.clothes import cloth_colour
from framewatch_demo.scenes.rooms import draw_room, plan_room


def door_world(
    canvas: Canvas,
    background: np.random.Generator,
    things: np.random.Generator,
    thing: str,
    close: bool,
) -> Mask:
    """Draws a door in a wall; `thing` is open or closed. Returns the pixels of the doorway."""
    wide, high = canvas.width, canvas.height
    floor_y = float(background.uniform(0.8, 0.97)) * high
    canvas.texture([(0, 0), (wide, 0), (wide, floor_y), (0, floor_y)], textures.wall(background))
    canvas.texture(
        [(0, floor_y), (wide, floor_y), (1.4 * wide, high + 2), (-0.4 * wide, high + 2)], textures.floor(background)
    )
    top = float(background.uniform(0.04, 0.2)) * high
    half = float(background.uniform(0.2, 0.36) if close else background.uniform(0.14, 0.24)) * wide
    middle = float(background.uniform(half / wide + 0.08, 0.92 - half / wide)) * wide
    frame = hsv(background.uniform(0, 0.12), background.uniform(0, 0.6), background.uniform(40, 240))
    leaf = hsv(background.uniform(0, 0.12), background.uniform(0, 0.7), background.uniform(60, 240))
    hinge_left = background.random() < 0.5
    rim = 0.03 * wide
    canvas.polygon(box_points(middle - half - rim, top - rim, 2 * (half + rim), floor_y - top + rim), frame)
    quad = box_points(middle - half, top, 2 * half, floor_y - top)
    if thing == "open":
        _draw_opening(canvas, things, quad, leaf, hinge_left)
    else:
        _draw_leaf(canvas, background, quad, leaf, hinge_left)
    return canvas.mask_of(quad)


def _draw_leaf(
    canvas: Canvas, rng: np.random.Generator, quad: np.ndarray, colour: tuple[float, float, float], hinge_left: bool
) -> None:
    canvas.polygon(quad, colour)
    (x, y), (right, bottom) = quad[0], quad[2]
    wide, tall = right - x, bottom - y
    for row in range(int(rng.integers(0, 4))):
        panel = box_points(x + 0.15 * wide, y + (0.06 + 0.31 * row) * tall, 0.7 * wide, 0.25 * tall)
        canvas.polygon(panel, shade(colour, float(rng.uniform(0.8, 1.12))))
    handle = x + (0.88 if hinge_left else 0.12) * wide
    canvas.limb(
        (handle, y + 0.52 * tall),
        (handle - (0.1 if hinge_left else -0.1) * wide, y + 0.52 * tall),
        0.02 * wide,
        0.02 * wide,
        (60, 60, 65),
    )


def _draw_opening(
    canvas: Canvas, rng: np.random.Generator, quad: np.ndarray, colour: tuple[float, float, float], hinge_left: bool
) -> None:
    """Draws another room in other light behind the doorway, and the leaf swung aside."""
    beyond = Canvas(96, 128)
    draw_room(beyond, rng, plan_room(beyond, rng, close=False))
    gain = float(rng.uniform(0.05, 0.5) if rng.random() < 0.7 else rng.uniform(1.1, 1.4))
    beyond.scale(np.full((128, 96), gain, dtype=np.float32))
    canvas.texture(quad, beyond.image)
    wide, tall = quad[1][0] - quad[0][0], quad[2][1] - quad[1][1]
    swing = float(rng.uniform(0.1, 0.45)) * wide
    hinge = quad[0] if hinge_left else quad[1]
    tip = hinge[0] + (swing if hinge_left else -swing)
    drop = float(rng.uniform(0.02, 0.08)) * tall
    canvas.polygon(
        [(hinge[0], hinge[1]), (tip, hinge[1] + drop), (tip, hinge[1] + tall - drop), (hinge[0], hinge[1] + tall)],
        shade(colour, 0.75),
    )


def shelf_world(
    canvas: Canvas,
    background: np.random.Generator,
    things: np.random.Generator,
    thing: str,
    close: bool,
) -> Mask:
    """Draws a shelf; `thing` is full or bare. Returns the pixels of the shelf."""
    wide, high = canvas.width, canvas.height
    canvas.texture([(0, 0), (wide, 0), (wide, high), (0, high)], textures.wall(background))
    left, right = float(background.uniform(-0.1, 0.15)) * wide, float(background.uniform(0.85, 1.1)) * wide
    rows = int(background.integers(2, 5 if close else 6))
    board = hsv(background.uniform(0, 0.12), background.uniform(0, 0.5), background.uniform(60, 230))
    before = canvas.image.copy()
    canvas.polygon(
        box_points(left, 0.03 * high, right - left, 0.94 * high), shade(board, float(background.uniform(0.4, 0.8)))
    )
    for row in range(rows):
        bottom = (0.05 + 0.92 * (row + 1) / rows) * high
        if thing == "full":
            _fill_row(canvas, things, (left + 0.02 * wide, right - 0.02 * wide), bottom, 0.92 * high / rows)
        canvas.polygon(box_points(left, bottom, right - left, 0.025 * high), board)
    for x in (left, right):
        canvas.polygon(box_points(x - 0.015 * wide, 0, 0.03 * wide, high), shade(board, 0.85))
    return canvas.changed_since(before)


def _fill_row(canvas: Canvas, rng: np.random.Generator, span: tuple[float, float], bottom: float, tall: float) -> None:
    x = span[0]
    usual = float(rng.uniform(0.25, 0.8)) * tall
    while x < span[1]:
        wide = float(rng.uniform(0.5, 1.2)) * usual
        high = float(rng.uniform(0.5, 0.88)) * tall
        colour = (
            cloth_colour(rng)
            if rng.random() < 0.5
            else hsv(rng.uniform(0, 1), rng.uniform(0.2, 0.9), rng.uniform(80, 240))
        )
        canvas.polygon(box_points(x, bottom - high, min(wide, span[1] - x), high), colour)
        canvas.polygon(
            box_points(x + 0.15 * wide, bottom - 0.7 * high, 0.6 * wide, 0.35 * high),
            shade(colour, float(rng.uniform(0.6, 1.5))),
        )
        x += wide * float(rng.uniform(1.0, 1.12))


def dark_world(
    canvas: Canvas,
    background: np.random.Generator,
    _things: np.random.Generator,
    _thing: str,
    _close: bool,
) -> Mask:
    """Leaves the picture (nearly) black. Returns no pixels."""
    canvas.image[:] = background.integers(0, 5, 3).astype(np.uint8)
    return np.zeros(canvas.image.shape[:2], dtype=np.bool_)
