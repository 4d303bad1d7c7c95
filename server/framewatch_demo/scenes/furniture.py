"""Things in a room that could be mistaken for a person: tables, posts, lamps, plants, chairs, coat stands, screens."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from framewatch_demo.scenes.canvas import Canvas, Colour, Point, box_points, ellipse_points, hsv, shade
from framewatch_demo.scenes.clothes import cloth_colour
from framewatch_demo.scenes.textures import smooth_noise

Piece: TypeAlias = Callable[[Canvas, np.random.Generator, Point, float], None]
"""Draws a piece at a foot point (pixels); the last argument is the height of a person at that place, in pixels."""


def _material(rng: np.random.Generator) -> Colour:
    kind = rng.random()
    if kind < 0.35:
        return hsv(rng.uniform(0.04, 0.1), rng.uniform(0.3, 0.8), rng.uniform(50, 200))
    if kind < 0.75:
        return hsv(rng.uniform(0, 1), rng.uniform(0, 0.1), rng.uniform(20, 240))
    return cloth_colour(rng)


def _ground_shadow(canvas: Canvas, rng: np.random.Generator, foot: Point, radius: float) -> None:
    canvas.shadow(ellipse_points(foot, (radius, 0.3 * radius)), float(rng.uniform(0.05, 0.35)), 0.25 * radius)


def _post(canvas: Canvas, foot: Point, top: Point, radius: float, colour: Colour) -> None:
    canvas.limb(foot, top, radius, radius, colour)
    gleam = ((foot[0] - 0.35 * radius, foot[1]), (top[0] - 0.35 * radius, top[1]))
    canvas.limb(gleam[0], gleam[1], 0.3 * radius, 0.3 * radius, shade(colour, 1.35))


def _cross_foot(canvas: Canvas, rng: np.random.Generator, foot: Point, spread: float, colour: Colour) -> None:
    turn = float(rng.uniform(0, np.pi))
    for arm in range(int(rng.integers(3, 6))):
        angle = turn + arm * 2 * np.pi / 4
        tip = (foot[0] + spread * float(np.cos(angle)), foot[1] + 0.45 * spread * float(np.sin(angle)))
        canvas.limb((foot[0], foot[1] - 0.12 * spread), tip, 0.1 * spread, 0.07 * spread, colour)


def bistro_table(canvas: Canvas, rng: np.random.Generator, foot: Point, person: float) -> None:
    """Draws a round table on one post with a cross or a plate as foot."""
    tall = person * float(rng.uniform(0.4, 0.75))
    metal, top_colour = _material(rng), _material(rng) if rng.random() < 0.6 else hsv(0.6, 0.05, 230)
    spread = person * float(rng.uniform(0.1, 0.22))
    _ground_shadow(canvas, rng, foot, spread)
    if rng.random() < 0.7:
        _cross_foot(canvas, rng, foot, spread, metal)
    else:
        canvas.ellipse(foot, (spread, 0.35 * spread), metal)
    top = (foot[0] + float(rng.uniform(-0.03, 0.03)) * tall, foot[1] - tall)
    _post(canvas, foot, top, person * float(rng.uniform(0.012, 0.035)), metal)
    half = person * float(rng.uniform(0.13, 0.3))
    squash = float(rng.uniform(0.2, 0.6))
    canvas.ellipse((top[0], top[1] + 0.015 * person), (half, half * squash), shade(top_colour, 0.6))
    canvas.ellipse(top, (half, half * squash), top_colour)
    if rng.random() < 0.5:
        paper = ellipse_points(top, (0.4 * half, 0.4 * half * squash), float(rng.uniform(0, 90)), count=4)
        canvas.polygon(paper, shade(top_colour, float(rng.uniform(0.6, 1.2))))


def square_table(canvas: Canvas, rng: np.random.Generator, foot: Point, person: float) -> None:
    """Draws a table or desk on four legs."""
    tall, half = person * float(rng.uniform(0.3, 0.55)), person * float(rng.uniform(0.2, 0.6))
    deep = half * float(rng.uniform(0.2, 0.7))
    colour = _material(rng)
    x, y = foot
    for across, back in ((-0.9, 1), (0.9, 1), (-0.95, 0), (0.95, 0)):
        base = (x + across * half, y - back * deep)
        canvas.limb(base, (base[0], base[1] - tall), 0.015 * person, 0.02 * person, shade(colour, 0.6))
    top = [
        (x - half, y - tall),
        (x + half, y - tall),
        (x + 0.85 * half, y - tall - deep),
        (x - 0.85 * half, y - tall - deep),
    ]
    canvas.polygon(top, colour)
    canvas.polygon(box_points(x - half, y - tall, 2 * half, 0.03 * person), shade(colour, 0.7))


def chair(canvas: Canvas, rng: np.random.Generator, foot: Point, person: float) -> None:
    """Draws a chair with a back."""
    seat, half = person * float(rng.uniform(0.24, 0.34)), person * float(rng.uniform(0.1, 0.16))
    back = seat + person * float(rng.uniform(0.15, 0.35))
    colour, legs = _material(rng), _material(rng)
    x, y = foot
    for across in (-0.9, -0.4, 0.5, 0.9):
        canvas.limb((x + across * half, y), (x + across * 0.9 * half, y - seat), 0.012 * person, 0.015 * person, legs)
    canvas.polygon(box_points(x - half, y - back, 2 * half, 0.6 * (back - seat) + 0.1 * person), shade(colour, 0.85))
    canvas.ellipse((x, y - seat), (half * 1.1, half * 0.4), colour)


def coat_stand(canvas: Canvas, rng: np.random.Generator, foot: Point, person: float) -> None:
    """Draws a post with hooks, often with a coat on it."""
    tall, colour = person * float(rng.uniform(0.85, 1.1)), _material(rng)
    _cross_foot(canvas, rng, foot, 0.12 * person, colour)
    top = (foot[0], foot[1] - tall)
    _post(canvas, foot, top, 0.014 * person, colour)
    for side in (-1, 1):
        hook = (foot[0] + side * 0.09 * person, foot[1] - 0.93 * tall)
        canvas.limb((foot[0], foot[1] - 0.86 * tall), hook, 0.01 * person, 0.008 * person, colour)
        if rng.random() < 0.35:
            cloth = cloth_colour(rng)
            end = foot[1] - float(rng.uniform(0.35, 0.55)) * tall
            canvas.polygon(
                [
                    (hook[0] - 0.02 * person, hook[1]),
                    (hook[0] + 0.02 * person, hook[1]),
                    (hook[0] + 0.07 * person, end),
                    (hook[0] - 0.06 * person, end),
                ],
                cloth,
            )


def floor_lamp(canvas: Canvas, rng: np.random.Generator, foot: Point, person: float) -> None:
    """Draws a lamp shade on a post."""
    tall, colour = person * float(rng.uniform(0.7, 1.05)), _material(rng)
    canvas.ellipse(foot, (0.1 * person, 0.03 * person), colour)
    _post(canvas, foot, (foot[0], foot[1] - tall), 0.012 * person, colour)
    shade_colour = hsv(rng.uniform(0.08, 0.16), rng.uniform(0.05, 0.4), rng.uniform(170, 250))
    low, high = person * float(rng.uniform(0.1, 0.18)), person * float(rng.uniform(0.05, 0.12))
    y = foot[1] - tall
    canvas.polygon(
        [
            (foot[0] - high, y - 0.12 * person),
            (foot[0] + high, y - 0.12 * person),
            (foot[0] + low, y + 0.06 * person),
            (foot[0] - low, y + 0.06 * person),
        ],
        shade_colour,
    )


def plant(canvas: Canvas, rng: np.random.Generator, foot: Point, person: float) -> None:
    """Draws a plant in a pot."""
    pot, colour = person * float(rng.uniform(0.07, 0.13)), _material(rng)
    x, y = foot
    canvas.polygon([(x - 0.8 * pot, y), (x + 0.8 * pot, y), (x + pot, y - 1.8 * pot), (x - pot, y - 1.8 * pot)], colour)
    reach = person * float(rng.uniform(0.2, 0.6))
    for _ in range(int(rng.integers(8, 20))):
        angle = float(rng.uniform(-1.2, 1.2))
        tip = (
            x + reach * float(np.sin(angle)) * 0.7,
            y - 1.8 * pot - reach * float(np.cos(angle)) * float(rng.uniform(0.4, 1)),
        )
        green = hsv(rng.uniform(0.24, 0.4), rng.uniform(0.3, 0.8), rng.uniform(40, 150))
        canvas.limb((x, y - 1.8 * pot), tip, 0.02 * person, float(rng.uniform(0.01, 0.04)) * person, green)


def pillar(canvas: Canvas, rng: np.random.Generator, foot: Point, person: float) -> None:
    """Draws a pillar or a beam, upright or leaning, that leaves the picture at the top."""
    half, colour = person * float(rng.uniform(0.03, 0.15)), _material(rng)
    slant = float(rng.uniform(-0.25, 0.25)) * foot[1]
    points = [
        (foot[0] - half, foot[1]),
        (foot[0] + half, foot[1]),
        (foot[0] + half + slant, -5),
        (foot[0] - half + slant, -5),
    ]
    before = canvas.image.copy()
    canvas.polygon(points, colour)
    canvas.polygon(
        [points[0], (foot[0], foot[1]), (foot[0] + slant, -5), points[3]], shade(colour, float(rng.uniform(0.75, 1.1)))
    )
    grains = 1 + np.float32(rng.uniform(0, 0.1)) * smooth_noise(rng, canvas.height, canvas.width, 3, 3)
    canvas.scale(grains, canvas.changed_since(before))


def cabinet(canvas: Canvas, rng: np.random.Generator, foot: Point, person: float) -> None:
    """Draws a cupboard, a cabinet or a bookcase."""
    tall, wide = person * float(rng.uniform(0.35, 1.1)), person * float(rng.uniform(0.2, 0.6))
    colour = _material(rng)
    x, y = foot[0] - wide / 2, foot[1] - tall
    canvas.polygon(box_points(x, y, wide, tall), colour)
    side = wide * float(rng.uniform(-0.2, 0.2))
    edge = x if side < 0 else x + wide
    canvas.polygon(
        [(edge, y), (edge + side, y + 0.03 * tall), (edge + side, y + 0.95 * tall), (edge, y + tall)],
        shade(colour, 0.65),
    )
    rows = int(rng.integers(1, 6))
    books = rng.random() < 0.3
    for row in range(rows):
        panel = box_points(x + 0.06 * wide, y + (row + 0.1) * tall / rows, 0.88 * wide, 0.8 * tall / rows)
        canvas.polygon(panel, shade(colour, float(rng.uniform(0.4, 0.6)) if books else float(rng.uniform(0.85, 1.12))))
        for book in range(8 if books else 0):
            high = float(rng.uniform(0.4, 0.75)) * tall / rows
            left = x + (0.08 + 0.1 * book) * wide
            canvas.polygon(box_points(left, panel[2][1] - high, 0.08 * wide, high), cloth_colour(rng))


def bin_or_bag(canvas: Canvas, rng: np.random.Generator, foot: Point, person: float) -> None:
    """Draws a bin, a bag or a stool."""
    tall, half, colour = person * float(rng.uniform(0.12, 0.3)), person * float(rng.uniform(0.06, 0.13)), _material(rng)
    x, y = foot
    _ground_shadow(canvas, rng, foot, half * 1.2)
    canvas.polygon([(x - half, y - tall), (x + half, y - tall), (x + 0.8 * half, y), (x - 0.8 * half, y)], colour)
    canvas.ellipse((x, y - tall), (half, 0.25 * half), shade(colour, float(rng.uniform(0.4, 1.2))))


def sofa(canvas: Canvas, rng: np.random.Generator, foot: Point, person: float) -> None:
    """Draws a sofa."""
    half, colour = person * float(rng.uniform(0.3, 0.6)), cloth_colour(rng)
    x, y = foot
    canvas.polygon(box_points(x - half, y - 0.45 * person, 2 * half, 0.35 * person), shade(colour, 0.8))
    canvas.polygon(box_points(x - half, y - 0.24 * person, 2 * half, 0.2 * person), colour)
    for side in (-1, 1):
        canvas.polygon(
            box_points(x + side * half - 0.06 * person, y - 0.32 * person, 0.12 * person, 0.3 * person),
            shade(colour, 0.7),
        )


FURNITURE: tuple[Piece, ...] = (
    bistro_table,
    bistro_table,
    bistro_table,
    square_table,
    chair,
    coat_stand,
    floor_lamp,
    plant,
    pillar,
    cabinet,
    bin_or_bag,
    sofa,
)


def draw_wall_piece(canvas: Canvas, rng: np.random.Generator, floor_y: float) -> None:
    """Draws a picture, screen, window, door, beam or patch of light on the wall, which ends at `floor_y` (pixels)."""
    width, height = canvas.width, canvas.height
    x, wide = float(rng.uniform(-0.15, 1.0)) * width, float(rng.uniform(0.08, 0.4)) * width
    y, tall = float(rng.uniform(-0.3, 0.6)) * floor_y, float(rng.uniform(0.15, 0.8)) * floor_y
    kind = int(rng.integers(6))
    if kind == 0:
        y, tall = floor_y * float(rng.uniform(0.0, 0.35)), floor_y
        tall = floor_y - y
        wide = tall * float(rng.uniform(0.3, 0.55))
    skew = float(rng.uniform(-0.25, 0.25)) * wide * (rng.random() < 0.5)
    quad = np.array([(x, y), (x + wide, y), (x + wide + skew, y + tall), (x + skew, y + tall)])
    if kind == 5:
        before = canvas.image.copy()
        canvas.polygon(quad, (255, 255, 255) if rng.random() < 0.6 else (120, 110, 110))
        canvas.blend(before, float(rng.uniform(0.1, 0.5)))
        return
    frame, pane = _material(rng), _material(rng)
    canvas.polygon(quad, frame)
    middle = quad.mean(axis=0)
    canvas.polygon(middle + (quad - middle) * float(rng.uniform(0.75, 0.95)), pane)
    if kind in (1, 2):
        canvas.lines([(quad[0] + quad[1]) / 2, (quad[2] + quad[3]) / 2], frame, 0.012 * height)
    if kind == 0:
        knob = (x + 0.85 * wide, (y + floor_y) / 2)
        canvas.ellipse(knob, (0.01 * height, 0.01 * height), shade(frame, 1.5))
