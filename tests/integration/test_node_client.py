"""The Node client's `classify` and `watch` against a real server."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from framewatch_bench.spawn import ServerProcess
from tests.integration.node_tools import NodeTools

DISC_FROM = 4
"""Number of the frame in which the disc of `scene` appears."""

LABELS = ("a red circle", "a blue square", "an empty scene")


Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def cli(node: NodeTools, server: ServerProcess) -> Cli:
    """Runs `framewatch-node` with --json."""

    def run(command: str, path: Path, *options: str, labels: tuple[str, ...] = LABELS) -> Any:
        flags = [flag for label in labels for flag in ("--label", label)]
        common = (*flags, "--server", server.address, "--json")
        return node.run(str(node.node), "dist/src/cli.js", command, str(path), *common, *options)

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve frames, numbered without leading zeros, of a place in which a disc grows."""
    for index in range(12):
        write(tmp_path / f"frame{index}.jpg", place(index, radius=2 * index))
    return tmp_path


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """Folders of pictures: `frames/` of a place whose left half gets a red disc; that half `with/` and `without/` it."""
    for folder in ("frames", "with", "without"):
        (tmp_path / folder).mkdir()
    for index in range(12):
        write(tmp_path / "frames" / f"{index}.jpg", place(index, radius=24 if index >= DISC_FROM else 0))
    for index in range(4):
        write(tmp_path / "with" / f"{index}.jpg", place(100 + index, radius=24)[:, :80])
        write(tmp_path / "without" / f"{index}.jpg", place(200 + index, radius=0)[:, :80])
    return tmp_path


def place(seed: int, *, radius: int) -> npt.NDArray[np.uint8]:
    """Returns a picture of a place with camera noise of a seed, and with a red disc if `radius` is more than 0."""
    layout = np.random.default_rng(1).integers(80, 176, (6, 8, 3)).astype(np.float32)
    still = cv2.resize(layout, (160, 96), interpolation=cv2.INTER_NEAREST)
    if radius:
        cv2.circle(still, (40, 48), radius, (0, 0, 255), cv2.FILLED)
    noisy = still + np.random.default_rng(seed).normal(0, 3, still.shape)
    return np.asarray(np.clip(noisy, 0, 255), dtype=np.uint8)


def write(path: Path, picture: npt.NDArray[np.uint8]) -> None:
    assert cv2.imwrite(str(path), picture)


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


def test_classify_limits_the_labels_and_uses_them_verbatim(cli: Cli, folder: Path) -> None:
    (templated,) = responses(cli("classify", folder / "frame9.jpg", "--top", "1"))
    (verbatim,) = responses(cli("classify", folder / "frame9.jpg", "--top", "1", "--no-template"))
    assert len(templated["scores"]) == len(verbatim["scores"]) == 1
    assert templated["scores"][0]["similarity"] != verbatim["scores"][0]["similarity"]


def test_watch_prints_one_result_per_frame_in_natural_order(cli: Cli, folder: Path) -> None:
    started, *results = responses(cli("watch", folder, "--fps", "4"))
    assert started["started"]["config_version"] == 1
    assert [result["result"]["frame_id"] for result in results] == [str(index) for index in range(12)]
    assert results[3]["result"]["time_offset"] == "0.750s"
    for result in results:
        assert_is_softmax(result["result"]["scores"]["regions"][0]["scores"])


def test_watch_prints_an_event_after_the_result_that_caused_it(cli: Cli, folder: Path) -> None:
    # One of two labels has a probability of at least 0.5, so one rule enters at the first frame with any model.
    labels = LABELS[:2]
    rules = [flag for label in labels for flag in ("--rule", f"{label}:0.5:0.5:0:0")]
    _, result, event, *_ = responses(cli("watch", folder, *rules, labels=labels))
    assert result["result"]["frame_id"] == "0"
    assert event["event"]["kind"] == "EVENT_KIND_ENTERED"
    assert event["event"]["frame_id"] == "0"
    assert event["event"]["score"] >= 0.5


