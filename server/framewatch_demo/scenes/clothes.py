"""Clothes, skin and hair of people."""

from dataclasses import dataclass

import numpy as np

from framewatch_demo.scenes.canvas import Colour, hsv

_SKINS: tuple[Colour, ...] = (
    (180, 205, 240),
    (150, 180, 225),
    (120, 155, 205),
    (90, 125, 180),
    (60, 90, 140),
    (40, 60, 95),
)
_HAIRS: tuple[Colour, ...] = (
    (15, 14, 16),
    (20, 25, 35),
    (30, 45, 70),
    (50, 80, 120),
    (95, 150, 190),
    (60, 75, 130),
    (150, 150, 155),
)


def cloth_colour(rng: np.random.Generator) -> Colour:
    """Draws a random colour: black, grey, navy and white more often than bright colours."""
    kind = rng.random()
    if kind < 0.3:
        return hsv(rng.uniform(0, 1), rng.uniform(0, 0.3), rng.uniform(8, 45))
    if kind < 0.52:
        return hsv(rng.uniform(0, 1), rng.uniform(0, 0.1), rng.uniform(50, 190))
    if kind < 0.7:
        return hsv(rng.uniform(0.56, 0.68), rng.uniform(0.2, 0.8), rng.uniform(35, 150))
    if kind < 0.82:
        return hsv(rng.uniform(0.05, 0.15), rng.uniform(0, 0.35), rng.uniform(160, 245))
    return hsv(rng.uniform(0, 1), rng.uniform(0.3, 0.95), rng.uniform(60, 230))


@dataclass(frozen=True)
class Outfit:
    """Colours and cuts of a person's clothes and hair; lengths are heights above the feet, in body heights (0..1)."""

    view: str
    skin: Colour
    hair: Colour
    top: Colour
    legs: Colour
    shoes: Colour
    hair_end: float
    headwear: str
    hem: float
    hem_flare: float
    skirt: bool
    bare_legs: bool
    short_sleeves: bool


def random_outfit(rng: np.random.Generator) -> Outfit:
    """Draws random clothes, hair and a view."""
    legs = cloth_colour(rng)
    top = legs if rng.random() < 0.2 else cloth_colour(rng)
    long_hair = rng.random() < 0.45
    skirt = rng.random() < 0.18
    return Outfit(
        view=("back", "back", "front", "side")[int(rng.integers(4))],
        skin=_SKINS[int(rng.integers(len(_SKINS)))],
        hair=_HAIRS[int(rng.integers(len(_HAIRS)))],
        top=top,
        legs=legs,
        shoes=cloth_colour(rng),
        hair_end=rng.uniform(0.6, 0.82) if long_hair else 1.0,
        headwear=("none", "none", "none", "none", "none", "hat", "hood", "bald")[int(rng.integers(8))],
        hem=rng.uniform(0.2, 0.52) if rng.random() < 0.35 else rng.uniform(0.42, 0.53),
        hem_flare=rng.uniform(0.0, 0.05),
        skirt=skirt,
        bare_legs=skirt and rng.random() < 0.6,
        short_sleeves=rng.random() < 0.3,
    )
