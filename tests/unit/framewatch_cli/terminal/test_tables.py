"""Times and bars as people see them."""

from __future__ import annotations

import pytest

from framewatch_cli.terminal.tables import bar, clock


@pytest.mark.parametrize(
    ("time_s", "expected"),
    [(0, "00:00.000"), (3.2, "00:03.200"), (59.9996, "01:00.000"), (3599.5, "59:59.500"), (3661.25, "1:01:01.250")],
)
def test_clock(time_s: float, expected: str) -> None:
    assert clock(time_s) == expected


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [(0.0, ""), (1.0, "████"), (0.5, "██"), (0.53125, "██▏"), (-0.2, ""), (1.7, "████")],
)
def test_bar(fraction: float, expected: str) -> None:
    assert bar(fraction, 4) == expected
