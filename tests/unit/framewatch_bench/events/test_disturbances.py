"""Disturbances of a video, and their places in it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from framewatch_bench.events.disturbances import DISTURBANCES, Frame, Kind, Pixels, spliced


def picture(i: int) -> Pixels:
    pixels = np.full((40, 60, 3), 60, np.uint8)
    pixels[10:30, i % 40 : i % 40 + 15] = (200, 120, 90)
    return pixels


def video(rate: float = 10, seconds: float = 6) -> Iterator[Frame]:
    for i in range(round(rate * seconds)):
        yield i / rate, picture(i)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("rate", [2, 10])
def test_a_splice_is_put_in_and_the_video_goes_on(kind: Kind, rate: float) -> None:
    before, result = list(video(rate)), list(spliced(video(rate), kind, at_s=3, lasting_s=4))
    times = [time_s for time_s, _ in result]
    assert times == pytest.approx([i / rate for i in range(round(10 * rate))])
    same = [np.array_equal(frame[1], result[i][1]) for i, frame in enumerate(before[: round(3 * rate)])]
    assert all(same)
    assert all(
        np.array_equal(one[1], two[1]) for one, two in zip(before[::-1], result[::-1][: round(3 * rate)], strict=False)
    )


@pytest.mark.parametrize("kind", Kind)
def test_a_splice_is_the_same_every_time(kind: Kind) -> None:
    one, two = ([pixels for _, pixels in spliced(video(), kind, at_s=2, lasting_s=1)] for _ in range(2))
    assert all(np.array_equal(left, right) for left, right in zip(one, two, strict=True))


@pytest.mark.parametrize("kind", Kind)
def test_sizes_stay(kind: Kind) -> None:
    shown = DISTURBANCES[kind](picture(0), np.random.default_rng(0))
    assert (shown.shape, shown.dtype) == ((40, 60, 3), np.uint8)


def test_only_a_freeze_stands_still() -> None:
    for kind in Kind:
        during = [pixels for time_s, pixels in spliced(video(), kind, at_s=3, lasting_s=4) if 3 <= time_s < 7]
        still = all(np.array_equal(pixels, during[0]) for pixels in during)
        assert still == (kind is Kind.FREEZE)


@pytest.mark.parametrize("at_s", [0, 99], ids=["before the second frame: after the first", "past the end: nowhere"])
def test_the_ends_of_the_video(at_s: float) -> None:
    result = list(spliced(video(), Kind.BLACK, at_s=at_s, lasting_s=2))
    assert len(result) == (80 if at_s == 0 else 60)
    assert np.array_equal(result[0][1], picture(0))
