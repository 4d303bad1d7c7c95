"""Conveyor belts, empty or with boxes or a bottle."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framewatch_demo.scenes import textures
from framewatch_demo.scenes.canvas import Canvas, Colour, Image, Mask, Point, box_points, hsv, shade
from framewatch_demo.scenes.furniture import draw_wall_piece
from framewatch_demo.scenes.items import draw_bottle, draw_box, random_box_style

_STRIP = (96, 384)
_ONE_BOX = 0.8


@dataclass(frozen=True)
class BeltPlan:
    """Place of a belt in the picture, its sizes in picture heights or widths (0..1), and its appearance.

    Attributes:
        far_y, near_y: the belt's edges at the middle of the picture.
        slope: height of the belt's left end above its right end.
        strip: the belt's surface from above, BGR, shape (96, 384, 3); it repeats.
        rail: colour of the rails along both edges.
        thick: height of the belt's side.

    """

    far_y: float
    near_y: float
    slope: float
    strip: Image
    rail: Colour
    thick: float

    def base(self, canvas: Canvas, along: float, across: float) -> Point:
        """Returns the pixel at a share of the picture's width and of the belt's width (0 far edge, 1 near edge)."""
        y = self.far_y + across * (self.near_y - self.far_y) + self.slope * (along - 0.5)
        return along * canvas.width, y * canvas.height


def plan_belt(rng: np.random.Generator, close: bool) -> BeltPlan:
    """Draws a random belt; a `close` one is wider."""
    wide = float(rng.uniform(0.3, 0.7) if close else rng.uniform(0.18, 0.5))
    near = float(rng.uniform(0.75, 1.05) if close else rng.uniform(0.55, 0.95))
    return BeltPlan(
        far_y=near - wide,
        near_y=near,
        slope=float(rng.uniform(-0.18, 0.18)),
        strip=_belt_strip(rng),
        rail=hsv(rng.uniform(0, 1), rng.uniform(0, 0.6), rng.uniform(60, 220)),
        thick=float(rng.uniform(0.02, 0.1)),
    )


def _belt_strip(rng: np.random.Generator) -> Image:
    high, wide = _STRIP
    base = np.asarray(hsv(rng.uniform(0, 1), rng.uniform(0, 0.35) ** 2, rng.uniform(25, 120)), dtype=np.float32)
    gain = 1 + np.float32(rng.uniform(0.03, 0.12)) * textures.grain(rng, high, wide)
    seams = int(rng.choice((0, 4, 8, 16, 32)))
    for seam in range(seams):
        x = seam * wide // seams
        gain[:, x : x + 3] *= np.float32(0.6)
        gain[:, x + 3 : x + 5] *= np.float32(1.25)
    return np.clip(base * gain[:, :, None], 0, 255).astype(np.uint8)


def draw_hall(canvas: Canvas, rng: np.random.Generator, plan: BeltPlan) -> None:
    """Draws the wall, floor, machines and legs behind and below the belt."""
    wide, high = canvas.width, canvas.height
    horizon = float(rng.uniform(0.2, 0.7)) * high
    canvas.texture([(0, 0), (wide, 0), (wide, horizon), (0, horizon)], textures.wall(rng))
    canvas.texture([(0, horizon), (wide, horizon), (1.5 * wide, high), (-0.5 * wide, high)], textures.floor(rng))
    for _ in range(int(rng.integers(0, 3))):
        draw_wall_piece(canvas, rng, horizon)
    for _ in range(int(rng.integers(0, 3))):
        _draw_machine(canvas, rng, plan)
    leg = shade(plan.rail, 0.7)
    for along in rng.uniform(0, 1, int(rng.integers(0, 4))):
        x, y = plan.base(canvas, float(along), 1.0)
        canvas.polygon(box_points(x, y, 0.03 * wide, high), leg)


def _draw_machine(canvas: Canvas, rng: np.random.Generator, plan: BeltPlan) -> None:
    x, wide = float(rng.uniform(-0.1, 0.9)) * canvas.width, float(rng.uniform(0.04, 0.25)) * canvas.width
    y = float(rng.uniform(0.0, 0.8)) * plan.far_y * canvas.height
    bottom = plan.base(canvas, x / canvas.width, 0.0)[1]
    colour = hsv(rng.uniform(0, 1), rng.uniform(0, 0.7), rng.uniform(40, 220))
    canvas.polygon(box_points(x, y, wide, max(bottom - y, 4)), colour)
    for _ in range(int(rng.integers(0, 4))):
        spot = (x + float(rng.uniform(0.1, 0.9)) * wide, y + float(rng.uniform(0.1, 0.9)) * (bottom - y))
        canvas.ellipse(spot, (0.06 * wide, 0.06 * wide), hsv(rng.uniform(0, 1), 0.8, 210))


def draw_belt(canvas: Canvas, plan: BeltPlan, travel: float) -> None:
    """Draws the belt itself, moved on by `travel` picture widths."""
    strip = np.roll(plan.strip, round(travel * _STRIP[1]), axis=1)
    corners = [plan.base(canvas, 0, 0), plan.base(canvas, 1, 0), plan.base(canvas, 1, 1), plan.base(canvas, 0, 1)]
    canvas.texture(corners, strip)
    far_left, far_right, near_right, near_left = (np.array(corner) for corner in corners)
    thick = np.array([0.0, plan.thick * canvas.height])
    canvas.polygon(np.array([near_left, near_right, near_right + thick, near_left + thick]), plan.rail)
    seam = np.array([0.0, 0.25 * thick[1]])
    canvas.polygon(np.array([near_left, near_right, near_right + seam, near_left + seam]), shade(plan.rail, 1.3))
    canvas.polygon(
        np.array([far_left - 0.4 * thick, far_right - 0.4 * thick, far_right, far_left]), shade(plan.rail, 0.8)
    )


def _load(canvas: Canvas, rng: np.random.Generator, plan: BeltPlan, thing: str, close: bool) -> None:
    belt_pixels = (plan.near_y - plan.far_y) * canvas.height
    if thing == "bottle":
        base = plan.base(canvas, float(rng.uniform(0.1, 0.9)), float(rng.uniform(0.3, 0.9)))
        lying = rng.random() < 0.25
        tilt = float(rng.choice((-1, 1)) * rng.uniform(75, 100)) if lying else float(rng.normal(0, 2))
        tall = canvas.height * float(rng.uniform(0.5, 0.85) if close else rng.uniform(0.45, 0.7))
        draw_bottle(canvas, rng, base, tall, tilt)
        return
    count = 1 if rng.random() < _ONE_BOX else int(rng.integers(2, 5))
    size = belt_pixels * float(rng.uniform(0.55, 1.15)) * (1.3 if close else 1.0)
    if count > 1:
        size = min(size, 0.65 * canvas.width / count)
    places = (np.arange(count) + rng.uniform(0.35, 0.65, count)) / count if count > 1 else rng.uniform(0.06, 0.94, 1)
    for along in places:
        base = plan.base(canvas, float(along), float(rng.uniform(0.55, 0.95)))
        draw_box(
            canvas, random_box_style(rng), base, max(size, 0.3 * canvas.height if count == 1 else 0.16 * canvas.width)
        )


def belt_world(
    canvas: Canvas,
    background: np.random.Generator,
    things: np.random.Generator,
    thing: str,
    close: bool,
) -> Mask:
    """Draws a belt with `thing` (box, bottle or nothing); returns the pixels that the thing covers."""
    plan = plan_belt(background, close)
    draw_hall(canvas, background, plan)
    draw_belt(canvas, plan, float(background.random()))
    before: NDArray[np.uint8] = canvas.image.copy()
    if thing != "nothing":
        _load(canvas, things, plan, thing, close)
    return canvas.changed_since(before)
