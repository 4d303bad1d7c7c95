"""Short runs of the benchmarks: they end, count every frame and print figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from framewatch_bench.counted import CountedServer
from framewatch_bench.frames import JpegFrames, render_jpegs
from framewatch_bench.load.measure import bench_running
from framewatch_bench.load.simulation import LoadPlan
from framewatch_bench.options import BenchError
from framewatch_bench.towers.call import classifying
from tests.unit.framewatch_server.vision.towers.test_quantisation_images import write_pictures

COMMAND = [sys.executable, "-m", "framewatch_server", "bench"]


def run_bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *arguments, "--json"]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=400)


def bench(*arguments: str) -> list[dict[str, Any]]:
    done = run_bench(*arguments)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("live", "fps"), [("--no-live", None), ("--live", "200")], ids=["files", "live, faster than the server"]
)
def test_serve_counts_an_outcome_for_every_frame_of_every_camera(live: str, fps: str | None) -> None:
    pace = ["--fps", fps] if fps else []
    (row,) = bench("serve", "null", "--streams", "3", "--seconds", "1", "--size", "480p", live, *pace)
    assert row["scored/s"] > 0
    assert row["unanswered"] == row["failed"] == 0
    assert row["p99 ms"] >= row["p50 ms"] > 0
    assert row["CPU ms/frame"] > 0


def test_tower_compares_the_tower_with_a_matrix_product() -> None:
    rows = bench("tower", "demo", "--batches", "1", "--batches", "4", "--seconds", "0.1")
    assert [row["batch"] for row in rows] == [1, 4]
    assert all(row["pictures/s"] > 0 and 0 < row["share of GEMM"] < 1.5 for row in rows)


def test_cameras_tries_increasing_numbers_of_streams() -> None:
    rows = bench(
        "cameras", "demo", "--seconds", "0.5", "--p99-ms", "5000", "--fps", "1", "--size", "480p", "--most", "2"
    )
    assert [row["streams"] for row in rows] == [1, 2]


def test_logs_go_to_stderr_and_figures_to_stdout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nncf")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = write_pictures(tmp_path / "pictures", 32)
    options = ["--dtype", "int8", "--quantisation-images", str(folder), "--batches", "2", "--seconds", "0.1"]
    done = run_bench("tower", "demo", *options)
    assert done.returncode == 0, done.stderr
    assert "making int8" in done.stderr
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["batch"] == 2


@pytest.mark.parametrize("model", ["null", "demo"])
def test_call_compares_a_single_call_with_tower_and_decoding(model: str) -> None:
    (row,) = bench("call", model, "--rounds", "1", "--seconds", "0.1", "--size", "480p")
    assert min(row["call, ms"], row["bare tower, ms"], row["decode, ms"]) > 0
    assert row["beyond tower and decode, ms"] < row["call, ms"]
    assert min(row["server's decoding, ms"], row["outside of its engine, ms"]) > 0


def test_overhead_splits_cpu_time_by_threads() -> None:
    rows = bench("overhead", "--streams", "4", "--fps", "40", "--rounds", "1", "--seconds", "1", "--size", "480p")
    alone, ours = rows
    assert [row["CPU per frame, us"] for row in rows] == ["gRPC alone", "framewatch, null"]
    assert alone["decoding"] == alone["device"] == 0
    assert alone["event loop and gRPC"] > 0
    assert ours["decoding"] > 0
    assert ours["beside decoding"] == pytest.approx(ours["device"] + ours["event loop and gRPC"])


def test_check_measures_promises_and_exits_with_1_if_one_is_broken() -> None:
    options = ["--held", "3", "--streams", "2", "--seconds", "0.5", "--size", "480p", "--attacks", "garbage"]
    done = run_bench("check", "demo", *options)
    rows = {row["promise"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert len(rows) == 15, done.stderr
    assert rows["hostile files: peak, MB more"]["kept"]
    assert rows["64 regions at 48 MP: peak, of max_decoded_bytes"]["kept"]
    assert rows["4 × overload, frames without an outcome"]["kept"]
    assert rows["4 × overload, frames that failed"]["kept"]
    assert rows["throughput, of the bare tower's"]["measured"] > 0
    assert done.returncode == (0 if all(row["kept"] for row in rows.values()) else 1)


def test_compare_measures_the_server_and_its_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    done = run_bench("compare", "demo", "--rounds", "1", "--seconds", "0.1", "--size", "480p", "--streams", "2")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row[""] for row in rows] == [
        "framewatch, 2 streams",
        "framewatch, one call at a time",
        "bare tower, batches of 16",
        "transformers, batches of 8",
        "transformers, one by one",
    ]
    assert all(row["frames/s"] > 0 for row in rows)
    assert "infinity is not installed" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["tower", "null"], "no tower", id="tower of the null model"),
        pytest.param(["compare", "null"], "no tower", id="peers of the null model"),
        pytest.param(["check", "demo", "--attacks", "love"], "one of hostile files", id="unknown attack"),
        pytest.param(["compare", "demo", "--infinity", "elsewhere"], "no such file", id="missing peer"),
    ],
)
def test_an_impossible_measurement_is_refused(arguments: list[str], words: str) -> None:
    done = run_bench(*arguments)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


@pytest.mark.parametrize(
    "started_by",
    [pytest.param([], id="in the foreground"), pytest.param(["sh", "-c", "trap '' INT; exec \"$@\"", "sh"], id="by &")],
)
def test_a_benchmark_that_is_stopped_stops_its_server(started_by: list[str]) -> None:
    bench = [*COMMAND, "cameras", "null", "--seconds", "0.2", "--fps", "1", "--size", "480p", "--p99-ms", "9999"]
    command = [*started_by, *bench]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as bench_process:
        assert bench_process.stderr is not None
        assert "cameras" in bench_process.stderr.readline(), "the server runs"
        servers = psutil.Process(bench_process.pid).children()
        bench_process.terminate()
        bench_process.communicate()
    assert servers
    assert not psutil.wait_procs(servers, timeout=60)[1]
    assert bench_process.returncode == 128 + 15


class Repeating(JpegFrames):
    """Frames that all have the same pixels."""

    def __init__(self) -> None:
        self._file = render_jpegs("480p", 1).new()

    def new(self) -> bytes:
        return self._file


def test_a_measurement_of_a_cache_is_refused() -> None:
    frames = Repeating()
    with CountedServer("--model", "null") as server:
        with (
            classifying(server.address, frames) as calls,
            pytest.raises(BenchError, match="the model ran for 1 of 5 scored pictures"),
            server.running_for_each(lambda: calls.count),
        ):
            for _ in range(5):
                calls.prepare()
                calls.send()
        with pytest.raises(BenchError, match=r"the model ran for \d+ of \d+ scored pictures"):
            bench_running(server, LoadPlan(1, None, seconds=0.2, warmup_s=0.2), frames)
