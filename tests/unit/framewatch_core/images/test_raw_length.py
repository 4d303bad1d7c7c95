"""Advice on raw pixels that are too many or too few."""

from __future__ import annotations

import pytest

from framewatch_core.images.raw_length import advise


@pytest.mark.parametrize(
    ("size", "stride", "plane_rows", "expected"),
    [
        pytest.param(1920 * 1080 * 4, 5760, 1080, "BGRA32", id="four bytes a pixel"),
        pytest.param(1920 * 1080, 1920, 1620, "GRAY8", id="one byte a pixel"),
        pytest.param(1920 * 1088 * 3 // 2, 1920, 1620, "1088 rows", id="NV12 of a decoder"),
        pytest.param(5760 * 1088, 5760, 1080, "1088 rows", id="RGB of a decoder"),
        pytest.param(2048 * 1620, 1920, 1620, "rows of 2,048 bytes", id="rows with padding"),
        pytest.param(1920 * 1080 + 1920, 1920, 1080, "1081 rows", id="a row too many"),
        pytest.param(1920 * 1080 * 9 + 1, 1920, 1080, "alone", id="anything else"),
        pytest.param(1920 * 900 + 7, 1920, 1080, "alone", id="too few"),
    ],
)
def test_the_likeliest_cause_is_named(size: int, stride: int, plane_rows: int, expected: str) -> None:
    assert expected in advise(size, width=1920, height=1080, stride=stride, plane_rows=plane_rows)
