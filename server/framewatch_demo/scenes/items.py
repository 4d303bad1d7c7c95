"""Small things: cardboard boxes, bottles and cups; and the arm that moves them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framewatch_demo.scenes.canvas import Canvas, Colour, Mask, Point, box_points, ellipse_points, hsv, shade
from framewatch_demo.scenes.clothes import cloth_colour
from framewatch_demo.scenes.textures import smooth_noise


@dataclass(frozen=True)
class BoxStyle:
    """Appearance of a box; sizes are in units of its front's width."""

    colour: Colour
    tape: Colour
    tall: float
    deep: float
    skew: float
    taped: bool
    label_at: Point | None
    label_colour: Colour


def random_box_style(rng: np.random.Generator) -> BoxStyle:
    """Draws a random box, mostly of brown cardboard."""
    card = hsv(rng.uniform(0.06, 0.1), rng.uniform(0.3, 0.6), rng.uniform(110, 220))
    painted = hsv(rng.uniform(0, 1), rng.uniform(0.1, 0.8), rng.uniform(60, 235))
    return BoxStyle(
        colour=card if rng.random() < 0.75 else painted,
        tape=shade(card, float(rng.uniform(0.6, 1.35))),
        tall=float(rng.uniform(0.45, 1.1)),
        deep=float(rng.uniform(0.25, 0.6)),
        skew=float(rng.uniform(-0.35, 0.35)),
        taped=rng.random() < 0.6,
        label_at=(float(rng.uniform(0.1, 0.6)), float(rng.uniform(0.15, 0.6))) if rng.random() < 0.5 else None,
        label_colour=hsv(rng.uniform(0, 1), rng.uniform(0, 0.2), rng.uniform(190, 250)),
    )


def draw_box(canvas: Canvas, style: BoxStyle, base: Point, width: float) -> None:
    """Draws a closed box; `base` is the middle of its front's lower edge and `width` its front's width, in pixels."""
    x, y = base
    half, tall = width / 2, width * style.tall
    back = np.array([width * style.skew * style.deep, -width * style.deep * 0.6])
    ground = np.array(
        [(x - half, y), (x + half, y), (x + half + back[0], y + back[1]), (x - half + back[0], y + back[1])]
    )
    canvas.shadow(ground + np.array([0.06 * width, 0.04 * width]), 0.4, 0.06 * width)
    front = box_points(x - half, y - tall, width, tall)
    top = np.array([front[0], front[1], front[1] + back, front[0] + back])
    edge = front[[1, 2]] if style.skew > 0 else front[[0, 3]]
    side = np.array([edge[0], edge[1], edge[1] + back, edge[0] + back])
    canvas.polygon(side, shade(style.colour, 0.6))
    canvas.polygon(top, shade(style.colour, 1.18))
    canvas.polygon(front, shade(style.colour, 0.88))
    if style.taped:
        _draw_tape(canvas, style, front, back)
    if style.label_at is not None:
        _draw_label(canvas, style.label_at, style.label_colour, front)
    canvas.lines(front, shade(style.colour, 0.55), max(1.0, width / 120), closed=True)
    canvas.lines(top, shade(style.colour, 0.7), max(1.0, width / 120), closed=True)


def _draw_tape(canvas: Canvas, style: BoxStyle, front: NDArray[np.float64], back: NDArray[np.float64]) -> None:
    left = front[0] * 0.55 + front[1] * 0.45
    right = front[0] * 0.45 + front[1] * 0.55
    drop = np.array([0.0, 0.25 * (front[3][1] - front[0][1])])
    canvas.polygon(np.array([left, right, right + back, left + back]), shade(style.tape, 1.05))
    canvas.polygon(np.array([left, right, right + drop, left + drop]), shade(style.tape, 0.85))


def _draw_label(canvas: Canvas, at: Point, colour: Colour, front: NDArray[np.float64]) -> None:
    width, tall = front[2] - front[0]
    x, y = front[0] + np.array(at) * (width, tall)
    canvas.polygon(box_points(x, y, 0.3 * width, 0.28 * tall), colour)
    for row in (0.08, 0.16):
        canvas.lines([(x + 0.04 * width, y + row * tall), (x + 0.24 * width, y + row * tall)], (60, 60, 60), width / 60)


