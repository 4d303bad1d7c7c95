"""Measurements of a picture depend on its content, not on its size."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from framewatch_bench.events.disturbances import Pixels, blurred, with_noise
from framewatch_server.vision.pixels.statistics import picture_stats


def scene(width: int = 1280, height: int = 720) -> Pixels:
    rng, picture = np.random.default_rng(3), np.full((720, 1280, 3), (180, 160, 150), np.uint8)
    for x, y in rng.integers(0, 640, (40, 2)):
        cv2.rectangle(
            picture, (2 * int(x), int(y)), (2 * int(x) + 90, int(y) + 70), rng.integers(0, 255, 3).tolist(), -1
        )
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


@pytest.mark.parametrize("size", [(284, 160), (398, 224), (568, 320), (711, 400), (213, 160)], ids=str)
def test_sizes_measure_alike(size: tuple[int, int]) -> None:
    large, small = picture_stats(scene()), picture_stats(scene(*size))
    assert small.detail == pytest.approx(large.detail, rel=0.1)
    assert small.softness == pytest.approx(large.softness, rel=0.15)
    assert float(np.abs(small.luma - large.luma).mean()) < 3
    assert float(np.vdot(small.edges, large.edges) / np.vdot(large.edges, large.edges)) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (40, 30)], ids=str)
def test_tiny_pictures_are_measured_too(shape: tuple[int, int]) -> None:
    stats = picture_stats(np.full((*shape, 3), 250, np.uint8))
    assert (stats.white, stats.black, stats.lit, stats.detail, stats.softness) == (1, 0, 1, 0, 1)
    assert [array.shape for array in (stats.casts, stats.luma, stats.grey, stats.edges, stats.points)] == [
        (8, 8, 2), (32, 32), (64, 64), (64, 64), (64, 64),
    ]  # fmt: skip


def test_a_part_of_a_larger_picture_is_measured_as_its_copy() -> None:
    part = scene()[100:400, 200:900]
    assert picture_stats(part).detail == picture_stats(part.copy()).detail


def test_noise_is_no_detail_and_blur_takes_it() -> None:
    rng = np.random.default_rng(0)
    plain = picture_stats(with_noise(np.full((160, 284, 3), 120, np.uint8), rng, 15))
    noisy, soft, clean = (
        picture_stats(picture)
        for picture in (with_noise(scene(284, 160), rng, 12), blurred(scene(284, 160), rng), scene(284, 160))
    )
    assert plain.detail < 1.2
    assert noisy.detail == pytest.approx(clean.detail, rel=0.05)
    assert soft.detail < 0.6 * clean.detail
    assert soft.softness < 0.7 * clean.softness


def test_colours_and_tones() -> None:
    picture = np.zeros((160, 320, 3), np.uint8)
    picture[:, 160:] = (255, 245, 250)
    stats = picture_stats(picture)
    assert (stats.black, stats.white, stats.lit) == (0.5, 0.5, 0.5)
    assert stats.casts[4, 6].tolist() == [10, 5]
    assert not stats.casts[:, :4].any()