def test_watch_continues_after_a_broken_picture(cli: Cli, folder: Path) -> None:
    (folder / "frame5.jpg").write_bytes(b"no picture")
    done = cli("watch", folder)
    results = [response["result"] for response in responses(done)[1:]]
    assert len(results) == 12
    assert [result["frame_id"] for result in results if "error" in result] == ["5"]
    assert results[5]["error"]["reason"] == "FRAME_ERROR_REASON_UNSUPPORTED_FORMAT"
    assert "12 frames: 11 scored, 0 dropped, 1 failed" in done.stderr


def flags(**values: str) -> list[str]:
    return [text for name, value in values.items() for text in (f"--{name.replace('_', '-')}", value)]


def test_watch_prints_presence_by_examples_in_regions_with_trail_and_explanation(cli: Cli, scene: Path) -> None:
    disc = LABELS[0]
    options = flags(
        region="left=0,0,0.5,1",
        example=f"{disc}={scene / 'with'}",
        counter_example=f"{disc}={scene / 'without'}",
        rule=f"{disc}:0.8:0.3:0:0",
        score="presence",
        trail="3",
        fps="4",
    )
    done = cli("watch", scene / "frames", *options, "--region", "right=0.5,0,0.5,1", "--explain")
    _, *messages, explanation = responses(done)

    results = [message["result"]["scores"]["regions"] for message in messages if "result" in message]
    assert len(results) == 12
    assert {tuple(region["region_id"] for region in regions) for regions in results} == {("left", "right")}
    presence = [score["presence"] for score in results[DISC_FROM][0]["scores"] if score["label"] == disc]
    assert presence == [pytest.approx(0.98, abs=0.1)]

    (event,) = (message["event"] for message in messages if "event" in message)
    assert (event["kind"], event["rule_id"], event["region_id"]) == ("EVENT_KIND_ENTERED", f"{disc} in left", "left")
    assert event["frame_id"] == str(DISC_FROM)
    assert event["score"] == presence[0]
    points = event["trail"]["points"]
    assert [point["frame_id"] for point in points] == [str(DISC_FROM - back) for back in (2, 1, 0)]
    assert points[-1]["score"] == presence[0]

    left, right = explanation["explanation"]["rules"]
    assert (left["region_id"], left["next_kind"]) == ("left", "EVENT_KIND_EXITED")
    assert (right["region_id"], right["next_kind"]) == ("right", "EVENT_KIND_ENTERED")
    assert right["held_back_by"] == "HELD_BACK_BY_THRESHOLD"
    assert right["nearest_score"] < 0.8
    assert right["message"]


def test_watch_prints_suspended_and_resumed_once_for_black_pictures(cli: Cli, scene: Path) -> None:
    for index in range(5, 9):
        write(scene / "frames" / f"{index}.jpg", np.zeros((96, 160, 3), np.uint8))
    done = cli("watch", scene / "frames", "--rule", f"{LABELS[0]}:0.999999")
    messages = responses(done)
    events = [message["health_event"] for message in messages if "health_event" in message]
    received = [(event["kind"], event["problem"], event["began_frame_id"], event["frame_id"]) for event in events]
    assert received == [
        ("HEALTH_EVENT_KIND_SUSPENDED", "HEALTH_PROBLEM_BLACK", "5", "6"),
        ("HEALTH_EVENT_KIND_RESUMED", "HEALTH_PROBLEM_NONE", "9", "10"),
    ]


