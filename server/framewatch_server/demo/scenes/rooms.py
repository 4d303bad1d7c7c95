"""Rooms, seen by a fixed camera: a wall, a floor, furniture; with a person, a dog or nobody."""

from dataclasses import dataclass

import numpy as np

from framewatch_server.demo.scenes import textures
from framewatch_server.demo.scenes.canvas import Canvas, Mask, shade
from framewatch_server.demo.scenes.dogs import draw_dog
from framewatch_server.demo.scenes.furniture import FURNITURE, draw_wall_piece
from framewatch_server.demo.scenes.people import draw_person

_MIN_SHARE = {"person": 0.02, "dog": 0.02}
_ATTEMPTS = 6


@dataclass(frozen=True)
class RoomPlan:
    """How a room lies in the picture, in pixels.

    Attributes:
        left_y, right_y: where the wall meets the floor at the picture's left and right edge.
        person_far: how tall a person at the wall would be.
        person_near: how tall a person would be who stands at the picture's lower edge.

    """

    left_y: float
    right_y: float
    person_far: float
    person_near: float

    def floor_y(self, share: float) -> float:
        """The wall's foot at a share (0..1) of the picture's width."""
        return self.left_y + share * (self.right_y - self.left_y)


def plan_room(canvas: Canvas, rng: np.random.Generator, close: bool) -> RoomPlan:
    """A far view of a room, or (`close`) one in which a person fills the picture."""
    middle = float(rng.uniform(0.35, 1.02) if close else rng.uniform(0.22, 0.72))
    tilt = float(rng.uniform(-0.06, 0.06))
    far = float(rng.uniform(0.75, 1.1) if close else rng.uniform(0.42, 0.8))
    growth = float(rng.uniform(1.0, 1.15) if close else rng.uniform(1.05, 1.5))
    high = canvas.height
    return RoomPlan((middle - tilt) * high, (middle + tilt) * high, far * high, far * growth * high)


def draw_room(canvas: Canvas, rng: np.random.Generator, plan: RoomPlan) -> None:
    """Wall, floor, things on the wall and furniture."""
    wide, high = canvas.width, canvas.height
    zoom = float(rng.uniform(1.0, 1.6))
    wall_quad = [(-0.1 * wide, -0.2 * high), (zoom * wide, -0.2 * high), (zoom * wide, plan.floor_y(zoom)), (-0.1 * wide, plan.floor_y(-0.1))]
    canvas.texture(wall_quad, textures.wall(rng))
    _draw_side_wall(canvas, rng, plan)
    _draw_floor(canvas, rng, plan)
    for _ in range(int(rng.integers(0, 5))):
        draw_wall_piece(canvas, rng, plan.floor_y(0.5))
    if rng.random() < 0.7:
        _draw_baseboard(canvas, rng, plan)
    for _ in range(int(rng.choice(5, p=(0.2, 0.35, 0.25, 0.13, 0.07)))):
        draw_furniture(canvas, rng, plan)


def _draw_side_wall(canvas: Canvas, rng: np.random.Generator, plan: RoomPlan) -> None:
    if rng.random() > 0.3:
        return
    share = float(rng.uniform(0.05, 0.35))
    x = share * canvas.width
    before = canvas.image.copy()
    canvas.polygon([(-2, -2), (x, -2), (x, plan.floor_y(share)), (-2, plan.floor_y(share) + 0.5 * x)], textures.wall_colour(rng))
    canvas.blend(before, float(rng.uniform(0.3, 1.0)))


def _draw_floor(canvas: Canvas, rng: np.random.Generator, plan: RoomPlan) -> None:
    wide, high = canvas.width, canvas.height
    spread = float(rng.uniform(0.1, 1.2)) * wide
    skew = float(rng.uniform(-0.4, 0.4)) * wide
    quad = [
        (0, plan.left_y), (wide, plan.right_y), (wide + spread + skew, high + 0.02 * high), (-spread + skew, high + 0.02 * high),
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
    canvas.polygon([(-1, plan.left_y - thick), (wide + 1, plan.right_y - thick), (wide + 1, plan.right_y), (-1, plan.left_y)], colour)


def draw_furniture(canvas: Canvas, rng: np.random.Generator, plan: RoomPlan) -> None:
    """One piece of furniture anywhere on the floor."""
    share, depth = float(rng.uniform(-0.05, 1.05)), float(rng.uniform(0.0, 0.95))
    floor_y = plan.floor_y(share)
    foot = (share * canvas.width, floor_y + depth * (canvas.height - floor_y))
    tall = plan.person_far + depth * (plan.person_near - plan.person_far)
    FURNITURE[int(rng.integers(len(FURNITURE)))](canvas, rng, foot, tall)


def draw_inhabitant(canvas: Canvas, rng: np.random.Generator, plan: RoomPlan, thing: str, close: bool) -> Mask:
    """Puts a person or a dog into the room so that enough of it is seen; returns the pixels that it covers."""
    empty = canvas.image.copy()
    mask = np.zeros(empty.shape[:2], dtype=np.bool_)
    for _ in range(_ATTEMPTS):
        canvas.image[:] = empty
        _place(canvas, rng, plan, thing, close)
        mask = _solid_difference(canvas, empty)
        if mask.mean() >= _MIN_SHARE[thing]:
            break
    return mask


def _solid_difference(canvas: Canvas, before: np.ndarray) -> Mask:
    """Where the picture changed by more than a shadow's edge."""
    change = np.abs(canvas.image.astype(np.int16) - before).max(axis=2)
    return np.asarray(change > 12)


def _place(canvas: Canvas, rng: np.random.Generator, plan: RoomPlan, thing: str, close: bool) -> None:
    at_edge = rng.random() < 0.12
    share = float(rng.choice((0.0, 1.0)) if at_edge else rng.uniform(0.25, 0.75) if close else rng.uniform(0.06, 0.94))
    floor_y = plan.floor_y(share)
    depth = float(rng.uniform(0.05, 1.5))
    near = min(depth, 1.0)
    tall = plan.person_far + near * (plan.person_near - plan.person_far)
    if thing == "dog":
        depth = min(depth, 0.95)
        back = tall * float(rng.uniform(0.4, 0.6) if close else rng.uniform(0.22, 0.4))
        draw_dog(canvas, rng, (share * canvas.width, floor_y + depth * (canvas.height - floor_y)), back)
        return
    foot_y = floor_y + depth * max(canvas.height - floor_y, 0.3 * canvas.height)
    lowest = canvas.height * 0.1 + tall
    draw_person(canvas, rng, (share * canvas.width, max(foot_y, lowest) if rng.random() < 0.85 else foot_y), tall)


def room_world(
    canvas: Canvas, background: np.random.Generator, things: np.random.Generator, thing: str, close: bool,
) -> Mask:
    """Draws a room with `thing` (person, dog or nothing); returns the pixels that it covers."""
    plan = plan_room(canvas, background, close)
    draw_room(canvas, background, plan)
    before = canvas.image.copy()
    if thing != "nothing":
        draw_inhabitant(canvas, things, plan, thing, close)
    covered = _solid_difference(canvas, before)
    if background.random() < 0.12:
        hidden = canvas.image.copy()
        draw_furniture(canvas, background, plan)
        covered &= ~canvas.changed_since(hidden)
    return covered
