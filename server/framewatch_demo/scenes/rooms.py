"""Rooms before a fixed camera: a wall, a floor and furniture; with a person, with a dog, or empty."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np

from framewatch_demo.scenes import textures
from framewatch_demo.scenes.canvas import Canvas, Image, Mask, shade
from framewatch_demo.scenes.dogs import draw_dog
from framewatch_demo.scenes.furniture import FURNITURE, draw_wall_piece
from framewatch_demo.scenes.people import draw_person

_MIN_SHARE = 0.065
_ATTEMPTS = 6
_AT_EDGE = 0.04
_AT_FURNITURE = 0.3
_HEAD_VISIBLE = 0.95
_DOG_WITH_HEAD = 1.5


Spot: TypeAlias = tuple[float, float]
"""A place on the floor: share (0..1) of the picture's width, and depth from the wall (0) to the lower edge (1)."""


@dataclass(frozen=True)
class RoomPlan:
    """Geometry of a room in the picture, in pixels.

    Attributes:
        left_y, right_y: y of the line between wall and floor, at the picture's left and right edge.
        person_far: height of a person at the wall.
        person_near: height of a person at the picture's lower edge.

    """

    left_y: float
    right_y: float
    person_far: float
    person_near: float

    def floor_y(self, share: float) -> float:
        """Returns the y of the wall's foot at a share (0..1) of the picture's width."""
        return self.left_y + share * (self.right_y - self.left_y)

    def person(self, depth: float) -> float:
        """Returns the height of a person at a depth from the wall (0) to the picture's lower edge (1)."""
        return self.person_far + depth * (self.person_near - self.person_far)


def plan_room(canvas: Canvas, rng: np.random.Generator, close: bool) -> RoomPlan:
    """Draws a far view of a room, or (`close`) one in which a person fills the picture."""
    middle = float(rng.uniform(0.35, 1.02) if close else rng.uniform(0.22, 0.72))
    tilt = float(rng.uniform(-0.06, 0.06))
    far = float(rng.uniform(0.75, 1.1) if close else rng.uniform(0.58, 0.92))
    growth = float(rng.uniform(1.0, 1.15) if close else rng.uniform(1.05, 1.4))
    high = canvas.height
    return RoomPlan((middle - tilt) * high, (middle + tilt) * high, far * high, far * growth * high)


def draw_room(canvas: Canvas, rng: np.random.Generator, plan: RoomPlan) -> list[Spot]:
    """Draws wall, floor, things on the wall and furniture; returns the places of the furniture."""
    wide, high = canvas.width, canvas.height
    zoom = float(rng.uniform(1.0, 1.6))
    wall_quad = [
        (-0.1 * wide, -0.2 * high),
        (zoom * wide, -0.2 * high),
        (zoom * wide, plan.floor_y(zoom)),
        (-0.1 * wide, plan.floor_y(-0.1)),
    ]
    canvas.texture(wall_quad, textures.wall(rng))
    _draw_side_wall(canvas, rng, plan)
    _draw_floor(canvas, rng, plan)
    for _ in range(int(rng.integers(0, 4))):
        draw_wall_piece(canvas, rng, plan.floor_y(0.5))
    if rng.random() < 0.85:
        _draw_baseboard(canvas, rng, plan)
    pieces = int(rng.choice(5, p=(0.28, 0.37, 0.22, 0.1, 0.03)))
    return [draw_furniture(canvas, rng, plan) for _ in range(pieces)]


def _draw_side_wall(canvas: Canvas, rng: np.random.Generator, plan: RoomPlan) -> None:
    if rng.random() > 0.3:
        return
    share = float(rng.uniform(0.05, 0.35))
    x = share * canvas.width
    before = canvas.image.copy()
    canvas.polygon(
        [(-2, -2), (x, -2), (x, plan.floor_y(share)), (-2, plan.floor_y(share) + 0.5 * x)], textures.wall_colour(rng)
    )
    canvas.blend(before, float(rng.uniform(0.3, 1.0)))


def _draw_floor(canvas: Canvas, rng: np.random.Generator, plan: RoomPlan) -> None:
    wide, high = canvas.width, canvas.height
    spread = float(rng.uniform(0.1, 1.2)) * wide
    skew = float(rng.uniform(-0.4, 0.4)) * wide
    quad = [
        (0, plan.left_y),
        (wide, plan.right_y),
        (wide + spread + skew, high + 0.02 * high),
        (-spread + skew, high + 0.02 * high),
    ]
    outside = [(-1, plan.left_y), (wide + 1, plan.right_y), (wide + 1, high + 1), (-1, high + 1)]
    picture = textures.floor(rng)
    mean = picture.reshape(-1, 3).mean(axis=0)
    canvas.polygon(outside, (float(mean[0]), float(mean[1]), float(mean[2])))
    canvas.texture(quad, picture)


