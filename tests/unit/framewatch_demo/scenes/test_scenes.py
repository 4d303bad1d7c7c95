"""Rendered scenes: deterministic, paired, of the right kind."""

import numpy as np
import pytest

from framewatch_demo.captions import BY_NAME, CONCEPTS
from framewatch_demo.scenes import render, square

PAIRS = [
    ("belt_box", "belt_empty"),
    ("belt_bottle", "belt_empty"),
    ("room_person_day", "room_empty_day"),
    ("room_dog_day", "room_empty_day"),
    ("table_bottle", "table_empty"),
    ("parking_cars", "parking_empty"),
    ("gate_person", "gate_empty"),
]


@pytest.mark.parametrize("concept", [concept.name for concept in CONCEPTS])
def test_a_scene_is_a_picture_and_its_seed_decides_it(concept: str) -> None:
    first, second = (render(concept, 5).image for _ in range(2))
    other = render(concept, 6).image
    assert first.dtype == np.uint8
    assert first.ndim == 3
    assert first.shape[2] == 3
    assert np.array_equal(first, second)
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_the_size_can_be_chosen() -> None:
    assert render("belt_box", 1, size=(320, 180)).image.shape == (180, 320, 3)


def test_an_unknown_concept_is_refused() -> None:
    with pytest.raises(KeyError):
        render("a unicorn", 1)


@pytest.mark.parametrize(("with_thing", "without"), PAIRS)
@pytest.mark.parametrize("close", [False, True])
def test_a_pair_differs_only_where_the_thing_is(with_thing: str, without: str, close: bool) -> None:
    for seed in range(6):
        present, absent = render(with_thing, seed, close), render(without, seed, close)
        assert present.image.shape == absent.image.shape
        assert present.mask.any()
        assert not absent.mask.any()
        change = np.abs(present.image.astype(int) - absent.image).max(axis=2)
        inside, outside = change[present.mask].mean(), change[~present.mask].mean()
        assert inside > 2 * outside


def test_night_is_darker_than_day() -> None:
    for seed in range(10):
        day, night = (render(f"room_empty_{light}", seed).image.mean() for light in ("day", "night"))
        assert night < day


def test_most_of_the_picture_survives_squaring() -> None:
    scene = render("room_person_day", 3)
    small = square(scene.image, 96)
    assert small.shape == (96, 96, 3)
    assert abs(small.mean() - scene.image.mean()) < 2


def test_every_concept_has_its_own_caption() -> None:
    assert len({concept.caption for concept in CONCEPTS}) == len(CONCEPTS) == len(BY_NAME)


def test_a_covered_camera_gives_nearly_black_pictures() -> None:
    assert all(
        render("dark", seed).image.mean() < 40 < render("room_empty_night", seed).image.mean() for seed in range(10)
    )
