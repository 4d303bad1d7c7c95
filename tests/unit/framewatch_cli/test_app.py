"""The command line against a fake server: what it prints, and its exit codes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import grpc
import numpy as np
import pytest
from anyio.from_thread import start_blocking_portal

from framewatch_cli.app import run
from tests.unit.framewatch_client.fake_server import FakeService, LossyService, fault, start

LABELS = ["--label", "a box", "--label", "an empty belt"]
NO_TIMINGS = {"decode": "0s", "queue": "0s", "inference": "0s", "batch_size": 0}


@pytest.fixture
def server(thread_address: str) -> list[str]:
    return ["--server", thread_address]


@pytest.fixture
def folder(tmp_path: Path, picture: np.ndarray) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index in range(3):
        cv2.imwrite(str(folder / f"{index}.png"), picture)
    return folder


def test_classify(
    server: list[str], picture_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")  # the picture's path is long, and must not be broken into lines
    assert run(["classify", str(picture_file), str(picture_file), *LABELS, *server]) == 0
    out, err = capsys.readouterr()
    assert out.count("picture.png") == 2
    assert out.index("a box") < out.index("an empty belt")
    assert "0.5000" in out
    assert err == ""


def test_classify_json(server: list[str], picture_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["classify", str(picture_file), *LABELS, "--top", "1", "--json", *server]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {
        "scores": [{"label": "a box", "probability": 0.5, "similarity": 0.0}],
        "model": "fake",
        "timings": NO_TIMINGS,
        "warnings": [],
        "weights_digest": "",
    }


def test_classify_goes_on_after_a_bad_image(
    server: list[str], picture_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["classify", "missing.png", str(picture_file), *LABELS, *server]) == 1
    out, err = capsys.readouterr()
    assert "0.5000" in out
    assert err == "missing.png: there is no such image file\n"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], None),
        (["--no-template"], []),
        (["--template", "a {label}", "--template", "the {label}"], ["a {label}", "the {label}"]),
    ],
    ids=["default", "none", "two"],
)
def test_templates(
    server: list[str], service: FakeService, picture_file: Path, options: list[str], expected: list[str] | None
) -> None:
    assert run(["classify", str(picture_file), *LABELS, *options, *server]) == 0
    label_set = service.calls[0].label_set  # type: ignore[union-attr]
    assert (list(label_set.templates.templates) if label_set.HasField("templates") else None) == expected


def test_similarity(server: list[str], picture_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["similarity", str(picture_file), str(picture_file), str(picture_file), *server]) == 0
    assert capsys.readouterr().out.count("0.2500") == 2
    assert run(["similarity", str(picture_file), str(picture_file), "--json", *server]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "similarities": [0.25],
        "model": "fake",
        "timings": NO_TIMINGS,
    }


def test_similarity_of_several_with_several(
    server: list[str], picture_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["similarity", *[str(picture_file)] * 4, "--query", str(picture_file), *server]
    assert run(arguments) == 0
    out = capsys.readouterr().out
    # the fake server's cosines count up by an eighth: first all of the first query, then those of the second
    last = next(line for line in out.splitlines() if "★" in line)
    assert last.split()[-4:] == ["0.2500", "★", "0.6250", "★"]
    assert run([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["similarities"] == [0, 0.125, 0.25, 0.375, 0.5, 0.625]


def test_watch_in_plain_lines(
    server: list[str], service: FakeService, make_video: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["watch", str(make_video(10, 10.0)), *LABELS, "--fps", "5", *server]) == 0
    out, _ = capsys.readouterr()
    assert "5 sent, 5 scored, 0 dropped, 0 failed" in out
    assert "\x1b" not in out
    assert [frame.frame_id for frame in service.frames] == [0, 2, 4, 6, 8]
    (config,) = service.configs
    assert [rule.label for rule in config.rules] == ["a box", "an empty belt"]
    rule = config.rules[0]
    assert (rule.enter_at, rule.exit_below) == (pytest.approx(0.8), 0.5)
    assert (rule.min_present.ToMilliseconds(), rule.min_absent.ToMilliseconds()) == (300, 300)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--no-rules"], []),
        (["--rule", "a box:0.9:0.4"], ["a box"]),
        (["--background", "a blank wall"], ["a box", "an empty belt"]),
        (["--background", "a blank wall", "--rule", "a blank wall:0.5"], ["a blank wall"]),
    ],
    ids=["none", "its own", "none for the background", "one for the background"],
)
def test_watch_rules(
    server: list[str], service: FakeService, folder: Path, options: list[str], expected: list[str]
) -> None:
    assert run(["watch", str(folder), *LABELS, *options, *server]) == 0
    (config,) = service.configs
    assert [rule.label for rule in config.rules] == expected
    background = ["a blank wall"] if "--background" in options else []
    assert [label.name for label in config.label_set.labels] == ["a box", "an empty belt", *background]


def test_watch_json(server: list[str], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["watch", str(folder / "*.png"), *LABELS, "--json", "--max-frames", "2", *server]) == 0
    out, err = capsys.readouterr()
    started, first, second = map(json.loads, out.splitlines())
    assert started["started"]["useful_short_side"] == 16
    assert first["result"]["frame_id"] == "0"
    assert second["result"]["time_offset"] == "1s"
    assert second["result"]["scores"]["regions"][0]["scores"][1] == {
        "label": "an empty belt",
        "probability": 0.25,
        "similarity": 0.0,
    }
    assert "2 sent, 2 scored" in err


def test_watch_prints_a_broken_image_and_goes_on(
    server: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "1.png").write_bytes(b"broken")
    assert run(["watch", str(folder), *LABELS, *server]) == 1
    out, _ = capsys.readouterr()
    assert "FAILED  frame 1: the bytes are broken [UNDECODABLE_IMAGE]" in out
    assert "3 sent, 2 scored, 0 dropped, 1 failed" in out


def test_watch_ends_with_the_servers_error(
    server: list[str], service: FakeService, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service.fail_after = 1
    service.fault = fault(grpc.StatusCode.ABORTED, "STREAM_TAKEN_OVER", "another stream has taken over")
    assert run(["watch", str(folder), *LABELS, *server]) == 1
    out, err = capsys.readouterr()
    assert "1 scored" in out
    assert err == "error: another stream has taken over [STREAM_TAKEN_OVER]\n"


def watch_with_a_loss(folder: Path, *options: str, resumed: bool) -> None:
    """Watches three pictures; the connection is lost after the first one's result."""
    service = LossyService()
    service.resumed = resumed
    service.losses = [(1, fault(grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING", "the server is draining"))]
    with start_blocking_portal() as portal:
        running, address = portal.call(start, service)
        assert run(["watch", str(folder), *LABELS, "--server", address, *options]) == 0
        portal.call(running.stop, None)


@pytest.mark.parametrize(
    ("resumed", "state"),
    [(True, "rules go on where they were"), (False, "the server has lost the stream's state, and rules start anew")],
    ids=["goes on", "anew"],
)
def test_watch_prints_when_the_connection_was_lost(
    folder: Path, capsys: pytest.CaptureFixture[str], resumed: bool, state: str
) -> None:
    watch_with_a_loss(folder, resumed=resumed)
    out, err = capsys.readouterr()
    assert "3 sent, 3 scored" in out
    assert re.search(rf"^RECONNECTED after \d\.\d s: {state}  \(the server is draining\)$", out, re.MULTILINE)
    assert err == ""


@pytest.mark.parametrize("resumed", [True, False])
def test_watch_json_has_each_start_of_the_stream(
    folder: Path, capsys: pytest.CaptureFixture[str], resumed: bool
) -> None:
    watch_with_a_loss(folder, "--json", resumed=resumed)
    out, err = capsys.readouterr()
    messages = [json.loads(line) for line in out.splitlines()]
    assert [next(iter(message)) for message in messages] == ["started", "result", "started", "result", "result"]
    assert [message["started"]["resumed"] for message in messages if "started" in message] == [False, resumed]
    assert "RECONNECTED after" in err


@pytest.mark.parametrize(
    ("arguments", "expected", "match"),
    [
        (["classify", "a.png"], 2, "--label"),
        (["classify", *LABELS], 2, "no image was given"),
        (["classify", "a.png", "--label", "a", "--label", "a"], 2, "labels[1].name) [INVALID_LABEL_SET]"),
        (["classify", "a.png", *LABELS, "--top", "-1"], 2, "--top"),
        (["similarity", "a.png"], 2, "nothing to compare with"),
        (["similarity", "missing-1.png", "missing-2.png"], 1, "missing-1.png"),
        (["watch", "missing.mp4", *LABELS], 1, "there is no missing.mp4"),
        (["watch", "v.mp4", *LABELS, "--rule", "a box"], 2, "'a box' can't be read"),
        (["watch", "v.mp4", *LABELS, "--rule", "a fish:0.5"], 2, "rules[0].label) [INVALID_RULE]"),
        (["watch", "v.mp4", *LABELS, "--fps", "0"], 2, "--fps"),
        (["watch", "v.mp4", *LABELS, "--quality", "101"], 2, "--quality"),
        (["watch", "v.mp4", *LABELS, "--change-threshold", "1.5"], 2, "--change-threshold"),
        (["watch", "v.mp4", *LABELS, "--overflow", "explode"], 2, "explode"),
        (["watch", "v.mp4", *LABELS, "--nonsense"], 2, "--nonsense"),
        (["explode"], 2, "explode"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_faults_are_one_sentence(
    arguments: list[str], expected: int, match: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*arguments]) == expected
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert match in err
    assert "Traceback" not in err


def test_no_server(picture_file: Path, make_video: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["classify", str(picture_file), *LABELS, "--server", "127.0.0.1:1"]) == 3
    assert run(["watch", str(make_video(2, 10.0)), *LABELS, "--server", "127.0.0.1:1"]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("no framewatch server answers at 127.0.0.1:1") == 2


def test_server_from_the_environment(thread_address: str, picture_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEWATCH_SERVER", thread_address)
    assert run(["classify", str(picture_file), *LABELS]) == 0


def command(*arguments: str, server: str) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "framewatch_cli", *arguments, "--server", server],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_closed_pipe_ends_quietly(thread_address: str, make_video: Callable[..., Path]) -> None:
    with command("watch", str(make_video(300, 10.0)), *LABELS, "--json", server=thread_address) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_ctrl_c_ends_with_a_summary(thread_address: str, service: FakeService, make_video: Callable[..., Path]) -> None:
    service.hold = 1000  # no result comes: it waits for ever
    with command("watch", str(make_video(50, 10.0)), *LABELS, server=thread_address) as process:
        assert service.waiting.wait(60)
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate()
    assert "4 sent, 0 scored, 0 dropped, 0 failed, 4 without a result yet" in out
    assert err == ""
    assert process.returncode == 130
    assert service.ended.wait(10)
