"""People from behind, from the front or from the side, in varied clothes, hair and poses."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framewatch_demo.scenes.canvas import Canvas, Mask, Point, ellipse_points, shade
from framewatch_demo.scenes.clothes import Outfit, cloth_colour, random_outfit
from framewatch_demo.scenes.textures import cloth_gain, smooth_noise


@dataclass(frozen=True)
class Figure:
    """Coordinates on a person's body: x to the right, y up, both in body heights from the point between the feet.

    Attributes:
        foot: the point between the feet, in pixels.
        height: body height in pixels.
        widen: horizontal stretch; a camera looking down shortens a body, which widens it.
        lean: sideways shift of the head, in body heights.

    """

    foot: Point
    height: float
    widen: float
    lean: float

    def place(self, x: float, y: float) -> Point:
        """Returns the pixel of a place on the body."""
        across = self.foot[0] + self.height * (x * self.widen + self.lean * y)
        return across, self.foot[1] - self.height * y

    def outline(self, points: list[Point]) -> NDArray[np.float64]:
        """Returns the pixels of several places on the body, shape (N, 2)."""
        return np.array([self.place(x, y) for x, y in points], dtype=np.float64)


def draw_person(canvas: Canvas, rng: np.random.Generator, foot: Point, height: float) -> None:
    """Draws a person standing at `foot` (pixels), `height` pixels tall, with a soft shadow."""
    outfit = random_outfit(rng)
    figure = Figure(foot, height, widen=float(rng.uniform(0.9, 1.45)), lean=float(rng.uniform(-0.06, 0.06)))
    hip = float(rng.uniform(0.4, 0.52))
    _draw_shadow(canvas, rng, figure)
    before = canvas.image.copy()
    arms_behind = outfit.view == "back" or rng.random() < 0.3
    _draw_legs(canvas, rng, figure, outfit, hip)
    if arms_behind:
        _draw_arms(canvas, rng, figure, outfit)
    _draw_torso(canvas, rng, figure, outfit, hip)
    if not arms_behind:
        _draw_arms(canvas, rng, figure, outfit)
    _weave(canvas, rng, canvas.changed_since(before), figure)
    _draw_head(canvas, rng, figure, outfit)


def _draw_shadow(canvas: Canvas, rng: np.random.Generator, figure: Figure) -> None:
    reach = float(rng.uniform(-0.35, 0.35)) * figure.height
    centre = (figure.foot[0] + reach / 2, figure.foot[1] - 0.01 * figure.height)
    axes = (0.12 * figure.height + abs(reach) / 2, 0.05 * figure.height)
    canvas.shadow(ellipse_points(centre, axes), float(rng.uniform(0.05, 0.4)), 0.03 * figure.height)


def _draw_legs(canvas: Canvas, rng: np.random.Generator, figure: Figure, outfit: Outfit, hip: float) -> None:
    stride = float(rng.uniform(0.03, 0.2)) if outfit.view == "side" else float(rng.uniform(0.03, 0.08))
    bend = float(rng.uniform(-0.02, 0.03))
    size = figure.height * figure.widen
    colour = outfit.skin if outfit.bare_legs else outfit.legs
    thigh, ankle = float(rng.uniform(0.045, 0.075)), float(rng.uniform(0.024, 0.042))
    for side, tone in ((-1, 0.85), (1, 1.0)):
        lift = 0.04 * float(rng.random()) if side < 0 else 0.0
        top = figure.place(side * 0.042, hip)
        knee = figure.place(side * (0.042 + stride * 0.35) + bend, hip * 0.52)
        foot = figure.place(side * stride * 0.8, 0.03 + lift)
        shaded = shade(colour, tone)
        canvas.limb(top, knee, thigh * size, (thigh + ankle) / 2 * size, shaded)
        canvas.limb(knee, foot, (thigh + ankle) / 2 * size, ankle * size, shaded)
        _draw_shoe(canvas, figure, outfit, (side * stride * 0.8, lift))
    if outfit.skirt:
        end = float(rng.uniform(0.15, 0.32))
        flare = float(rng.uniform(0.08, 0.15))
        outline = [(-0.085, hip + 0.06), (0.085, hip + 0.06), (flare, end), (-flare, end)]
        canvas.polygon(figure.outline(outline), outfit.legs)


def _draw_shoe(canvas: Canvas, figure: Figure, outfit: Outfit, at: Point) -> None:
    size = figure.height * figure.widen
    ahead = 0.03 if outfit.view == "side" else 0.0
    centre = figure.place(at[0] + ahead, at[1] + 0.02)
    wide = 0.06 if outfit.view == "side" else 0.036
    canvas.ellipse(centre, (wide * size, 0.028 * figure.height), outfit.shoes)


def _draw_torso(canvas: Canvas, rng: np.random.Generator, figure: Figure, outfit: Outfit, hip: float) -> None:
    narrow = 0.72 if outfit.view == "side" else 1.0
    shoulder = narrow * float(rng.uniform(0.095, 0.135))
    waist = narrow * float(rng.uniform(0.07, 0.13))
    hips = narrow * float(rng.uniform(0.085, 0.125))
    top = float(rng.uniform(0.8, 0.84))
    hem = min(outfit.hem, hip)
    hem_width = hips + outfit.hem_flare
    middle = (top + hip) / 2
    slope = float(rng.uniform(0.0, 0.03))
    right = [
        (0.03, top + 0.035),
        (shoulder * 0.75, top + 0.012),
        (shoulder, top - 0.03),
        ((shoulder + waist) / 2, middle + 0.07),
        (waist, middle - 0.02),
        (hips, hip),
        (hem_width, hem + slope),
    ]
    left = [(-x, y) for x, y in reversed(right)]
    left[0] = (-hem_width, hem - slope)
    canvas.polygon(figure.outline(right + left), outfit.top)
    _draw_neckline(canvas, rng, figure, outfit.view, (top, hip))


def _draw_neckline(
    canvas: Canvas,
    rng: np.random.Generator,
    figure: Figure,
    view: str,
    span: tuple[float, float],
) -> None:
    """Draws a collar, an open jacket or a bag, so that not all torsos are one plain patch; `span` is top and hip."""
    top, hip = span
    kind = rng.random()
    accent = cloth_colour(rng)
    if view == "front" and kind < 0.35:
        deep = float(rng.uniform(hip, top - 0.05))
        canvas.polygon(figure.outline([(-0.035, top + 0.03), (0.035, top + 0.03), (0.0, deep)]), accent)
    elif kind < 0.25:
        canvas.polygon(figure.outline([(-0.04, top + 0.045), (0.04, top + 0.045), (0.045, top), (-0.045, top)]), accent)
    elif kind < 0.35:
        strap = [(-0.09, top), (-0.06, top), (0.1, hip + 0.02), (0.08, hip - 0.01)]
        canvas.polygon(figure.outline(strap), accent)
    elif kind < 0.43 and view != "front":
        pack = [(-0.085, top - 0.02), (0.085, top - 0.02), (0.095, hip + 0.05), (-0.095, hip + 0.05)]
        canvas.polygon(figure.outline(pack), accent)


_ARM_POSES: tuple[tuple[Point, Point], ...] = (
    ((0.15, 0.64), (0.15, 0.48)),
    ((0.17, 0.65), (0.19, 0.5)),
    ((0.17, 0.62), (0.08, 0.58)),
    ((0.17, 0.63), (0.05, 0.66)),
    ((0.16, 0.64), (0.11, 0.74)),
    ((0.2, 0.66), (0.28, 0.62)),
    ((0.19, 0.7), (0.24, 0.86)),
    ((0.13, 0.64), (0.2, 0.55)),
)
"""Elbow and hand of the right arm, in body heights."""


def _draw_arms(canvas: Canvas, rng: np.random.Generator, figure: Figure, outfit: Outfit) -> None:
    size = figure.height * figure.widen
    thick = float(rng.uniform(0.028, 0.045))
    common = int(rng.integers(len(_ARM_POSES)))
    sleeve = shade(outfit.top, float(rng.uniform(0.75, 1.1)))
    narrow = 0.5 if outfit.view == "side" else 1.0
    for side in (-1, 1):
        pose = common if rng.random() < 0.6 else int(rng.integers(len(_ARM_POSES)))
        elbow_at, hand_at = _ARM_POSES[pose]
        jitter = rng.uniform(-0.015, 0.015, 2)
        shoulder = figure.place(side * 0.105 * narrow, 0.785)
        elbow = figure.place(side * (elbow_at[0] * narrow + jitter[0]), elbow_at[1] + jitter[1])
        hand = figure.place(side * (hand_at[0] * narrow + jitter[1]), hand_at[1] + jitter[0])
        forearm = outfit.skin if outfit.short_sleeves else sleeve
        canvas.limb(elbow, hand, thick * 0.85 * size, thick * 0.6 * size, forearm)
        canvas.limb(shoulder, elbow, thick * 1.1 * size, thick * 0.9 * size, sleeve)
        canvas.ellipse(hand, (0.024 * size, 0.026 * size), outfit.skin)


def _weave(canvas: Canvas, rng: np.random.Generator, mask: Mask, figure: Figure) -> None:
    """Adds the texture of cloth and the shading of a round body."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return
    window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    part = Canvas(1, 1)
    part.image = canvas.image[window]
    gain = cloth_gain(rng, *part.image.shape[:2])
    offset = (np.arange(columns[0], columns[-1] + 1) - figure.foot[0]) / (0.16 * figure.height * figure.widen)
    light = float(rng.uniform(-0.3, 0.3))
    roundness = 1.06 - float(rng.uniform(0.05, 0.3)) * np.minimum(offset**2, 1.5) + light * np.clip(offset, -1, 1)
    part.scale(gain * roundness.astype(np.float32)[None, :], mask[window])


