"""The benchmarks' short forms: they run, count every frame and print figures."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest


def bench(*arguments: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "framewatch_server", "bench", *arguments, "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=200)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(("live", "fps"), [("--no-live", None), ("--live", "200")], ids=["files", "live, too fast"])
def test_every_frame_of_every_camera_has_an_outcome(live: str, fps: str | None) -> None:
    pace = ["--fps", fps] if fps else []
    (row,) = bench("serve", "null", "--streams", "3", "--seconds", "1", "--size", "480p", live, *pace)
    assert row["scored/s"] > 0
    assert row["unanswered"] == row["failed"] == 0
    assert row["p99 ms"] >= row["p50 ms"] > 0
    assert row["CPU ms/frame"] > 0


def test_the_tower_is_measured_beside_a_matrix_product() -> None:
    rows = bench("tower", "demo", "--batches", "1", "--batches", "4", "--seconds", "0.1")
    assert [row["batch"] for row in rows] == [1, 4]
    assert all(row["pictures/s"] > 0 and 0 < row["share of GEMM"] < 1.5 for row in rows)


def test_cameras_are_counted() -> None:
    rows = bench(
        "cameras", "demo", "--seconds", "0.5", "--p99-ms", "5000", "--fps", "1", "--size", "480p", "--most", "2"
    )
    assert [row["streams"] for row in rows] == [1, 2]
