"""Table tops before a wall, bare or with a bottle or a cup; in some a hand reaches in."""

from typing import TypeAlias

import numpy as np

from framewatch_demo.scenes import textures
from framewatch_demo.scenes.canvas import Canvas, Mask, Point, box_points, ellipse_points, hsv, shade
from framewatch_demo.scenes.clothes import cloth_colour
from framewatch_demo.scenes.furniture import draw_wall_piece
from framewatch_demo.scenes.items import draw_arm, draw_bottle, draw_cup

Span: TypeAlias = tuple[float, float]
"""Begin of a table top at the wall and its end in front, as shares of the picture's height."""


def table_world(
    canvas: Canvas,
    background: np.random.Generator,
    things: np.random.Generator,
    thing: str,
    close: bool,
) -> Mask:
    """Draws a table with `thing` (bottle, cup or nothing); returns the pixels that the thing covers."""
    edge = float(background.uniform(0.3, 0.88) if close else background.uniform(0.25, 0.65))
    _draw_setting(canvas, background, edge)
    front = 1.0 if close else _draw_front(canvas, background, edge)
    for _ in range(int(background.choice(4, p=(0.55, 0.25, 0.15, 0.05)))):
        _draw_clutter(canvas, background, (edge, front))
    hand = background.random() < 0.22
    top: Point = (float(things.uniform(0.3, 0.7)) * canvas.width, 0.3 * canvas.height)
    before = canvas.image.copy()
    if thing == "bottle":
        top = _put_bottles(canvas, things, (edge, front), close)
    elif thing == "cup":
        _put_cup(canvas, things, (edge, front), close)
    mask = canvas.changed_since(before)
    if hand:
        _reach_in(canvas, background, top)
    return mask


def _draw_setting(canvas: Canvas, rng: np.random.Generator, edge: float) -> None:
    wide, high = canvas.width, canvas.height
    canvas.texture(
        [(-0.2 * wide, -0.2 * high), (1.2 * wide, -0.2 * high), (1.2 * wide, edge * high), (-0.2 * wide, edge * high)],
        textures.wall(rng),
    )
    for _ in range(int(rng.choice(3, p=(0.7, 0.2, 0.1)))):
        draw_wall_piece(canvas, rng, edge * high)
    slope = float(rng.uniform(-0.05, 0.05)) * high
    corners = [
        (-1.0, edge * high - slope),
        (wide + 1.0, edge * high + slope),
        (1.8 * wide, high + 2.0),
        (-0.8 * wide, high + 2.0),
    ]
    if rng.random() < 0.5:
        colour = hsv(rng.uniform(0, 1), rng.uniform(0, 0.12), rng.uniform(130, 250))
        canvas.polygon(corners, colour)
        canvas.scale(1 + np.float32(0.015) * textures.grain(rng, high, wide))
    else:
        canvas.polygon(corners, textures.floor_colour(rng))
        canvas.texture(corners, textures.floor(rng))
    if rng.random() < 0.3:
        canvas.shadow(box_points(0, edge * high, wide, 0.06 * high), float(rng.uniform(0.05, 0.3)), 0.03 * high)


def _draw_front(canvas: Canvas, rng: np.random.Generator, edge: float) -> float:
    """Draws the table's rim, its sides and the floor below; returns the y of its front edge (0..1).

    They distinguish a table from a room's floor.
    """
    wide, high = canvas.width, canvas.height
    front = float(rng.uniform(0.84, 0.95))
    spread = float(rng.uniform(0.0, 0.2)) * wide
    left, right = float(rng.uniform(-0.15, 0.1)) * wide, float(rng.uniform(0.9, 1.15)) * wide
    floor = shade(textures.floor_colour(rng), float(rng.uniform(0.3, 0.8)))
    below = front * high
    canvas.polygon([(left, below), (left + spread, edge * high), (-2, edge * high), (-2, below)], floor)
    canvas.polygon([(right, below), (right - spread, edge * high), (wide + 2, edge * high), (wide + 2, below)], floor)
    canvas.polygon(box_points(-2, below, wide + 4, high), floor)
    rim = textures.floor_colour(rng)
    canvas.polygon(box_points(left, below, right - left, float(rng.uniform(0.02, 0.06)) * high), rim)
    return front