def _draw_head(canvas: Canvas, rng: np.random.Generator, figure: Figure, outfit: Outfit) -> None:
    size = figure.height * float(rng.uniform(0.92, 1.3))
    turn = float(rng.uniform(-0.02, 0.02))
    neck = figure.place(0, 0.86)
    canvas.limb(figure.place(0, 0.82), neck, 0.032 * size, 0.03 * size, shade(outfit.skin, 0.8))
    centre = figure.place(turn, 0.925)
    face = (0.05 * size * min(figure.widen, 1.25), 0.07 * size)
    if outfit.hair_end < 0.9 and outfit.headwear != "bald":
        _draw_long_hair(canvas, rng, outfit, (centre, face), figure.place(0, outfit.hair_end)[1])
    canvas.ellipse(centre, face, outfit.skin)
    before = canvas.image.copy()
    _draw_hair(canvas, rng, outfit, centre, face)
    if outfit.view == "back" and outfit.hair_end < 0.9 and outfit.headwear != "bald":
        _draw_long_hair(canvas, rng, outfit, (centre, face), figure.place(0, outfit.hair_end)[1])
    strands = 1 + np.float32(0.18) * smooth_noise(rng, canvas.height, canvas.width, 9, 1.4)
    canvas.scale(strands, canvas.changed_since(before))