def _draw_baseboard(canvas: Canvas, rng: np.random.Generator, plan: RoomPlan) -> None:
    colour = textures.floor_colour(rng) if rng.random() < 0.6 else shade(textures.wall_colour(rng), 0.8)
    thick = float(rng.uniform(0.01, 0.05)) * canvas.height
    wide = canvas.width
    canvas.polygon(
        [(-1, plan.left_y - thick), (wide + 1, plan.right_y - thick), (wide + 1, plan.right_y), (-1, plan.left_y)],
        colour,
    )


def draw_furniture(canvas: Canvas, rng: np.random.Generator, plan: RoomPlan) -> Spot:
    """Draws a piece of furniture anywhere on the floor; returns its place."""
    share, depth = float(rng.uniform(-0.05, 1.05)), float(rng.uniform(0.0, 0.95))
    floor_y = plan.floor_y(share)
    foot = (share * canvas.width, floor_y + depth * (canvas.height - floor_y))
    FURNITURE[int(rng.integers(len(FURNITURE)))](canvas, rng, foot, plan.person(depth))
    return share, depth


def draw_inhabitant(
    canvas: Canvas,
    rng: np.random.Generator,
    place: Callable[[Canvas, np.random.Generator], None],
) -> None:
    """Lets `place` draw a person or a dog into the room, again until enough of it is visible."""
    empty = canvas.image.copy()
    for _ in range(_ATTEMPTS):
        canvas.image[:] = empty
        place(canvas, rng)
        if _solid_difference(canvas, empty).mean() >= _MIN_SHARE:
            break


def _solid_difference(canvas: Canvas, before: Image) -> Mask:
    """Returns the pixels that changed by more than the edge of a shadow."""
    change = np.abs(canvas.image.astype(np.int16) - before).max(axis=2)
    return np.asarray(change > 12)


def _choose_share(rng: np.random.Generator, close: bool) -> float:
    """Draws a share of the picture's width; sometimes at an edge, so that half of the thing is outside."""
    if rng.random() < _AT_EDGE:
        return float(rng.choice((0.01, 0.99)))
    return float(rng.uniform(0.25, 0.75) if close else rng.uniform(0.06, 0.94))


def _place_dog(plan: RoomPlan, close: bool, canvas: Canvas, rng: np.random.Generator) -> None:
    share, depth = _choose_share(rng, close), float(rng.uniform(0.05, 0.95))
    floor_y = plan.floor_y(share)
    back = plan.person(depth) * float(rng.uniform(0.4, 0.6) if close else rng.uniform(0.36, 0.55))
    foot_y = max(floor_y + depth * (canvas.height - floor_y), _DOG_WITH_HEAD * back)
    draw_dog(canvas, rng, (share * canvas.width, foot_y), back)


def _place_person(plan: RoomPlan, spots: list[Spot], close: bool, canvas: Canvas, rng: np.random.Generator) -> None:
    """Draws a person anywhere on the floor, or beside furniture."""
    share, depth = _choose_share(rng, close), float(rng.uniform(0.05, 1.5))
    if spots and rng.random() < _AT_FURNITURE:
        beside = spots[int(rng.integers(len(spots)))]
        share = min(max(beside[0] + float(rng.normal(0, 0.04)), 0.06), 0.94)
        depth = beside[1] + float(rng.uniform(0.0, 0.3))
    floor_y, tall = plan.floor_y(share), plan.person(min(depth, 1.0))
    foot_y = floor_y + depth * max(canvas.height - floor_y, 0.3 * canvas.height)
    if rng.random() < _HEAD_VISIBLE:
        foot_y = max(foot_y, tall + float(rng.uniform(-0.04, 0.1)) * canvas.height)
    draw_person(canvas, rng, (share * canvas.width, foot_y), tall)


def room_world(
    canvas: Canvas,
    background: np.random.Generator,
    things: np.random.Generator,
    thing: str,
    close: bool,
) -> Mask:
    """Draws a room with `thing` (person, dog or nothing); returns the pixels that it covers."""
    plan = plan_room(canvas, background, close)
    spots = draw_room(canvas, background, plan)
    before = canvas.image.copy()
    if thing != "nothing":
        inhabitant = partial(_place_dog, plan) if thing == "dog" else partial(_place_person, plan, spots)
        draw_inhabitant(canvas, things, partial(inhabitant, close))
    covered = _solid_difference(canvas, before)
    if background.random() < 0.12:
        hidden = canvas.image.copy()
        draw_furniture(canvas, background, plan)
        still_visible = covered & ~canvas.changed_since(hidden)
        if thing != "nothing" and still_visible.mean() < _MIN_SHARE:
            canvas.image[:] = hidden
        else:
            covered = still_visible
    return covered