def _draw_clutter(canvas: Canvas, rng: np.random.Generator, span: Span) -> None:
    """Draws a flat or low thing: paper, a plate, a pen, a book or a stain."""
    edge, front = span
    x, y = float(rng.uniform(0, 1)) * canvas.width, float(rng.uniform(edge + 0.03, front)) * canvas.height
    size = float(rng.uniform(0.05, 0.25)) * canvas.height
    colour = cloth_colour(rng)
    kind = int(rng.integers(5))
    if kind == 0:
        canvas.polygon(
            ellipse_points((x, y), (size, 0.35 * size), float(rng.uniform(-20, 20)), count=4),
            shade((240, 240, 240), float(rng.uniform(0.6, 1))),
        )
    elif kind == 1:
        canvas.ellipse((x, y), (size, 0.3 * size), shade(colour, 0.8))
        canvas.ellipse((x, y - 0.03 * size), (0.9 * size, 0.26 * size), shade(colour, 1.2))
    elif kind == 2:
        canvas.limb((x, y), (x + size, y + float(rng.uniform(-0.3, 0.3)) * size), 0.03 * size, 0.03 * size, colour)
    elif kind == 3:
        canvas.polygon(box_points(x, y - 0.2 * size, size, 0.2 * size), colour)
        canvas.polygon(
            [
                (x, y - 0.2 * size),
                (x + size, y - 0.2 * size),
                (x + 0.9 * size, y - 0.4 * size),
                (x + 0.15 * size, y - 0.4 * size),
            ],
            shade(colour, 1.3),
        )
    else:
        canvas.shadow(ellipse_points((x, y), (0.6 * size, 0.2 * size)), float(rng.uniform(0.05, 0.4)), 0.1 * size)


def _put_bottles(canvas: Canvas, rng: np.random.Generator, span: Span, close: bool) -> Point:
    """Draws a bottle, or a few in a far view; returns the top of the last one, in pixels."""
    edge, front = span
    count = 1 if close or rng.random() < 0.65 else int(rng.integers(2, 4))
    tall = canvas.height * float(rng.uniform(0.5, 0.98) if close else rng.uniform(0.5, 0.85))
    spread = rng.uniform(0.2, 0.8, 1) if count == 1 else (np.arange(count) + rng.uniform(0.3, 0.7, count)) / count
    top: Point = (0.0, 0.0)
    for share in spread:
        lifted = rng.random() < 0.12
        low = edge * canvas.height + 0.04 * canvas.height
        y = max(
            low,
            float(rng.uniform(0.75, 0.99)) * canvas.height
            if close
            else float(rng.uniform(edge, front - 0.02)) * canvas.height,
        )
        if lifted:
            y -= float(rng.uniform(0.05, 0.3)) * canvas.height
        x = float(share) * canvas.width
        draw_bottle(canvas, rng, (x, y), tall, float(rng.normal(0, 9 if lifted else 1.5)))
        top = (x, y - tall)
    return top


def _put_cup(canvas: Canvas, rng: np.random.Generator, span: Span, close: bool) -> None:
    tall = canvas.height * float(rng.uniform(0.3, 0.55) if close else rng.uniform(0.3, 0.45))
    low, high = min(span[0] + 0.05, 0.9), span[1] - 0.05
    y = float(rng.uniform(low, high)) * canvas.height
    x = float(rng.uniform(0.25, 0.75) if close else rng.uniform(0.12, 0.88)) * canvas.width
    draw_cup(canvas, rng, (x, max(y, tall)), tall)


def _reach_in(canvas: Canvas, rng: np.random.Generator, target: Point) -> None:
    start = (float(rng.uniform(-0.2, 1.2)) * canvas.width, -0.1 * canvas.height)
    spot = float(rng.uniform(-0.1, 0.25)) * canvas.height
    if rng.random() < 0.6:
        target = (float(rng.uniform(0, 1)) * canvas.width, float(rng.uniform(0.0, 0.3)) * canvas.height)
    hand = (target[0], max(target[1], 0.0) + max(spot, 0.0) * 0.3)
    draw_arm(canvas, rng, start, hand, float(rng.uniform(0.035, 0.09)) * canvas.height)
