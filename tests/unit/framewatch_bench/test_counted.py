"""The model's runs, counted by the server itself."""

from __future__ import annotations

import pytest

from framewatch_bench.counted import require_runs
from framewatch_bench.options import BenchError


def test_as_many_runs_as_scored_pictures_pass() -> None:
    require_runs(embedded=4, scored=4)
    require_runs(embedded=5, scored=4)


def test_scores_without_a_run_are_reported() -> None:
    with pytest.raises(BenchError, match="ran for 3 of 4 scored pictures"):
        require_runs(embedded=3, scored=4)