def _draw_hair(canvas: Canvas, rng: np.random.Generator, outfit: Outfit, centre: Point, face: Point) -> None:
    x, y = centre
    wide, high = face
    if outfit.headwear == "hood":
        canvas.ellipse((x, y + 0.1 * high), (wide * 1.3, high * 1.2), outfit.top)
        if outfit.view == "front":
            canvas.ellipse((x, y + 0.15 * high), (wide * 0.85, high * 0.85), outfit.skin)
    elif outfit.headwear != "bald":
        drop = {"back": 0.0, "side": -0.22, "front": -0.45}[outfit.view]
        cover = {"back": 0.98, "side": 0.85, "front": 0.62}[outfit.view]
        shift = 0.22 * wide if outfit.view == "side" else 0.0
        canvas.ellipse((x - shift, y + drop * high), (wide * 1.08, high * cover), outfit.hair)
    if outfit.view == "front" and outfit.headwear != "hood":
        for side in (-0.38, 0.38):
            canvas.ellipse((x + side * wide, y - 0.02 * high), (0.13 * wide, 0.07 * high), (25, 25, 30))
        canvas.ellipse((x, y + 0.5 * high), (0.3 * wide, 0.06 * high), shade(outfit.skin, 0.6))
    if outfit.headwear == "hat":
        colour = cloth_colour(rng)
        canvas.ellipse((x, y - 0.5 * high), (wide * 1.12, high * 0.62), colour)
        canvas.ellipse((x, y - 0.2 * high), (wide * 1.3, high * 0.14), shade(colour, 0.7))


def _draw_long_hair(
    canvas: Canvas,
    rng: np.random.Generator,
    outfit: Outfit,
    head: tuple[Point, Point],
    end: float,
) -> None:
    """Draws hair from the head (centre and half widths) down to the height `end`, all in pixels."""
    (x, y), (wide, high) = head
    flare = wide * float(rng.uniform(1.1, 1.7))
    side = wide * float(rng.uniform(1.05, 1.35))
    ripple = float(rng.uniform(-0.1, 0.1)) * wide
    outline = [
        (x - 0.7 * wide, y - 0.9 * high),
        (x, y - 1.1 * high),
        (x + 0.7 * wide, y - 0.9 * high),
        (x + side, y),
        (x + flare, y + 0.6 * (end - y)),
        (x + 0.6 * flare + ripple, end),
        (x - 0.6 * flare + ripple, end + ripple),
        (x - flare, y + 0.6 * (end - y)),
        (x - side, y),
    ]
    canvas.polygon(outline, outfit.hair)