_BOTTLE_OUTLINES: tuple[tuple[Point, ...], ...] = (
    ((0.0, 0.11), (0.02, 0.135), (0.3, 0.14), (0.62, 0.14), (0.75, 0.11), (0.86, 0.05), (0.93, 0.045)),
    ((0.0, 0.115), (0.03, 0.13), (0.35, 0.12), (0.5, 0.115), (0.68, 0.13), (0.8, 0.08), (0.9, 0.045), (0.93, 0.045)),
    ((0.0, 0.12), (0.02, 0.125), (0.55, 0.125), (0.62, 0.1), (0.68, 0.045), (0.93, 0.04)),
    ((0.0, 0.15), (0.03, 0.17), (0.55, 0.17), (0.75, 0.13), (0.86, 0.07), (0.93, 0.06)),
)
"""Half widths by height above the base, both in bottle heights."""


def draw_bottle(canvas: Canvas, rng: np.random.Generator, base: Point, height: float, tilt_deg: float = 0.0) -> None:
    """Draws a bottle of plastic or glass, clear or coloured; the middle of its foot is at `base` (pixels)."""
    profile = _BOTTLE_OUTLINES[int(rng.integers(len(_BOTTLE_OUTLINES)))]
    stout = float(rng.uniform(0.8, 1.25))
    turn = np.deg2rad(tilt_deg)
    cos, sin = float(np.cos(turn)), float(np.sin(turn))

    def place(x: float, y: float) -> Point:
        across, up = x * stout * height, y * height
        return base[0] + across * cos + up * sin, base[1] + across * sin - up * cos

    right = [place(half, up) for up, half in profile]
    left = [place(-half, up) for up, half in reversed(profile)]
    if abs(tilt_deg) < 3:
        canvas.shadow(
            ellipse_points((base[0] + 0.1 * height, base[1]), (0.22 * height, 0.035 * height)), 0.25, 0.03 * height
        )
    colour = _bottle_colour(rng)
    before = canvas.image.copy()
    canvas.polygon(right + left, colour)
    clear = rng.random() < 0.65
    if clear:
        canvas.blend(before, float(rng.uniform(0.4, 0.8)))
    glass = canvas.changed_since(before)
    if abs(tilt_deg) < 12:
        _shine(canvas, rng, glass, base[0], stout * height)
    else:
        canvas.scale(1 + np.float32(0.12) * smooth_noise(rng, canvas.height, canvas.width, 8, 8), glass)
    canvas.lines(right + left, shade(colour, float(rng.uniform(0.35, 0.8))), height / 90, closed=True)
    _draw_contents(canvas, rng, place, colour, clear)
    cap_colour = hsv(rng.uniform(0, 1), rng.uniform(0.2, 0.95), rng.uniform(40, 240))
    cap = [place(-0.055, 0.915), place(-0.055, 0.995), place(0.055, 0.995), place(0.055, 0.915)]
    canvas.polygon(cap, cap_colour)


def _bottle_colour(rng: np.random.Generator) -> Colour:
    kind = rng.random()
    if kind < 0.45:
        return hsv(rng.uniform(0.5, 0.65), rng.uniform(0.05, 0.5), rng.uniform(110, 235))
    if kind < 0.65:
        return hsv(rng.uniform(0.22, 0.45), rng.uniform(0.3, 0.8), rng.uniform(40, 170))
    if kind < 0.8:
        return hsv(rng.uniform(0.05, 0.1), rng.uniform(0.5, 0.9), rng.uniform(40, 130))
    return hsv(rng.uniform(0, 1), rng.uniform(0.0, 0.9), rng.uniform(60, 240))


def _shine(canvas: Canvas, rng: np.random.Generator, mask: Mask, middle: float, height: float) -> None:
    """Adds darker flanks and bright streaks, as an upright round shiny thing has."""
    offset = ((np.arange(canvas.width) - middle) / (0.14 * height)).astype(np.float32)
    gain = 1.08 - np.float32(rng.uniform(0.05, 0.4)) * np.minimum(offset**2, 1.4)
    for _ in range(int(rng.integers(1, 4))):
        streak = np.float32(rng.uniform(-0.8, 0.8))
        gain = gain + np.float32(rng.uniform(0.1, 0.7)) * np.exp(-(((offset - streak) / np.float32(0.12)) ** 2))
    ripple = 1 + np.float32(0.08) * smooth_noise(rng, canvas.height, 1, max(2.0, height / 25), 1)
    canvas.scale(np.asarray(ripple * gain[None, :], dtype=np.float32), mask)


