"""`framewatch calibrate`, `evaluate`, `watch` and `replay`: rules from a recording with known intervals."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from framewatch_bench.demo.belt import render_belt_video
from framewatch_bench.demo.run import write_video
from framewatch_bench.spawn import ServerProcess
from framewatch_cli.app import run
from tests.paths import SHARED_DATA

TRUTH = SHARED_DATA / "ground_truth.json"


@dataclass(frozen=True)
class Belt:
    """A rendered video of boxes on a belt, and its ground truth as a file and as that file's entry."""

    video: Path
    truth: Path
    entry: dict[str, Any]

    @property
    def first_passage(self) -> list[str]:
        """Options with the known interval of its first box."""
        (first, last), (following, _), *_ = self.entry["present"]["full"]
        fps = self.entry["fps"]
        until_s = (last + following) / 2 / fps
        return ["--present", f"{first / fps}-{(last + 1) / fps}", "--until", str(until_s)]


@pytest.fixture(scope="module")
def belt(tmp_path_factory: pytest.TempPathFactory) -> Belt:
    folder = tmp_path_factory.mktemp("belt")
    rendered = render_belt_video(3, seconds=18.0, width=320, height=180)
    write_video(folder / "belt.mp4", rendered)
    entry = {
        "fps": rendered.fps,
        "frames": rendered.frame_count,
        "tolerance_frames": 8,
        "regions": {"full": [0.0, 0.0, 1.0, 1.0]},
        "present": {"full": [list(span) for span in rendered.present]},
    }
    (folder / "truth.json").write_text(json.dumps({"belt.mp4": entry}))
    return Belt(folder / "belt.mp4", folder / "truth.json", entry)


def test_rules_from_the_first_box_find_the_others(
    server: ServerProcess, belt: Belt, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules, scores, plot = tmp_path / "rules.yaml", tmp_path / "scores.jsonl", tmp_path / "plot.png"
    address = ["--server", server.address]
    labels = ["--label", "a cardboard box", "--label", "an empty conveyor belt"]
    out = ["--out", str(rules), "--scores", str(scores), "--plot", str(plot)]
    assert run(["calibrate", str(belt.video), *labels, *belt.first_passage, *out, *address]) == 0
    assert "1 of 1" in capsys.readouterr().out
    assert plot.stat().st_size > 10_000

    compared = ["--truth", str(belt.truth), "--rules", str(rules)]
    assert run(["evaluate", str(belt.video), *compared, *address]) == 0, capsys.readouterr().out
    capsys.readouterr()
    assert run(["evaluate", str(belt.video), *compared, "--fps", "5", "--json", *address]) == 0
    assert json.loads(capsys.readouterr().out)["recall"]["value"] == 1.0

    assert run(["watch", str(belt.video), "--rules", str(rules), "--json", *address]) == 0
    watched = capsys.readouterr().out
    scores.write_text(watched)
    assert run(["replay", str(scores), "--rules", str(rules), "--json"]) == 0
    replayed = capsys.readouterr().out
    assert events_of(replayed) == events_of(watched), "the same events as the server's"
    assert len(events_of(watched)) >= 3


def events_of(lines: str) -> list[tuple[Any, ...]]:
    """Returns kinds, rules and times of events, without their ids."""
    events = [json.loads(line).get("event") for line in lines.splitlines()]
    keys = ("kind", "rule_id", "frame_id", "began_frame_id", "time_offset", "began_time_offset", "present_duration")
    return [tuple(event.get(key) for key in keys) for event in events if event]


def test_watch_explains_why_no_event_was_emitted(
    server: ServerProcess, belt: Belt, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--label", "a dog", "--label", "an empty conveyor belt", "--rule", "a dog:0.99", "--max-frames", "20"]
    assert run(["watch", str(belt.video), *options, "--explain", "--server", server.address]) == 0
    out = capsys.readouterr().out
    assert "a dog waits for ENTERED" in out
    assert "ENTERED needs at least 0.99" in " ".join(out.split())


def test_watch_prints_the_trail_of_an_event_in_a_region(
    server: ServerProcess, belt: Belt, capsys: pytest.CaptureFixture[str]
) -> None:
    (first, last), *_ = belt.entry["present"]["full"]
    middle_s = (first + last) / 2 / belt.entry["fps"]
    options = ["--example", f"box={belt.video}@{middle_s}s#all", "--counter-example", f"box={belt.video}@0.2s#all"]
    options += ["--region", "all=0,0,1,1", "--rule", "box:0.5:0.3:0.2:0.2", "--explain"]
    assert run(["watch", str(belt.video), *options, "--server", server.address]) == 0
    out = capsys.readouterr().out
    assert "ENTERED box in all" in out
    assert "enter at 0.5, exit below 0.3" in out


@dataclass(frozen=True)
class RealVideo:
    """Labels of a real video, and intervals of its beginning as a user would mark them."""

    name: str
    label: str
    background: str
    present: str
    until: str

    def regions(self) -> list[str]:
        regions = json.loads(TRUTH.read_text())[self.name]["regions"]
        return [f"{name}={','.join(map(str, extent))}" for name, extent in regions.items() if name != "full"]


PERSON = RealVideo("person.mp4", "person", "an empty room", "6.1s-20.2s,22.8s-45.1s", "46.4s")
BOTTLES = RealVideo("bottles.mp4", "bottle", "an empty table", "0s-6.87s,11.73s-13.4s", "13.4s")


@pytest.mark.skipif(not TRUTH.exists(), reason="the shared example videos are not there (../shared/data)")
@pytest.mark.parametrize(
    ("video", "fps"),
    [
        pytest.param(PERSON, [], id="person"),
        pytest.param(BOTTLES, [], id="bottles"),
        pytest.param(PERSON, ["--fps", "2"], id="person, 2 fps"),
    ],
)
def test_rules_from_the_beginning_of_a_real_video_fit_all_of_it(
    server: ServerProcess, tmp_path: Path, video: RealVideo, fps: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    source, rules = str(SHARED_DATA / video.name), str(tmp_path / "rules.yaml")
    options = ["--label", video.label, "--label", video.background, "--present", video.present, "--until", video.until]
    options += [part for region in video.regions() for part in ("--region", region)]
    assert run(["calibrate", source, *options, "--out", rules, "--server", server.address]) == 0
    capsys.readouterr()
    compared = ["--truth", str(TRUTH), "--rules", rules, *fps]
    assert run(["evaluate", source, *compared, "--server", server.address]) == 0, capsys.readouterr().out
