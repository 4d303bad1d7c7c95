"""Cars as shaded solids before a pinhole camera, from any side."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from framewatch_demo.scenes.canvas import Canvas, Colour, hsv, shade

Points: TypeAlias = NDArray[np.float64]
Placer: TypeAlias = Callable[[float, float, float], Points]
_NEAR_M = 0.4


@dataclass(frozen=True)
class Pinhole:
    """A camera above a ground plane, at (0, 0, height_m): X right, Y forward, Z up, in metres.

    Attributes:
        height_m: height of the camera above the ground.
        pitch: downward tilt in radians.
        focal: focal length in pixels.
        centre: principal point in pixels.

    """

    height_m: float
    pitch: float
    focal: float
    centre: tuple[float, float]

    def project(self, points: ArrayLike) -> Points:
        """Returns the pixels, shape (N, 2), of world points, shape (N, 3)."""
        x, y, z = np.moveaxis(np.asarray(points, dtype=np.float64), -1, 0)
        z = z - self.height_m
        cos, sin = np.cos(self.pitch), np.sin(self.pitch)
        depth = np.maximum(y * cos - z * sin, _NEAR_M)
        across, down = self.focal * x / depth, self.focal * (-z * cos - y * sin) / depth
        return np.stack([self.centre[0] + across, self.centre[1] + down], axis=-1)

    def ground_at(self, u: float, v: float) -> tuple[float, float]:
        """Returns the ground point (X, Y) at a pixel below the horizon."""
        right, down = (u - self.centre[0]) / self.focal, (v - self.centre[1]) / self.focal
        cos, sin = np.cos(self.pitch), np.sin(self.pitch)
        reach = self.height_m / max(float(down * cos + sin), 0.02)
        return float(right * reach), float((cos - down * sin) * reach)


@dataclass(frozen=True)
class CarStyle:
    """Sizes of a car's body, in metres, and its colour."""

    colour: Colour
    length: float
    width: float
    bonnet: float
    roof: float
    cabin: tuple[float, float, float, float]


_CABINS = ((-0.42, -0.3, 0.1, 0.28), (-0.46, -0.42, 0.1, 0.3), (-0.3, -0.18, 0.08, 0.25), (-0.48, -0.46, 0.3, 0.42))


def random_car_style(rng: np.random.Generator) -> CarStyle:
    """Draws a random car."""
    dull = rng.random() < 0.55
    colour = (
        hsv(rng.uniform(0, 1), rng.uniform(0, 0.1), rng.uniform(25, 245))
        if dull
        else hsv(rng.uniform(0, 1), rng.uniform(0.5, 0.95), rng.uniform(70, 230))
    )
    return CarStyle(
        colour=colour,
        length=float(rng.uniform(3.6, 5.0)),
        width=float(rng.uniform(1.65, 1.95)),
        bonnet=float(rng.uniform(0.75, 1.0)),
        roof=float(rng.uniform(1.35, 1.85)),
        cabin=_CABINS[int(rng.integers(len(_CABINS)))],
    )


