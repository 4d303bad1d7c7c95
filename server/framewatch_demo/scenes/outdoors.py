"""Parking lots with and without cars, and a gate on a street with a person, with a car, or empty."""

import numpy as np

from framewatch_demo.scenes import textures
from framewatch_demo.scenes.canvas import Canvas, Colour, Mask, Point, box_points, hsv, shade
from framewatch_demo.scenes.people import draw_person
from framewatch_demo.scenes.vehicles import Pinhole, draw_car, random_car_style

_SLOT_M = 2.7
_SLOT_DEEP_M = 5.2
_LEAST_SLOTS, _MOST = 3, 14
_ONE_CAR = 0.15
_LEAST_SLOT = 0.16


def parking_world(
    canvas: Canvas,
    background: np.random.Generator,
    things: np.random.Generator,
    thing: str,
    close: bool,
) -> Mask:
    """Draws a parking lot with `thing` (car or nothing); returns the pixels that the cars cover."""
    camera, rows = _plan_lot(canvas, background, close)
    _draw_lot(canvas, background, camera, rows)
    before = canvas.image.copy()
    slots = _visible_slots(canvas, camera, rows)
    if thing == "nothing" or not slots:
        return canvas.changed_since(before)
    count = 1 if things.random() < _ONE_CAR else int(things.integers(2, min(len(slots), _MOST) + 1))
    chosen = [slots[int(i)] for i in things.choice(len(slots), count, replace=False)]
    for x, y in sorted(chosen, key=lambda slot: -slot[1]):
        heading = float(np.pi / 2 * things.choice((-1, 1)) + things.normal(0, 0.04))
        draw_car(canvas, random_car_style(things), camera, (x + float(things.normal(0, 0.1)), y), heading)
    return canvas.changed_since(before)


def _plan_lot(canvas: Canvas, rng: np.random.Generator, close: bool) -> tuple[Pinhole, list[tuple[float, float]]]:
    """Draws a camera on a mast, and the rows of slots as (X of the first slot, Y of the row) in metres."""
    while True:
        reach = float(rng.uniform(8, 13) if close else rng.uniform(9.5, 14.5))
        pitch = float(rng.uniform(0.35, 0.9))
        focal = canvas.height * float(rng.uniform(0.9, 1.5))
        camera = Pinhole(reach * float(np.sin(pitch)), pitch, focal, (canvas.width / 2, canvas.height / 2))
        near = reach * float(np.cos(pitch)) + float(rng.uniform(-2, 2))
        shift = float(rng.uniform(0, _SLOT_M))
        rows = [
            (shift, near + row * (_SLOT_DEEP_M + (6.0 if row % 2 else 0.0)))
            for row in range(-1, int(rng.integers(1, 4)))
        ]
        if len(_visible_slots(canvas, camera, rows)) >= _LEAST_SLOTS:
            return camera, rows