def _draw_contents(
    canvas: Canvas, rng: np.random.Generator, place: Callable[[float, float], Point], colour: Colour, clear: bool
) -> None:
    """Draws a label, the surface of the water, and the ribs of the foot."""
    if rng.random() < 0.45:
        low = float(rng.uniform(0.12, 0.3))
        high = low + float(rng.uniform(0.12, 0.3))
        label = hsv(rng.uniform(0, 1), rng.uniform(0, 0.9), rng.uniform(90, 250))
        canvas.polygon([place(-0.135, low), place(-0.135, high), place(0.135, high), place(0.135, low)], label)
        middle = (low + high) / 2
        canvas.polygon(
            [
                place(-0.08, middle - 0.02),
                place(-0.08, middle + 0.02),
                place(0.08, middle + 0.02),
                place(0.08, middle - 0.02),
            ],
            cloth_colour(rng),
        )
    if clear and rng.random() < 0.5:
        level = float(rng.uniform(0.3, 0.85))
        canvas.lines([place(-0.11, level), place(0.11, level)], shade(colour, 1.4), 1)
    if rng.random() < 0.5:
        for spot in np.linspace(-0.1, 0.1, 5):
            canvas.ellipse(place(float(spot), 0.03), (2.0, 1.5), shade(colour, float(rng.uniform(0.3, 1.5))))


def draw_cup(canvas: Canvas, rng: np.random.Generator, base: Point, height: float) -> None:
    """Draws a mug or a paper cup, open above, standing at `base` (pixels)."""
    x, y = base
    foot, rim = height * float(rng.uniform(0.3, 0.42)), height * float(rng.uniform(0.42, 0.52))
    colour = hsv(rng.uniform(0, 1), rng.uniform(0, 0.8), rng.uniform(60, 250))
    squash = float(rng.uniform(0.15, 0.4))
    canvas.shadow(ellipse_points((x + 0.15 * height, y), (0.7 * height, 0.12 * height)), 0.3, 0.06 * height)
    if rng.random() < 0.65:
        side = -1.0 if rng.random() < 0.5 else 1.0
        grip = ellipse_points((x + side * (rim + foot) * 0.52, y - 0.5 * height), (0.22 * height, 0.26 * height))
        canvas.lines(grip, shade(colour, 0.75), 0.1 * height, closed=True)
    before = canvas.image.copy()
    canvas.ellipse((x, y), (foot, foot * squash), colour)
    canvas.polygon([(x - rim, y - height), (x + rim, y - height), (x + foot, y), (x - foot, y)], colour)
    offset = ((np.arange(canvas.width) - x) / rim).astype(np.float32)
    gain = (
        1.05
        - np.float32(rng.uniform(0.1, 0.4)) * np.minimum(offset**2, 1)
        + np.float32(rng.uniform(-0.2, 0.2)) * np.clip(offset, -1, 1)
    )
    canvas.scale(np.broadcast_to(gain, canvas.image.shape[:2]).astype(np.float32), canvas.changed_since(before))
    if rng.random() < 0.35:
        band = cloth_colour(rng)
        canvas.polygon(
            [
                (x - rim * 0.95, y - 0.7 * height),
                (x + rim * 0.95, y - 0.7 * height),
                (x + foot * 1.05, y - 0.3 * height),
                (x - foot * 1.05, y - 0.3 * height),
            ],
            band,
        )
    canvas.ellipse((x, y - height), (rim, rim * squash), shade(colour, 1.15))
    drink = hsv(rng.uniform(0.04, 0.1), rng.uniform(0.2, 0.8), rng.uniform(25, 110))
    canvas.ellipse((x, y - height), (rim * 0.86, rim * squash * 0.8), drink)


def draw_arm(canvas: Canvas, rng: np.random.Generator, start: Point, hand: Point, thickness: float) -> None:
    """Draws an arm that reaches in from `start` and ends in a hand with fingers, in pixels."""
    skin = hsv(rng.uniform(0.02, 0.07), rng.uniform(0.3, 0.6), rng.uniform(90, 235))
    wrist = (start[0] * 0.3 + hand[0] * 0.7, start[1] * 0.3 + hand[1] * 0.7)
    before = canvas.image.copy()
    canvas.limb(wrist, hand, 0.55 * thickness, 0.65 * thickness, skin)
    for finger in rng.uniform(-0.9, 0.9, 4):
        tip = (hand[0] + float(finger) * thickness, hand[1] + float(rng.uniform(0.5, 1.3)) * thickness)
        canvas.limb(hand, tip, 0.28 * thickness, 0.18 * thickness, shade(skin, float(rng.uniform(0.75, 1.05))))
    canvas.limb(start, wrist, 1.0 * thickness, 0.75 * thickness, cloth_colour(rng))
    gain = 1 + np.float32(0.1) * smooth_noise(rng, canvas.height, canvas.width, 7, 7)
    canvas.scale(gain, canvas.changed_since(before))
