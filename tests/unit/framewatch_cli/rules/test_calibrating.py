"""Plans of calibrations, their examples, their rules files and their reports."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console, RenderableType

from framewatch_cli.pictures.examples import load_example
from framewatch_cli.rules.calibrating import (
    CalibrationPlan,
    CalibrationRun,
    calibrate_recording,
    example_times,
    rules_of,
    with_examples,
)
from framewatch_cli.rules.evaluating import evaluation_summary, read_truth
from framewatch_cli.rules.file import read_rules
from framewatch_cli.rules.output import write_calibrated
from framewatch_cli.rules.reports import calibration_report, evaluation_report
from framewatch_cli.rules.timelines import calibration_timeline, evaluation_timelines
from framewatch_core.calibration.evaluation import evaluate
from framewatch_core.calibration.intervals import Interval
from framewatch_core.calibration.truth import InvalidTruth, Track, VideoTruth
from framewatch_core.errors import InvalidRegion, InvalidRequest
from framewatch_core.images.image import EncodedImage
from framewatch_core.images.regions import WHOLE_FRAME, Region
from framewatch_core.labels.labels import Label, LabelSet
from framewatch_core.labels.scoring import ScoreKind
from framewatch_core.rules.events import Event, EventKind
from framewatch_core.time import Moment
from tests.unit.framewatch_cli.rules.recordings import PRESENT, S, recording

BOX = (Label("box"), Label("belt"))
LEFT, RIGHT = Region("left", 0.0, 0.0, 0.5, 1.0), Region("right", 0.5, 0.0, 0.5, 1.0)


def plan(**values: object) -> CalibrationPlan:
    return CalibrationPlan(**{"source": "belt.avi", "labels": BOX, "present": PRESENT, **values})  # type: ignore[arg-type]


def seconds(times_ns: tuple[int, ...]) -> list[float]:
    return [time_ns / 1e9 for time_ns in times_ns]


@pytest.mark.parametrize(
    ("present", "absent", "expected"),
    [
        pytest.param([S(10, 16)], [S(0, 10), S(16, 20)], ([12, 14], [3, 7]), id="from before"),
        pytest.param([S(0, 6), S(9, 20)], [S(6, 9), S(20, 30)], ([2, 4], [7.125, 7.875]), id="from behind"),
        pytest.param([S(20, 26)], [S(0, 4), S(8, 12)], ([22, 24], [2, 10]), id="from several stretches"),
    ],
)
def test_examples_are_from_the_first_appearance_and_from_before(
    present: list[Interval], absent: list[Interval], expected: tuple[list[float], list[float]]
) -> None:
    with_it, without = example_times(present, absent, 2)
    assert seconds(with_it) == pytest.approx(expected[0])
    assert seconds(without) == pytest.approx(expected[1])


def test_examples_are_cropped_frames_of_the_source(make_video: Callable[..., Path]) -> None:
    video = make_video(60, 10.0)
    found = with_examples(plan(source=str(video), present=(S(2, 4),), regions=(LEFT,), example_count=2))
    levels = [
        [float(cv2.imdecode(np.frombuffer(image.data, np.uint8), 0).mean()) / 4 for image in images]
        for images in (found.examples, found.counter_examples)
    ]
    assert levels[0] == pytest.approx([27.5, 32.5], abs=1.1)
    assert levels[1] == pytest.approx([7.5, 12.5], abs=1.1)
    assert cv2.imdecode(np.frombuffer(found.examples[0].data, np.uint8), 0).shape == (48, 32)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"example_count": 0}, id="none wanted"),
        pytest.param({"present": (), "absent": (S(0, 1),)}, id="background only"),
        pytest.param(
            {"labels": (Label("box", examples=(EncodedImage(b"a"),), counter_examples=(EncodedImage(b"b"),)),)}, id="own"
        ),
    ],
)  # fmt: skip
def test_when_no_examples_are_taken(values: dict[str, object]) -> None:
    wanted = plan(source="there is none", **values)
    assert with_examples(wanted) == wanted.labels[0]


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        pytest.param({"present": ()}, InvalidRequest, "no stretch is known", id="nothing known"),
        pytest.param({"regions": (LEFT,), "region_id": "middle"}, InvalidRegion, "known are left", id="no such region"),
    ],
)
def test_plans_that_can_not_be(values: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        plan(**values)


def test_what_is_not_present_is_absent_up_to_the_end() -> None:
    found = calibrate_recording(recording(), plan(until_ns=12_000_000_000))
    assert found.material.absent == (S(0, 2), S(5, 7), S(11, 12))
    assert found.rule.score_kind is ScoreKind.PRESENCE
    assert found.rule.name == "box"
    assert found.estimates.recall.value == 1.0


def test_the_rule_counts_in_every_region() -> None:
    both = recording(regions=("left", "right"))
    found = calibrate_recording(both, plan(regions=(LEFT, RIGHT), region_id="right"))
    assert found.rule.region_id == "right"
    rules = rules_of(found, (LEFT, RIGHT))
    assert [(rule.name, rule.region_id) for rule in rules] == [("box left", "left"), ("box right", "right")]
    assert len({(rule.enter_at, rule.exit_below, rule.min_present_ns) for rule in rules}) == 1


def test_a_rules_file_and_its_pictures_are_written(tmp_path: Path, picture: np.ndarray) -> None:
    ok, data = cv2.imencode(".png", picture)
    assert ok
    picture_of = EncodedImage(data.tobytes())
    label = Label("box", examples=(picture_of, picture_of), counter_examples=(picture_of,))
    like_it = (Label("Box", examples=(picture_of,), counter_examples=(picture_of,)), Label("belt"))
    wanted = plan(regions=(LEFT, RIGHT))
    both = recording(regions=("left", "right"))
    calibration = calibrate_recording(both, wanted)
    run = CalibrationRun(LabelSet((label, *like_it)), calibration, rules_of(calibration, wanted.regions), both)
    path = tmp_path / "rules.yaml"
    write_calibrated(path, run, wanted)
    found = read_rules(path)
    assert found.label_set(load_example) == run.label_set
    assert found.rules == run.rules
    assert found.regions == (LEFT, RIGHT)
    assert sorted(file.name for file in (tmp_path / "rules.examples").iterdir()) == [
        "box-absent-1.png",
        "box-label-2-absent-1.png",
        "box-label-2-present-1.png",
        "box-present-1.png",
        "box-present-2.png",
    ]
    text = path.read_text(encoding="utf-8")
    assert "of the way from without to with it" in text
    assert "# The same numbers as box left, in whose region they were calibrated." in text


def shown(renderable: RenderableType) -> str:
    console = Console(file=io.StringIO(), record=True, width=80, highlight=False)
    console.print(renderable)
    return console.export_text()


def test_a_calibration_report_fits_80_columns() -> None:
    calibration = calibrate_recording(recording(), plan())
    text = shown(calibration_report(calibration))
    assert max(map(len, text.splitlines())) <= 80
    for words in ("box: presence", "presence ← chosen", "with it", "without", "▲ exit", "2 of 2", "optimistic"):
        assert words in text
    truth, events = (next(line for line in text.splitlines() if line.startswith(name)) for name in ("truth", "events"))
    assert events.count("█") == pytest.approx(truth.count("█"), abs=2)
    assert truth.count("█") == pytest.approx(66 * 7 / 13, abs=2)


def test_background_only_reports_no_recall() -> None:
    text = shown(calibration_report(calibrate_recording(recording(()), plan(present=(), absent=(S(0, 13),)))))
    assert "there was none in the material" in text
    assert "recall" not in text
    assert "with it" not in text


def truth(*present: Interval, region: Region = WHOLE_FRAME) -> VideoTruth:
    return VideoTruth(13_000_000_000, 500_000_000, (Track(region, present),))


def test_an_evaluation_reports_what_was_wrong() -> None:
    calibration = calibrate_recording(recording(), plan())
    wanted = truth(S(2, 5), S(9, 11))
    events = calibration.events
    found = evaluate(events, [calibration.rule], wanted)
    lines = evaluation_timelines(found, replace(recording(), events=events), [calibration.rule], wanted)
    text = shown(evaluation_report(found, lines))
    assert max(map(len, text.splitlines())) <= 80
    assert "missed ENTERED at 00:09.000" in text
    assert "false ENTERED at 00:07.000" in text
    assert "3 of 4" in text
    summary = evaluation_summary(found)
    assert summary["perfect"] is False
    assert summary["precision"]["basis"] == "3 of 4"
    assert summary["rules"][0]["missed"] == [{"kind": "ENTERED", "time_s": 9.0}]


def test_pictures_are_drawn(tmp_path: Path) -> None:
    plots = pytest.importorskip("framewatch_cli.rules.plots")
    calibration = calibrate_recording(recording(), plan())
    plots.draw_calibration(tmp_path / "calibration.png", calibration)
    events = calibration.events
    wanted = truth(S(2, 5), S(9, 11))
    found = evaluate(events, [calibration.rule], wanted)
    lines = evaluation_timelines(found, replace(recording(), events=events), [calibration.rule], wanted)
    plots.draw_evaluation(tmp_path / "evaluation.png", lines)
    for name in ("calibration", "evaluation"):
        drawn = cv2.imread(str(tmp_path / f"{name}.png"))
        assert drawn is not None
        assert drawn.shape[1] == 1320
        assert len(np.unique(drawn)) > 20


def test_a_presence_without_an_exit_lasts_to_the_end() -> None:
    line = calibration_timeline(calibrate_recording(recording(), plan()))
    open_ended = replace(
        line,
        events=(Event(kind=EventKind.ENTERED, rule_id="box", label="box", at=Moment(2, 9), began=Moment(1, 8)),),
        end_ns=20,
    )
    assert open_ended.presences == [Interval(8, 20)]


TRUTH = """{"belt.avi": {"fps": 10, "frames": 130, "tolerance_frames": 5, "regions": {"full": [0, 0, 1, 1]},
"present": {"full": [[20, 49]]}}}"""


@pytest.mark.parametrize(
    ("video", "values", "end_s", "tolerance_s"),
    [
        pytest.param("belt.avi", {}, 13.0, 0.5, id="whole"),
        pytest.param("/films/belt.avi", {}, 13.0, 0.5, id="by path"),
        pytest.param("belt.avi", {"fps": 2}, 13.0, 1.0, id="sparser"),
        pytest.param("belt.avi", {"fps": 10}, 13.0, 0.5, id="as the video"),
        pytest.param("belt.avi", {"until_ns": 4_000_000_000}, 4.0, 0.5, id="a part"),
    ],
)
def test_truth(tmp_path: Path, video: str, values: dict[str, int], end_s: float, tolerance_s: float) -> None:
    path = tmp_path / "truth.json"
    path.write_text(TRUTH)
    found = read_truth(path, video, **values)  # type: ignore[arg-type]
    assert (found.end_ns / 1e9, found.tolerance_ns / 1e9) == (end_s, tolerance_s)


def test_truth_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    path.write_text("{")
    with pytest.raises(InvalidTruth, match="is no JSON"):
        read_truth(path, "belt.avi")
    path.write_text(TRUTH)
    with pytest.raises(InvalidTruth, match=r"no truth about 'other\.avi'"):
        read_truth(path, "other.avi")
