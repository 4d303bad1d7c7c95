"""Scenes for the demo model, rendered from random numbers alone.

Two concepts of one world that are rendered with the same seed share place, camera, light and clutter, and differ only
in the thing. The shipped weights were trained on these scenes: a change in the order of random draws changes them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np

from framewatch_demo.captions import BY_NAME, CONCEPTS
from framewatch_demo.scenes.belts import belt_world
from framewatch_demo.scenes.canvas import Canvas, Image, Mask
from framewatch_demo.scenes.fixtures import dark_world, door_world, shelf_world
from framewatch_demo.scenes.lens import photograph
from framewatch_demo.scenes.outdoors import gate_world, parking_world
from framewatch_demo.scenes.rooms import room_world
from framewatch_demo.scenes.tables import table_world

World: TypeAlias = Callable[[Canvas, np.random.Generator, np.random.Generator, str, bool], Mask]

_WORLDS: dict[str, World] = {
    "belt": belt_world,
    "room": room_world,
    "table": table_world,
    "parking": parking_world,
    "gate": gate_world,
    "door": door_world,
    "shelf": shelf_world,
    "dark": dark_world,
}
_AREA = 150 * 150
_FAR_ASPECTS = (16 / 9, 16 / 9, 4 / 3, 4 / 3, 1.0)


@dataclass(frozen=True)
class Scene:
    """A rendered scene.

    Attributes:
        image: BGR uint8, shape (H, W, 3).
        mask: the pixels of the thing that the concept names, shape (H, W).
        concept: name of the concept.
        close: whether the thing fills the picture, as in a cropped region.

    """

    image: Image
    mask: Mask
    concept: str
    close: bool


def render(concept: str, seed: int, close: bool = False, size: tuple[int, int] | None = None) -> Scene:
    """Renders a concept by name (a key of `captions.BY_NAME`).

    Args:
        concept: name of the concept.
        seed: the same seed gives concepts of the same world the same place, camera and light.
        close: whether the thing fills the picture.
        size: width and height in pixels; about 150 x 150 pixels of some camera's aspect by default.

    Raises:
        KeyError: the concept is unknown.

    """
    kind = BY_NAME[concept]
    background, things, lens, frame = (np.random.default_rng([seed, stream]) for stream in range(4))
    canvas = Canvas(*(size or _random_size(frame, close)))
    mask = _WORLDS[kind.world](canvas, background, things, kind.thing, close)
    cast_light = photograph(canvas.image, lens, kind.night)
    if frame.random() < 0.5:
        return Scene(np.ascontiguousarray(cast_light[:, ::-1]), np.ascontiguousarray(mask[:, ::-1]), concept, close)
    return Scene(cast_light, mask, concept, close)


def square(image: Image, side: int) -> Image:
    """Squeezes the whole picture into a square of `side` pixels, as the demo model's processor does."""
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _random_size(rng: np.random.Generator, close: bool) -> tuple[int, int]:
    aspect = float(np.exp(rng.uniform(-1.0, 0.5))) if close else float(rng.choice(_FAR_ASPECTS))
    height = round((_AREA / aspect) ** 0.5)
    return round(height * aspect), height


__all__ = ["CONCEPTS", "Scene", "render", "square"]
