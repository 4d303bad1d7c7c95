"""Choice of frames, and their times."""

from __future__ import annotations

import pytest

from framewatch_client._sources.timing import FALLBACK_FPS, FrameClock, Thinner


@pytest.mark.parametrize(
    ("source_fps", "fps", "expected"),
    [
        (10.0, None, list(range(30))),
        (10.0, 10.0, list(range(30))),
        (10.0, 50.0, list(range(30))),
        (10.0, 5.0, list(range(0, 30, 2))),
        (25.0, 10.0, [0, 3, 5, 8, 10, 13, 15, 18, 20, 23, 25, 28]),
        (30.0, 20.0, [0, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18, 20, 21, 23, 24, 26, 27, 29]),
        (10.0, 0.5, [0, 20]),
    ],
    ids=["all", "same", "more than there are", "half", "no whole ratio", "two of three", "one in two seconds"],
)
def test_thinner(source_fps: float, fps: float | None, expected: list[int]) -> None:
    thinner = Thinner(fps)
    assert [index for index in range(30) if thinner.takes(index / source_fps)] == expected
    assert Thinner(fps).picked_count(30, source_fps) == len(expected)


def test_thinner_does_not_drift_in_an_hour() -> None:
    thinner = Thinner(10.0)
    picked = [index / 29.97 for index in range(round(3600 * 29.97)) if thinner.takes(index / 29.97)]
    assert len(picked) == 36_000


def test_thinner_begins_with_the_first_frame_and_takes_gaps_as_they_are() -> None:
    thinner = Thinner(1.0)
    times = [7.3, 7.4, 8.2, 8.35, 12.0, 12.1, 12.4, 13.4]
    assert [time for time in times if thinner.takes(time)] == [7.3, 8.35, 12.0, 12.4, 13.4]


@pytest.mark.parametrize(
    ("fps", "positions", "expected"),
    [
        (10.0, [0.0, 0.1, 0.2], [0.0, 0.1, 0.2]),
        (10.0, [0.0, 0.0, 0.0], [0.0, 0.1, 0.2]),
        (10.0, [0.2, 0.3, 0.4], [0.0, 0.1, 0.2]),
        (10.0, [0.0, 0.101, 0.199], [0.0, 0.1, 0.2]),
        (10.0, [0.0, 0.5, 0.6], [0.0, 0.5, 0.6]),
        (10.0, [0.0, 0.5, 0.05], [0.0, 0.5, 0.5]),
        (0.0, [0.0, 0.0], [0.0, 1 / FALLBACK_FPS]),
        (float("nan"), [0.0, 0.0], [0.0, 1 / FALLBACK_FPS]),
    ],
    ids=["constant", "no positions", "begins late", "rounded", "variable", "never back", "no rate", "broken rate"],
)
def test_frame_clock(fps: float, positions: list[float], expected: list[float]) -> None:
    clock = FrameClock(fps)
    assert [clock.time_s(index, position) for index, position in enumerate(positions)] == pytest.approx(expected)