def draw_car(canvas: Canvas, style: CarStyle, camera: Pinhole, at: tuple[float, float], heading: float) -> None:
    """Draws a car with its middle at the ground point `at` (metres); `heading` in radians, 0 along X."""
    turn = np.array([(np.cos(heading), np.sin(heading)), (-np.sin(heading), np.cos(heading))])
    half, side = style.length / 2, style.width / 2

    def world(x: float, y: float, z: float) -> NDArray[np.float64]:
        ground = np.array([x, y]) @ turn + np.array(at)
        return np.array([ground[0], ground[1], z])

    footprint = np.array(
        [world(sx * (half + 0.15), sy * (side + 0.15), 0) for sx, sy in ((1, 1), (1, -1), (-1, -1), (-1, 1))]
    )
    pixels = camera.project(footprint)
    canvas.shadow(pixels, 0.55, 0.03 * float(np.ptp(pixels[:, 0])))
    low = [
        [world(sx * half, sy * side, z) for sx, sy in ((1, 1), (1, -1), (-1, -1), (-1, 1))] for z in (0.3, style.bonnet)
    ]
    _draw_solid(canvas, camera, np.array(low), style.colour, None)
    _draw_wheels(canvas, style, camera, world)
    _draw_lights(canvas, style, camera, world)
    rear_foot, rear_top, front_top, front_foot = (value * style.length for value in style.cabin)
    inner = side * 0.84
    cabin = [
        [
            world(front_foot, side * 0.96, style.bonnet),
            world(front_foot, -side * 0.96, style.bonnet),
            world(rear_foot, -side * 0.96, style.bonnet),
            world(rear_foot, side * 0.96, style.bonnet),
        ],
        [
            world(front_top, inner, style.roof),
            world(front_top, -inner, style.roof),
            world(rear_top, -inner, style.roof),
            world(rear_top, inner, style.roof),
        ],
    ]
    _draw_solid(canvas, camera, np.array(cabin), style.colour, (50, 42, 38))


def _draw_solid(
    canvas: Canvas,
    camera: Pinhole,
    rings: NDArray[np.float64],
    colour: Colour,
    glass: Colour | None,
) -> None:
    """Draws a frustum from its lower and upper ring of corners, shape (2, 4, 3); `glass` colours its windows."""
    lower, upper = rings
    eye = np.array([0.0, 0.0, camera.height_m])
    sides = [np.array([lower[i], lower[(i + 1) % 4], upper[(i + 1) % 4], upper[i]]) for i in range(4)]
    for face in sorted(sides, key=lambda corners: -float(np.linalg.norm(corners.mean(axis=0) - eye))):
        direction = face[1] - face[0]
        light = 0.72 + 0.22 * abs(float(direction[0])) / max(float(np.linalg.norm(direction)), 1e-6)
        canvas.polygon(camera.project(face), shade(colour, light))
        if glass is not None:
            middle = face.mean(axis=0)
            canvas.polygon(camera.project(middle + (face - middle) * 0.86), shade(glass, light + 0.3))
    canvas.polygon(camera.project(upper), shade(colour, 1.15))


def _draw_wheels(canvas: Canvas, style: CarStyle, camera: Pinhole, world: Placer) -> None:
    near = min((-1, 1), key=lambda sign: float(np.linalg.norm(world(0, sign, 0.0))))
    turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    for x in (-0.31 * style.length, 0.31 * style.length):
        for radius, colour in ((0.33, (22.0, 22.0, 24.0)), (0.19, (140.0, 140.0, 145.0))):
            rim = [
                world(x + radius * c, near * style.width / 2 * 1.01, 0.33 + radius * s)
                for c, s in zip(np.cos(turn), np.sin(turn), strict=True)
            ]
            canvas.polygon(camera.project(np.array(rim)), colour)


def _draw_lights(canvas: Canvas, style: CarStyle, camera: Pinhole, world: Placer) -> None:
    front = float(np.linalg.norm(world(style.length / 2, 0, 0))) < float(np.linalg.norm(world(-style.length / 2, 0, 0)))
    end = 1 if front else -1
    colour = (225.0, 240.0, 245.0) if front else (40.0, 40.0, 190.0)
    x = end * style.length / 2 * 1.005
    for y in (-0.34, 0.34):
        lamp = [
            world(x, y * style.width + dy, z) for dy, z in ((-0.18, 0.58), (0.18, 0.58), (0.18, 0.74), (-0.18, 0.74))
        ]
        canvas.polygon(camera.project(np.array(lamp)), colour)
    plate = [world(x, dy, z) for dy, z in ((-0.26, 0.42), (0.26, 0.42), (0.26, 0.54), (-0.26, 0.54))]
    canvas.polygon(camera.project(np.array(plate)), (235, 235, 235))
