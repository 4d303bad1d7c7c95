"""Dogs, standing, walking or sitting, from the side."""

from dataclasses import dataclass

import numpy as np

from framewatch_demo.scenes.canvas import Canvas, Colour, Image, Point, ellipse_points, hsv, shade
from framewatch_demo.scenes.textures import smooth_noise


def _coat(rng: np.random.Generator) -> Colour:
    kind = rng.random()
    if kind < 0.5:
        return hsv(rng.uniform(0.05, 0.11), rng.uniform(0.3, 0.75), rng.uniform(60, 220))
    if kind < 0.75:
        return hsv(0.1, rng.uniform(0, 0.15), rng.uniform(15, 60))
    return hsv(0.1, rng.uniform(0, 0.2), rng.uniform(170, 245))


@dataclass(frozen=True)
class _Dog:
    """Height of a dog's back in pixels, its coat, and -1 or 1 if it faces left or right."""

    height: float
    coat: Colour
    facing: float


def draw_dog(canvas: Canvas, rng: np.random.Generator, foot: Point, height: float) -> None:
    """Draws a dog whose back is `height` pixels above `foot`, the point on the floor below its belly."""
    coat = _coat(rng)
    dog = _Dog(height, coat, -1.0 if rng.random() < 0.5 else 1.0)
    long = float(rng.uniform(0.75, 1.15)) * dog.facing

    def place(x: float, y: float) -> Point:
        return foot[0] + x * long * height, foot[1] - y * height

    canvas.shadow(ellipse_points((foot[0], foot[1]), (0.8 * height, 0.12 * height)), 0.3, 0.08 * height)
    before = canvas.image.copy()
    sitting = rng.random() < 0.3
    _draw_tail(canvas, rng, dog, place(-0.62, 0.3 if sitting else 0.85))
    if sitting:
        _draw_sitting_body(
            canvas, height, coat, [place(x, y) for x, y in ((-0.35, 0.32), (-0.1, 0.6), (0.2, 0.9))], place(0.3, 0.03)
        )
    else:
        _draw_legs(canvas, rng, dog, [place(x, 0.62) for x in (-0.52, 0.48)], foot[1])
        canvas.limb(place(-0.48, 0.74), place(0.45, 0.76), 0.23 * height, 0.27 * height, coat)
    lift = 0.35 if sitting else float(rng.uniform(-0.05, 0.3))
    neck, head = place(0.45 - 0.25 * sitting, 0.85), place(0.78 - 0.3 * sitting, 1.0 + lift)
    canvas.limb(neck, head, 0.2 * height, 0.15 * height, shade(coat, 0.95))
    _draw_head(canvas, rng, dog, head)
    _fur(canvas, rng, before)


def _draw_tail(canvas: Canvas, rng: np.random.Generator, dog: _Dog, at: Point) -> None:
    height = dog.height
    raise_by = float(rng.uniform(-0.3, 0.6))
    tip = (at[0] - dog.facing * 0.38 * height, at[1] - raise_by * height)
    canvas.limb(at, tip, 0.07 * height, 0.03 * height, shade(dog.coat, 0.85))


def _draw_legs(
    canvas: Canvas,
    rng: np.random.Generator,
    dog: _Dog,
    hips: list[Point],
    ground: float,
) -> None:
    height, coat = dog.height, dog.coat
    for hip in hips:
        for tone in (0.7, 1.0):
            swing = float(rng.uniform(-0.22, 0.22)) * height
            paw = (hip[0] + swing, ground - float(rng.uniform(0, 0.04)) * height)
            canvas.limb(hip, paw, 0.13 * height, 0.055 * height, shade(coat, tone))
            canvas.ellipse((paw[0], paw[1]), (0.09 * height, 0.045 * height), shade(coat, tone * 0.9))


def _draw_sitting_body(canvas: Canvas, height: float, coat: Colour, spine: list[Point], paw: Point) -> None:
    canvas.ellipse(spine[0], (0.34 * height, 0.3 * height), coat)
    canvas.limb(spine[0], spine[2], 0.32 * height, 0.2 * height, coat)
    canvas.limb(spine[2], paw, 0.12 * height, 0.06 * height, shade(coat, 0.9))
    canvas.limb(spine[1], (paw[0] - 0.12 * height, paw[1]), 0.1 * height, 0.06 * height, shade(coat, 0.75))


def _draw_head(canvas: Canvas, rng: np.random.Generator, dog: _Dog, at: Point) -> None:
    height, coat, direction = dog.height, dog.coat, dog.facing
    x, y = at
    canvas.ellipse(at, (0.2 * height, 0.18 * height), coat)
    muzzle = (x + direction * 0.3 * height, y + 0.06 * height)
    canvas.limb(at, muzzle, 0.12 * height, 0.075 * height, shade(coat, float(rng.uniform(0.7, 1.1))))
    canvas.ellipse(
        (muzzle[0] + direction * 0.05 * height, muzzle[1] - 0.03 * height), (0.04 * height,) * 2, (20, 20, 25)
    )
    canvas.ellipse((x + direction * 0.09 * height, y - 0.05 * height), (0.03 * height,) * 2, (15, 15, 20))
    ear = shade(coat, float(rng.uniform(0.5, 0.8)))
    if rng.random() < 0.5:
        canvas.limb(
            (x - direction * 0.08 * height, y - 0.1 * height),
            (x - direction * 0.16 * height, y + 0.18 * height),
            0.07 * height,
            0.08 * height,
            ear,
        )
    else:
        tip = (x - direction * 0.1 * height, y - 0.36 * height)
        canvas.polygon(
            [
                (x - direction * 0.18 * height, y - 0.08 * height),
                tip,
                (x + direction * 0.05 * height, y - 0.13 * height),
            ],
            ear,
        )


def _fur(canvas: Canvas, rng: np.random.Generator, before: Image) -> None:
    mask = canvas.changed_since(before)
    gain = 1 + np.float32(rng.uniform(0.04, 0.15)) * smooth_noise(rng, canvas.height, canvas.width, 2, 2)
    if rng.random() < 0.25:
        gain = np.where(smooth_noise(rng, canvas.height, canvas.width, 9, 9) > 0.6, gain * np.float32(0.45), gain)
    canvas.scale(np.asarray(gain, dtype=np.float32), mask)
