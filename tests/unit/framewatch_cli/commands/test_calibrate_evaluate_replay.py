"""The commands with rules files, regions, examples and recorded scores."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_cli.app import run
from framewatch_wire.json_lines import response_json
from tests.unit.framewatch_cli.rules.recordings import PRESENT, recording, result
from tests.unit.framewatch_client.fake_server import FakeService

RULES = """
version: 1
model: small
labels:
  - {name: box, examples: [with.png], counter_examples: [without.png], contrast_prompts: [an empty belt]}
  - name: belt
regions:
  left: [0, 0, 0.5, 1]
rules:
  - {id: box left, label: box, region: left, score: presence, enter_at: 0.5, exit_below: 0.2, min_present_s: 0.2}
health:
  ignored: [blurred]
"""
TRUTH = {
    "scores.jsonl": {
        "fps": 10,
        "frames": 130,
        "tolerance_frames": 5,
        "regions": {"full": [0, 0, 1, 1]},
        "present": {"full": [[20, 49], [70, 109]]},
    }
}


@pytest.fixture
def server(thread_address: str) -> list[str]:
    return ["--server", thread_address]


@pytest.fixture
def rules(tmp_path: Path, picture: np.ndarray) -> Path:
    for name in ("with.png", "without.png"):
        cv2.imwrite(str(tmp_path / name), picture)
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return path


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    path = tmp_path / "scores.jsonl"
    path.write_text("".join(response_json(result(frame)) + "\n" for frame in recording().frames))
    return path


@pytest.fixture
def whole_frame_rules(tmp_path: Path) -> Path:
    path = tmp_path / "whole.yaml"
    path.write_text(
        "version: 1\nlabels: [{name: box}]\n"
        "rules: [{label: box, score: presence, enter_at: 0.5, exit_below: 0.2, min_present_s: 0.2, min_absent_s: 0}]\n"
    )
    return path


def test_watch_takes_all_from_a_rules_file(
    server: list[str], service: FakeService, make_video: Callable[..., Path], rules: Path
) -> None:
    assert run(["watch", str(make_video(3, 10.0)), "--rules", str(rules), *server]) == 0
    (config,) = service.configs
    assert config.model == "small"
    box = config.label_set.labels[0]
    assert (len(box.examples), len(box.counter_examples)) == (1, 1)
    assert list(box.contrast_prompts) == ["an empty belt"]
    assert [region.id for region in config.regions] == ["left"]
    (rule,) = config.rules
    assert (rule.id, rule.region_id, rule.score_kind, rule.trail_count) == (
        "box left",
        "left",
        pb.SCORE_KIND_PRESENCE,
        0,
    )
    assert list(config.health.ignored) == [pb.HEALTH_PROBLEM_BLURRED]


def test_watch_with_regions_examples_and_contrast(
    server: list[str], service: FakeService, make_video: Callable[..., Path], picture_file: Path
) -> None:
    video = make_video(30, 10.0)
    options = ["--label", "belt", "--region", "left=0,0,0.5,1", "--region", "right=0.5,0,0.5,1"]
    options += ["--example", f"box={video}@1s,2s#left", "--counter-example", f"box={picture_file}"]
    options += ["--contrast", "dog=an empty yard", "--rule", "box:0.6:0.3", "--rule", "belt:0.9"]
    assert run(["watch", str(video), "--max-frames", "2", *options, *server]) == 0
    (config,) = service.configs
    assert [label.name for label in config.label_set.labels] == ["belt", "box", "dog"]
    box = config.label_set.labels[1]
    assert (len(box.examples), len(box.counter_examples)) == (2, 1)
    assert list(config.label_set.labels[2].contrast_prompts) == ["an empty yard"]
    assert [(rule.id, rule.region_id, rule.score_kind) for rule in config.rules] == [
        ("box left", "left", pb.SCORE_KIND_PRESENCE),
        ("box right", "right", pb.SCORE_KIND_PRESENCE),
        ("belt left", "left", pb.SCORE_KIND_PROBABILITY),
        ("belt right", "right", pb.SCORE_KIND_PROBABILITY),
    ]


def test_watch_compares_the_score_that_is_named(
    server: list[str], service: FakeService, make_video: Callable[..., Path]
) -> None:
    options = ["--label", "box", "--label", "belt", "--score", "similarity"]
    assert run(["watch", str(make_video(2, 10.0)), *options, *server]) == 0
    assert {rule.score_kind for rule in service.configs[0].rules} == {pb.SCORE_KIND_SIMILARITY}


def test_watch_explains(
    server: list[str],
    service: FakeService,
    make_video: Callable[..., Path],
    rules: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    service.explanation.rules.add(
        rule_id="box left", next_kind=pb.EVENT_KIND_ENTERED, message="It came to 0.3 at most."
    )
    service.extra = [_event_with_trail()]
    assert run(["watch", str(make_video(3, 10.0)), "--rules", str(rules), "--explain", *server]) == 0
    out, _ = capsys.readouterr()
    assert "▁▅█ 0.10 → 0.90 in 0.2 s; enter at 0.5, exit below 0.2; next: belt 0.20" in out
    assert "box left waits for ENTERED" in out
    assert out.index("3 sent") < out.index("It came to 0.3 at most.")
    assert service.configs.pop().rules[0].trail_count == 30
    assert run(["watch", str(make_video(3, 10.0)), "--rules", str(rules), "--explain", "--json", *server]) == 0
    assert "explanation" in json.loads(capsys.readouterr().out.splitlines()[-1])


def _event_with_trail() -> pb.StreamFramesResponse:
    event = pb.Event(kind=pb.EVENT_KIND_ENTERED, rule_id="box left", label="box", region_id="left", score=0.9)
    event.trail.enter_at, event.trail.exit_below = 0.5, 0.2
    for i, score in enumerate((0.1, 0.55, 0.9)):
        point = event.trail.points.add(frame_id=i, score=score, smoothed_score=score)
        point.time_offset.FromMilliseconds(100 * i)
    event.trail.runner_up.label, event.trail.runner_up.probability = "belt", 0.2
    return pb.StreamFramesResponse(event=event)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param([], "nothing to look for was given", id="nothing"),
        pytest.param(
            ["--rules", "{rules}", "--label", "x"], "--rules can't be given with --label", id="rules and label"
        ),
        pytest.param(["--rules", "{rules}", "--background", "x"], "with --background", id="rules and background"),
        pytest.param(["--rules", "{rules}", "--region", "a=0,0,1,1"], "with --region", id="rules and region"),
        pytest.param(["--label", "x", "--region", "a=0,0,2,1"], "ends outside the frame", id="a region outside"),
        pytest.param(["--label", "x", "--contrast", "x"], "LABEL=PROMPT", id="no contrast"),
        pytest.param(["--label", "x", "--example", "x={png}"], "no counter_examples", id="examples alone"),
        pytest.param(["--label", "x", "--example", "x={png}#left"], "regions are none", id="an unknown region"),
        pytest.param(["--label", "x", "--rule", "y:0.5"], "'y' is not in the label set", id="another label"),
    ],
)
def test_watch_refuses_options_that_do_not_go_together(
    server: list[str], rules: Path, options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    filled = [option.format(rules=rules, png=rules.with_name("with.png")) for option in options]
    assert run(["watch", "video.avi", *filled, *server]) == 2
    assert words in capsys.readouterr().err


def test_a_mistake_in_a_rules_file_is_named_by_line(
    tmp_path: Path, scores: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES.replace("enter_at: 0.5", "enter_at: 5"))
    assert run(["replay", str(scores), "--rules", str(path)]) == 2
    assert "rules.yaml: line 10: rules[0].enter_at" in capsys.readouterr().err


def test_replay_prints_what_watch_would(
    scores: Path, whole_frame_rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["replay", str(scores), "--rules", str(whole_frame_rules)]) == 0
    out, err = capsys.readouterr()
    assert [line[:35] for line in out.splitlines()] == [
        "ENTERED box  00:02.200 (began 00:02",
        "EXITED  box  00:05.000 (began 00:05",
        "ENTERED box  00:07.200 (began 00:07",
        "EXITED  box  00:11.000 (began 00:11",
    ]
    assert "130 frames in" in err
    assert "× real time" in err


def test_replay_in_json_and_explained(
    scores: Path, whole_frame_rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["replay", str(scores), "--rules", str(whole_frame_rules), "--json", "--explain"]) == 0
    events = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert [event["kind"] for event in events] == ["EVENT_KIND_ENTERED", "EVENT_KIND_EXITED"] * 2
    assert events[1]["present_duration"] == "3s"
    assert events[0]["trail"]["runner_up"]["label"] == "belt"
    assert len(events[0]["trail"]["points"]) == 23
    assert run(["replay", str(scores), "--rules", str(whole_frame_rules), "--explain"]) == 0
    assert "box waits for ENTERED" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("present", "code", "words"),
    [
        pytest.param([[20, 49], [70, 109]], 0, "4 of 4", id="right"),
        pytest.param([[20, 49]], 1, "false ENTERED at 00:07.000", id="wrong"),
    ],
)
def test_evaluate_replays_scores(
    tmp_path: Path,
    scores: Path,
    whole_frame_rules: Path,
    present: list[list[int]],
    code: int,
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    entry = {**TRUTH["scores.jsonl"], "present": {"full": present}}
    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps({"belt.avi": entry}))
    options = ["--truth", str(truth), "--rules", str(whole_frame_rules), "--video", "belt.avi"]
    assert run(["evaluate", str(scores), *options, "--plot", str(tmp_path / "plot.png")]) == code
    assert words in capsys.readouterr().out
    assert (tmp_path / "plot.png").stat().st_size > 10_000
    assert run(["evaluate", str(scores), *options, "--json"]) == code
    assert json.loads(capsys.readouterr().out)["perfect"] is (code == 0)


def test_evaluate_up_to_a_time_replays_no_more(
    tmp_path: Path, scores: Path, whole_frame_rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps(TRUTH))
    options = ["--truth", str(truth), "--rules", str(whole_frame_rules), "--until", "6s"]
    assert run(["evaluate", str(scores), *options]) == 0
    assert "2 of 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(["--present", "soon"], "can't be read", id="no interval"),
        pytest.param([], "no stretch is known", id="nothing known"),
        pytest.param(["--present", "1s-2s", "--on", "left"], "no region 'left'", id="no region"),
        pytest.param(["--present", "1s-2s", "--until", "x"], "--until x", id="no time"),
    ],
)
def test_calibrate_refuses_options_that_can_not_be(
    make_video: Callable[..., Path], options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["calibrate", str(make_video(30, 10.0)), "--label", "box", *options]) == 2
    assert words in capsys.readouterr().err


def test_drawing_without_matplotlib_names_the_extra(
    make_video: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    monkeypatch.delitem(__import__("sys").modules, "framewatch_cli.pictures.plots", raising=False)
    options = ["--label", "box", "--present", "1s-2s", "--plot", "plot.png"]
    assert run(["calibrate", str(make_video(30, 10.0)), *options]) == 2
    assert "pip install 'framewatch[plot]'" in capsys.readouterr().err


def test_calibrate_scores_and_writes(
    server: list[str],
    service: FakeService,
    tmp_path: Path,
    make_video: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")  # paths are long, and must not be broken into lines
    present = ",".join(f"{span.start_ns / 1e9}-{span.end_ns / 1e9}" for span in PRESENT)
    out, scores = tmp_path / "rules.yaml", tmp_path / "out.jsonl"
    options = ["--label", "box", "--label", "belt", "--present", present, "--until", "12s", "--fps", "5"]
    files = ["--out", str(out), "--scores", str(scores)]
    assert run(["calibrate", str(make_video(130, 10.0)), *options, *files, *server]) == 0
    assert f"rules: {out}" in capsys.readouterr().out
    assert len(service.frames) == len(scores.read_text().splitlines()) == 60
    assert len(service.configs[0].label_set.labels[0].examples) == 4
    assert not service.configs[0].rules
    assert run(["replay", str(scores), "--rules", str(out)]) == 0


def test_calibrate_without_examples(server: list[str], service: FakeService, make_video: Callable[..., Path]) -> None:
    options = ["--label", "box", "--present", "2-5", "--no-examples"]
    assert run(["calibrate", str(make_video(60, 10.0)), *options, *server]) == 0
    assert not service.configs[0].label_set.labels[0].examples
