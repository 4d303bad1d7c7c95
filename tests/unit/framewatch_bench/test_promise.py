"""Promises that are kept, and broken ones."""

from __future__ import annotations

import pytest

from framewatch_bench.promise import Promise


@pytest.mark.parametrize(
    ("promise", "kept"),
    [
        pytest.param(Promise("MB", 199.0, 200), True, id="below the most allowed"),
        pytest.param(Promise("MB", 200.0, 200), True, id="the most allowed"),
        pytest.param(Promise("MB", 200.1, 200), False, id="above it"),
        pytest.param(Promise("share", 0.86, 0.85, is_least=True), True, id="above the least"),
        pytest.param(Promise("share", 0.84, 0.85, is_least=True), False, id="below the least"),
        pytest.param(Promise("ms", float("nan"), 3), False, id="nothing measured"),
        pytest.param(Promise("share", float("nan"), 0.85, is_least=True), False, id="no share measured"),
    ],
)
def test_kept(promise: Promise, kept: bool) -> None:
    assert promise.is_kept is kept