def _visible_slots(canvas: Canvas, camera: Pinhole, rows: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Returns the middles, in metres, of the slots that lie well inside the picture and near enough to the camera."""
    farthest_m = camera.focal * _SLOT_M / (_LEAST_SLOT * canvas.height)
    found = []
    for shift, y in rows:
        for column in range(-9, 9):
            x = shift + (column + 0.5) * _SLOT_M
            u, v = camera.project([(x, y, 0.6)])[0]
            if (
                y > 2
                and np.hypot(x, y) < farthest_m
                and 0.1 * canvas.width < u < 0.9 * canvas.width
                and 0.12 * canvas.height < v < 0.88 * canvas.height
            ):
                found.append((x, y))
    return found


def _draw_lot(canvas: Canvas, rng: np.random.Generator, camera: Pinhole, rows: list[tuple[float, float]]) -> None:
    wide, high = canvas.width, canvas.height
    ground = textures.asphalt(rng)
    canvas.texture(
        [(-0.3 * wide, -0.3 * high), (1.3 * wide, -0.3 * high), (1.8 * wide, 1.1 * high), (-0.8 * wide, 1.1 * high)],
        ground,
    )
    horizon = float(camera.project([(0, 80.0, 0)])[0][1])
    if horizon > 0:
        canvas.polygon(
            box_points(-1, -1, wide + 2, horizon + 1),
            hsv(rng.uniform(0.2, 0.6), rng.uniform(0.05, 0.5), rng.uniform(60, 230)),
        )
    paint = hsv(rng.uniform(0.1, 0.16), float(rng.choice((0.0, 0.5))), rng.uniform(170, 250))
    for shift, y in rows:
        for column in range(-10, 11):
            x = shift + column * _SLOT_M
            line = [
                (x - 0.06, y - _SLOT_DEEP_M / 2, 0),
                (x + 0.06, y - _SLOT_DEEP_M / 2, 0),
                (x + 0.06, y + _SLOT_DEEP_M / 2, 0),
                (x - 0.06, y + _SLOT_DEEP_M / 2, 0),
            ]
            if y > _SLOT_DEEP_M:
                canvas.polygon(camera.project(line), paint)
    for _ in range(int(rng.integers(0, 3))):
        _draw_lot_clutter(canvas, rng, camera)


def _draw_lot_clutter(canvas: Canvas, rng: np.random.Generator, camera: Pinhole) -> None:
    """Draws an oil stain, a lamp post, a tree or a kerb."""
    u, v = float(rng.uniform(0, 1)) * canvas.width, float(rng.uniform(0.1, 1)) * canvas.height
    size = float(rng.uniform(0.03, 0.1)) * canvas.height
    kind = int(rng.integers(4))
    if kind == 0:
        canvas.shadow(
            box_points(u - size, v - 0.3 * size, 2 * size, 0.6 * size), float(rng.uniform(0.1, 0.4)), 0.3 * size
        )
    elif kind == 1:
        colour = hsv(0, 0, rng.uniform(50, 200))
        canvas.limb((u, v), (u, v - 5 * size), 0.1 * size, 0.07 * size, colour)
        canvas.ellipse((u + 0.4 * size, v - 5 * size), (0.5 * size, 0.12 * size), colour)
    elif kind == 2:
        _draw_tree(canvas, rng, (u, v), size)
    else:
        x, y = camera.ground_at(u, v)
        canvas.polygon(
            camera.project([(x, y, 0), (x + 4, y, 0), (x + 4, y + 0.4, 0), (x, y + 0.4, 0)]),
            hsv(0, 0, rng.uniform(110, 220)),
        )


def _draw_tree(canvas: Canvas, rng: np.random.Generator, foot: Point, size: float) -> None:
    canvas.limb(foot, (foot[0], foot[1] - 2 * size), 0.2 * size, 0.15 * size, hsv(0.07, 0.5, 70))
    for _ in range(12):
        spot = (foot[0] + float(rng.normal(0, 0.7)) * size, foot[1] - 2.6 * size + float(rng.normal(0, 0.6)) * size)
        canvas.ellipse(
            spot, (0.6 * size, 0.5 * size), hsv(rng.uniform(0.22, 0.38), rng.uniform(0.3, 0.8), rng.uniform(40, 140))
        )


def gate_world(
    canvas: Canvas,
    background: np.random.Generator,
    things: np.random.Generator,
    thing: str,
    close: bool,
) -> Mask:
    """Draws a gate on a street with `thing` (person, car or nothing); returns the pixels that it covers."""
    ground = float(background.uniform(0.45, 0.75)) * canvas.height
    _draw_street(canvas, background, ground)
    before = canvas.image.copy()
    share = float(things.uniform(0.25, 0.75) if close else things.uniform(0.12, 0.88))
    if thing == "person":
        tall = canvas.height * float(things.uniform(0.7, 1.05) if close else things.uniform(0.6, 0.9))
        foot = float(things.uniform(ground / canvas.height + 0.05, 0.98)) * canvas.height
        draw_person(canvas, things, (share * canvas.width, max(foot, tall * 0.95)), tall)
    elif thing == "car":
        _drive_in(canvas, things, ground, share, close)
    return canvas.changed_since(before)


def _drive_in(canvas: Canvas, rng: np.random.Generator, ground: float, share: float, close: bool) -> None:
    """Draws a car on the street, by a camera that puts it at `share` of the picture's width."""
    mast = float(rng.uniform(1.8, 3.6))
    far = float(rng.uniform(5.5, 7.5) if close else rng.uniform(5.5, 8.5))
    focal = canvas.height * float(rng.uniform(1.0, 1.35))
    foot = float(rng.uniform(ground / canvas.height + 0.08, 0.88)) * canvas.height
    pitch = float(np.arctan2(mast, far) - np.arctan2(foot - canvas.height / 2, focal))
    camera = Pinhole(mast, pitch, focal, (canvas.width / 2, canvas.height / 2))
    at = camera.ground_at(share * canvas.width, foot)
    draw_car(canvas, random_car_style(rng), camera, at, float(rng.uniform(0, 2 * np.pi)))


def _draw_street(canvas: Canvas, rng: np.random.Generator, ground: float) -> None:
    wide, high = canvas.width, canvas.height
    canvas.image[:] = hsv(rng.uniform(0.52, 0.62), rng.uniform(0, 0.4), rng.uniform(150, 250))
    if rng.random() < 0.75:
        top = float(rng.uniform(-0.3, 0.6)) * ground
        canvas.texture([(-2, top), (wide + 2, top), (wide + 2, ground + 2), (-2, ground + 2)], textures.wall(rng))
    for _ in range(int(rng.integers(0, 3))):
        _draw_tree(canvas, rng, (float(rng.uniform(0, 1)) * wide, ground), float(rng.uniform(0.06, 0.16)) * high)
    canvas.texture(
        [(-1, ground), (wide + 1, ground), (1.6 * wide, high + 2), (-0.6 * wide, high + 2)], textures.asphalt(rng)
    )
    _draw_gate(canvas, rng, ground)
    kerb = hsv(0, 0, rng.uniform(90, 210))
    canvas.polygon(box_points(-1, ground, wide + 2, 0.02 * high), kerb)
    for _ in range(int(rng.integers(0, 3))):
        _draw_street_post(canvas, rng, ground)


def _draw_gate(canvas: Canvas, rng: np.random.Generator, ground: float) -> None:
    """Draws two gateposts and a leaf of bars between them."""
    wide = canvas.width
    left, right = float(rng.uniform(0.02, 0.3)) * wide, float(rng.uniform(0.65, 0.98)) * wide
    top = ground - float(rng.uniform(0.25, 0.5)) * canvas.height
    metal: Colour = hsv(rng.uniform(0, 1), rng.uniform(0, 0.6), rng.uniform(15, 190))
    for share in np.linspace(0, 1, int(rng.integers(7, 20))):
        x = left + float(share) * (right - left)
        canvas.limb((x, ground), (x, top), 0.006 * wide, 0.006 * wide, metal)
    for y in (top + 0.04 * canvas.height, ground - 0.05 * canvas.height):
        canvas.limb((left, y), (right, y), 0.008 * wide, 0.008 * wide, metal)
    stone = hsv(rng.uniform(0, 0.1), rng.uniform(0, 0.5), rng.uniform(70, 210))
    for x in (left, right):
        canvas.polygon(
            box_points(x - 0.03 * wide, top - 0.05 * canvas.height, 0.06 * wide, ground - top + 0.05 * canvas.height),
            stone,
        )


def _draw_street_post(canvas: Canvas, rng: np.random.Generator, ground: float) -> None:
    x, y = float(rng.uniform(0, 1)) * canvas.width, ground + float(rng.uniform(0, 0.3)) * canvas.height
    tall = float(rng.uniform(0.12, 0.6)) * canvas.height
    colour = hsv(rng.uniform(0, 1), rng.uniform(0, 0.7), rng.uniform(30, 230))
    canvas.limb((x, y), (x, y - tall), 0.012 * canvas.height, 0.012 * canvas.height, colour)
    if rng.random() < 0.5:
        size = float(rng.uniform(0.03, 0.07)) * canvas.height
        canvas.ellipse((x, y - tall), (size, size), shade(colour, 1.3))
