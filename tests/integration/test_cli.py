"""`framewatch classify`, `similarity` and `watch` against a server process, exit codes, and `framewatch-server demo`."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import cv2
import pytest

from framewatch_bench.spawn import ServerProcess
from tests.integration.commands import run_client, run_server
from tests.integration.conftest import jpeg
from tests.paths import SHARED_DATA


@pytest.fixture
def photo(tmp_path: Path) -> str:
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg(1))
    return str(path)


def test_classify_prints_a_table(server: ServerProcess, photo: str) -> None:
    done = run_client("classify", photo, "--label", "a dog", "--label", "a cat", "--server", server.address)
    assert done.returncode == 0, done.stderr
    assert "a dog" in done.stdout
    assert "probability" in done.stdout


def test_classify_json_is_one_line_of_protobuf_json_per_image(server: ServerProcess, photo: str) -> None:
    done = run_client(
        "classify", photo, photo, "--label", "x", "--label", "y", "--top", "1", "--json", "--server", server.address
    )
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 2
    for answer in answers:
        (score,) = answer["scores"]
        assert score["label"] in {"x", "y"}
        assert "batch_size" in answer["timings"], "the .proto's field names"


def test_a_single_label_gets_a_warning_beside_its_answer(server: ServerProcess, photo: str) -> None:
    done = run_client("classify", photo, "--label", "a box", "--json", "--server", server.address)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    assert "with a single label" in done.stderr


def test_templates_change_the_scores(server: ServerProcess, photo: str) -> None:
    def similarity(*flags: str) -> float:
        done = run_client("classify", photo, "--label", "box", "--json", "--server", server.address, *flags)
        assert done.returncode == 0, done.stderr
        return float(json.loads(done.stdout)["scores"][0]["similarity"])

    assert len({similarity(), similarity("--no-template"), similarity("--template", "{label} at night")}) == 3


def test_similarity_json_has_a_cosine_per_candidate(server: ServerProcess, photo: str) -> None:
    done = run_client("similarity", photo, photo, photo, "--json", "--server", server.address)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["similarities"] == pytest.approx([1, 1], abs=1e-3)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(["classify", "{photo}", "--label", "a", "--label", "a"], 2, "unique", id="bad labels"),
        pytest.param(["classify", "{photo}"], 2, "--label", id="no label"),
        pytest.param(["classify", "no-such.jpg", "--label", "a"], 1, "no-such.jpg", id="missing file"),
        pytest.param(["classify", "{photo}", "--label", "a", "--model", "x"], 1, "demo", id="unknown model"),
        pytest.param(["watch", "no-such.mp4", "--label", "a"], 1, "no-such.mp4", id="missing source"),
        pytest.param(["watch", "{photo}", "--label", "a", "--rule", "a:2"], 2, "2", id="bad rule"),
        pytest.param(
            ["classify", "{photo}", "--label", "a", "--server", "127.0.0.1:1"],
            3,
            "127.0.0.1:1",
            id="unreachable server",
        ),
    ],
)
def test_a_failed_command_exits_with_the_code_of_its_cause(
    server: ServerProcess, photo: str, arguments: list[str], code: int, words: str
) -> None:
    chosen = [argument.replace("{photo}", photo) for argument in arguments]
    if "--server" not in chosen:
        chosen += ["--server", server.address]
    done = run_client(*chosen)
    assert done.returncode == code, done.stdout + done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


WATCHED = {
    "person.mp4": ("a person", "an empty room"),
    "bottles.mp4": ("a bottle", "an empty table"),
}


@pytest.mark.parametrize("video", WATCHED)
def test_watch_prints_one_outcome_per_frame_of_a_real_video(server: ServerProcess, video: str) -> None:
    source = SHARED_DATA / video
    if not source.is_file():
        pytest.skip("the shared example videos are not there (../shared/data)")
    capture = cv2.VideoCapture(str(source))
    frame_count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    capture.release()
    thing, nothing = WATCHED[video]
    done = run_client("watch", str(source), "--label", thing, "--label", nothing, "--json", "--server", server.address)
    assert done.returncode == 0, done.stderr
    responses: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    results = [response["result"] for response in responses if "result" in response]
    assert [int(result["frame_id"]) for result in results] == list(range(frame_count))
    assert all("scores" in result for result in results)
    kinds: dict[str, list[str]] = defaultdict(list)
    for response in responses:
        if "event" in response:
            kinds[response["event"]["rule_id"]].append(response["event"]["kind"])
    for emitted in kinds.values():
        assert emitted == (["EVENT_KIND_ENTERED", "EVENT_KIND_EXITED"] * len(emitted))[: len(emitted)], "they alternate"


def test_watch_prints_one_outcome_per_file_of_a_folder_in_natural_order(server: ServerProcess, tmp_path: Path) -> None:
    for i in range(12):
        (tmp_path / f"frame{i}.jpg").write_bytes(jpeg(i) if i != 5 else b"junk")
    done = run_client(
        "watch", str(tmp_path), "--label", "a", "--label", "b", "--fps", "4", "--json", "--server", server.address
    )
    results = [json.loads(line)["result"] for line in done.stdout.splitlines() if "result" in line]
    assert [int(result["frame_id"]) for result in results] == list(range(12)), "in natural order"
    assert [result["time_offset"] for result in results[:3]] == ["0s", "0.250s", "0.500s"]
    assert [result["frame_id"] for result in results if "error" in result] == ["5"]
    assert done.returncode == 1, "a frame failed"


def test_the_demo_checks_its_results_and_writes_video_and_plot(tmp_path: Path) -> None:
    done = run_server("demo", "--out", str(tmp_path / "out"), COLUMNS="100", NO_COLOR="1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "right:" in done.stdout
    annotated = cv2.VideoCapture(str(tmp_path / "out" / "annotated.mp4"))
    assert annotated.get(cv2.CAP_PROP_FRAME_COUNT) == 240
    annotated.release()
    plot = cv2.imread(str(tmp_path / "out" / "scores.png"))
    assert plot is not None
    assert plot.std() > 10, "the plot is not blank"