RESUMING = """
import { readFileSync } from "node:fs";
import { fromJsonString, toJsonString } from "@bufbuild/protobuf";
import { FramewatchClient, ResumeSchema, ScoreKind } from "./dist/src/index.js";

const [address, scene, discFrom] = process.argv.slice(1);
const picture = (path) => readFileSync(`${scene}/${path}.jpg`);
const pictures = (folder) => [0, 1, 2, 3].map((index) => picture(`${folder}/${index}`));
const disc = { name: "disc", examples: pictures("with"), counterExamples: pictures("without") };
const options = {
  labels: [disc],
  regions: [{ id: "left", x: 0, y: 0, width: 0.5, height: 1 }],
  rules: [{ label: "disc", regionId: "left", scoreKind: ScoreKind.PRESENCE, enterAt: 0.8, minPresentS: 0, cooldownS: 1, smoothingS: 0.001 }],
  health: { disabled: true },
  onStarted: ({ resumed }) => received.push({ resumed }),
};
const received = [];
function* frames(first) {
  for (let index = first; index < 12; index += 1) yield { image: picture(`frames/${index}`), timeS: index / 4 };
}

const client = new FramewatchClient(address);
const lost = client.stream(frames(0), options);
// The loop ends before the event of this frame is read.
for await (const message of lost) if (message.frameId === BigInt(discFrom)) break;
const kept = toJsonString(ResumeSchema, lost.resumePoint());
const resume = fromJsonString(ResumeSchema, kept);
for await (const { $typeName, frameId } of client.stream(frames(Number(resume.lastFrameId) + 1), { ...options, resume })) {
  received.push({ type: $typeName, frame: Number(frameId) });
}
client.close();
console.log(JSON.stringify(received));
"""


def test_a_stream_takes_over_from_a_lost_one_and_no_event_is_lost(
    node: NodeTools, server: ServerProcess, scene: Path
) -> None:
    arguments = (server.address, str(scene), str(DISC_FROM))
    done = node.run(str(node.node), "--input-type=module", "--eval", RESUMING, *arguments)
    assert done.returncode == 0, done.stderr
    first, second, *rest = json.loads(done.stdout)
    assert (first, second) == ({"resumed": False}, {"resumed": True})
    entered = {"type": "framewatch.v1.Event", "frame": DISC_FROM}
    results = [{"type": "framewatch.v1.FrameResult", "frame": index} for index in range(DISC_FROM + 1, 12)]
    assert rest == [entered, *results]


@pytest.mark.parametrize(
    ("command", "path", "field"),
    [("classify", "frame0.jpg", "label_set.labels[1]"), ("watch", ".", "config.label_set.labels[1]")],
)
def test_a_wrong_field_is_reported_with_reason_and_path(
    cli: Cli, folder: Path, command: str, path: str, field: str
) -> None:
    done = cli(command, folder / path, labels=("a red circle", "a red circle"))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("INVALID_ARGUMENT: INVALID_LABEL_SET: ")
    assert f"\n  {field}" in done.stderr


@pytest.mark.parametrize(
    ("command", "path", "options"),
    [
        pytest.param("classify", "missing.jpg", (), id="missing file"),
        pytest.param("watch", "missing", (), id="missing folder"),
        pytest.param("watch", ".", ("--rule", "no numbers"), id="malformed rule"),
        pytest.param("watch", ".", ("--fps", "0"), id="frame rate of 0"),
        pytest.param("watch", ".", ("--region", "left"), id="malformed region"),
        pytest.param("watch", ".", ("--score", "luck"), id="unknown score"),
        pytest.param("watch", ".", ("--contrast", "a dog=a room"), id="contrast of an unknown label"),
        pytest.param("watch", ".", ("--example", f"{LABELS[0]}=missing.jpg"), id="missing example"),
        pytest.param("classify", "frame0.jpg", ("--region", "left=0,0,1,1"), id="regions are not for classify"),
        pytest.param("embed", "frame0.jpg", (), id="labels are not for embed"),
        pytest.param("paint", ".", (), id="unknown command"),
    ],
)
def test_wrong_usage_exits_with_2(cli: Cli, folder: Path, command: str, path: str, options: tuple[str, ...]) -> None:
    done = cli(command, folder / path, *options)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr
