"""The condition on which a frame shows nothing new."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from framewatch_core.errors import InvalidRequest
from framewatch_core.stream.reuse import THUMBNAIL_SIDE, ReusePolicy, change


def grey(level: int, **cells: int) -> NDArray[np.uint8]:
    thumbnail = np.full((THUMBNAIL_SIDE, THUMBNAIL_SIDE), level, np.uint8)
    for name, value in cells.items():
        thumbnail.flat[int(name.removeprefix("at_"))] = value
    return thumbnail


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        pytest.param(grey(7), grey(7), 0.0, id="the same"),
        pytest.param(grey(0), grey(255), 1.0, id="black to white"),
        pytest.param(grey(255), grey(0), 1.0, id="white to black"),
        pytest.param(grey(100), grey(100, at_5=151), 0.2, id="one cell brighter"),
        pytest.param(grey(100), grey(100, at_5=49, at_900=120), 0.2, id="the cell that changed most"),
        pytest.param(grey(200), grey(10), 190 / 255, id="no wrap-around of uint8"),
    ],
)
def test_change(one: NDArray[np.uint8], other: NDArray[np.uint8], expected: float) -> None:
    assert change(one, other) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("policy", "level", "allowed"),
    [
        pytest.param(ReusePolicy(0.04), 110, True, id="10 of 255 is less than 0.04"),
        pytest.param(ReusePolicy(0.04), 111, False, id="11 of 255 is not"),
        pytest.param(ReusePolicy(0.2), 151, False, id="the threshold itself is a change"),
        pytest.param(ReusePolicy(0.0), 100, False, id="at 0 no thumbnail is alike enough"),
        pytest.param(ReusePolicy(1.0), 0, True, id="at 1 nearly everything is"),
    ],
)
def test_allows_change(policy: ReusePolicy, level: int, allowed: bool) -> None:
    assert policy.allows_change(grey(100), grey(level)) is allowed


@pytest.mark.parametrize(
    ("max_age_ns", "age_ns", "allowed"),
    [
        pytest.param(10, 0, True, id="at the same time"),
        pytest.param(10, 9, True, id="younger"),
        pytest.param(10, 10, False, id="as old"),
        pytest.param(10, -9, True, id="before the source frame in time"),
        pytest.param(10, -10, False, id="long before it"),
        pytest.param(0, 0, False, id="never"),
    ],
)
def test_allows_age(max_age_ns: int, age_ns: int, allowed: bool) -> None:
    assert ReusePolicy(max_age_ns=max_age_ns).allows_age(age_ns) is allowed


@pytest.mark.parametrize(
    ("policy", "compares"),
    [
        pytest.param(ReusePolicy(), False, id="default"),
        pytest.param(ReusePolicy(0.1), True, id="threshold"),
        pytest.param(ReusePolicy(0.1, 0), False, id="threshold, but never"),
    ],
)
def test_thumbnails_are_made_only_where_they_are_needed(policy: ReusePolicy, compares: bool) -> None:
    assert policy.compares is compares


@pytest.mark.parametrize(
    ("threshold", "max_age_ns", "field"),
    [
        pytest.param(-0.1, 1, "change_threshold", id="negative threshold"),
        pytest.param(1.1, 1, "change_threshold", id="threshold above 1"),
        pytest.param(float("nan"), 1, "change_threshold", id="no number"),
        pytest.param(0.1, -1, "max_age", id="negative age"),
    ],
)
def test_invalid(threshold: float, max_age_ns: int, field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ReusePolicy(threshold, max_age_ns)
    assert caught.value.field == field
