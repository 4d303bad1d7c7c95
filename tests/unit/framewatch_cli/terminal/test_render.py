"""Results as people see them."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.console import Console, RenderableType

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_cli.terminal.live import JsonView, LiveView, PlainView, WatchView
from framewatch_cli.terminal.render import (
    bar,
    clock,
    counter_line,
    event_line,
    failure_line,
    score_table,
    similarity_table,
    summary_tables,
)
from framewatch_cli.terminal.summary import WatchSummary
from framewatch_client import (
    Event,
    EventKind,
    EventRule,
    FrameError,
    FrameErrorReason,
    FrameResult,
    FrameStatus,
    HealthProblem,
    LabelScore,
    RegionScores,
    ScoreKind,
    StreamStarted,
    event_rule,
)

STARTED = StreamStarted("demo", 1, 192, 4, 0, pb.StreamFramesResponse(started=pb.StreamStarted(model="demo")))


OF_ALL_RULES = {"rule_id": "", "label": "", "region": "left"}


def event(kind: EventKind, time_s: float, began_s: float, present_s: float | None = None, **fields: object) -> Event:
    """An event of the rule `box`, ten frames a second."""
    values: dict[str, object] = {
        "event_id": "e-1",
        "kind": kind,
        "rule_id": "box",
        "label": "box",
        "frame_id": round(time_s * 10),
        "time_s": time_s,
        "began_frame_id": round(began_s * 10),
        "began_time_s": began_s,
        "score": 0.934,
        "peak_score": 0.95,
        "present_s": present_s,
        "region": "",
        "sparse": False,
        "problem": None,
        "trail": None,
        "wall_time": None,
        "began_wall_time": None,
        "message": pb.StreamFramesResponse(event=pb.Event(label="box")),
    }
    return Event(**{**values, **fields})  # type: ignore[arg-type]


def result(time_s: float, status: FrameStatus = FrameStatus.SCORED) -> FrameResult:
    scored = status is FrameStatus.SCORED
    return FrameResult(
        frame_id=round(time_s * 10),
        time_s=time_s,
        config_version=1,
        status=status,
        regions=(RegionScores("", (LabelScore("box", 0.9, 0.3), LabelScore("an empty belt", 0.1, 0.2))),)
        if scored
        else (),
        drop_reason=None,
        error=FrameError(FrameErrorReason.UNDECODABLE_IMAGE, "the bytes end early")
        if status is FrameStatus.FAILED
        else None,
        timings=None,
        reused_frame_id=None,
        message=pb.StreamFramesResponse(result=pb.FrameResult(frame_id=round(time_s * 10))),
    )


def shown(renderable: RenderableType, width: int = 100) -> str:
    console = Console(file=io.StringIO(), record=True, width=width, highlight=False)
    console.print(renderable)
    return console.export_text()


@pytest.mark.parametrize(
    ("time_s", "expected"),
    [(0, "00:00.000"), (3.2, "00:03.200"), (59.9996, "01:00.000"), (3599.5, "59:59.500"), (3661.25, "1:01:01.250")],
)
def test_clock(time_s: float, expected: str) -> None:
    assert clock(time_s) == expected


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [(0.0, ""), (1.0, "████"), (0.5, "██"), (0.53125, "██▏"), (-0.2, ""), (1.7, "████")],
)
def test_bar(fraction: float, expected: str) -> None:
    assert bar(fraction, 4) == expected


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (event(EventKind.ENTERED, 3.2, 2.9), "ENTERED box  00:03.200 (began 00:02.900, frame 32)  score 0.93"),
        (
            event(EventKind.EXITED, 5.0, 4.7, 1.8, score=0.2),
            "EXITED  box  00:05.000 (began 00:04.700, frame 50)  score 0.20  present 1.8 s",
        ),
        (
            event(EventKind.ENTERED, 3.2, 2.9, rule_id="r[1]"),
            "ENTERED box [r[1]]  00:03.200 (began 00:02.900, frame 32)  score 0.93",
        ),
        (
            event(EventKind.ENTERED, 3.2, 2.9, rule_id="box left", region="left"),
            "ENTERED box in left  00:03.200 (began 00:02.900, frame 32)  score 0.93",
        ),
        (
            event(EventKind.SUSPENDED, 3.2, 2.2, problem=HealthProblem.SCENE_CHANGED, **OF_ALL_RULES),
            "SUSPENDED in left  00:03.200 (began 00:02.200, frame 32)  problem: scene changed",
        ),
        (
            event(EventKind.RESUMED, 9.0, 8.0, **{**OF_ALL_RULES, "region": ""}),
            "RESUMED  00:09.000 (began 00:08.000, frame 90)",
        ),
        (
            event(EventKind.ENTERED, 3.2, 2.9, sparse=True),
            "ENTERED box  00:03.200 (began 00:02.900, frame 32)  score 0.93  frames were missing",
        ),
    ],
    ids=["entered", "exited", "rule with a name", "in a region", "suspended", "resumed", "sparse"],
)
def test_event_line(seen: Event, expected: str) -> None:
    assert event_line(seen).plain == expected


def test_event_line_says_wall_time() -> None:
    wall_time = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    line = event_line(event(EventKind.ENTERED, 3.2, 2.9, wall_time=wall_time)).plain
    assert line.endswith(f"  {wall_time.astimezone():%Y-%m-%d %H:%M:%S}")


def test_failure_line() -> None:
    line = failure_line(7, FrameError(FrameErrorReason.UNDECODABLE_IMAGE, "the bytes end early")).plain
    assert line == "FAILED  frame 7: the bytes end early [UNDECODABLE_IMAGE]"


@pytest.mark.parametrize("width", [100, 40])
def test_tables(width: int) -> None:
    scores = score_table([LabelScore("[b]box[/b]", 0.75, 0.3), LabelScore("belt", 0.25, 0.2)], title="a.png")
    text = shown(scores, width)
    assert "0.7500" in text
    assert "[b]box[/b]" in text
    assert "0.3000" in text
    text = shown(similarity_table(["b.png", "c.png"], [0.5, 0.9], query="a.png", footer="demo"), width)
    assert "c.png ★" in text
    assert "b.png ★" not in text


def test_one_candidate_is_not_called_the_best() -> None:
    assert "★" not in shown(similarity_table(["b.png"], [0.5], query="a.png"))


def test_summary_counts() -> None:
    summary = WatchSummary.of([event_rule("box", 0.8), event_rule("dog", 0.8)])
    summary.sent = 9
    for item in [
        result(0.0),
        result(1.0),
        event(EventKind.ENTERED, 1.0, 0.5),
        result(2.0, FrameStatus.DROPPED),
        result(3.0),
        event(EventKind.EXITED, 3.0, 2.5, 2.0),
        result(4.0, FrameStatus.FAILED),
        result(5.0),
        event(EventKind.ENTERED, 5.0, 4.5),
        replace(result(6.0), reused_frame_id=50),
    ]:
        summary.add(item)
    assert (summary.scored, summary.dropped, summary.failed, summary.unanswered) == (5, 1, 1, 2)
    assert summary.reused == 1
    assert "5 scored (1 of them unchanged)" in shown(summary_tables(summary, source="belt.mp4", elapsed_s=1.0))
    box = summary.rules["box"]
    assert (box.entered_count, box.exited_count, box.present_until(6.0)) == (2, 1, 3.5)
    assert summary.rules["dog"].present_until(6.0) == 0.0
    assert summary.event_count == 3


def plain(console: Console, summary: WatchSummary) -> WatchView:
    return PlainView(console, "belt.mp4", summary, clock=lambda: 0.0)


def live(console: Console, summary: WatchSummary) -> WatchView:
    return LiveView(console, "belt.mp4", summary, 3, clock=lambda: 0.0)


def live_without_end(console: Console, summary: WatchSummary) -> WatchView:
    return LiveView(console, "camera 0", summary, None, clock=lambda: 0.0)


@pytest.mark.parametrize("make", [plain, live, live_without_end])
def test_views_keep_events_and_end_with_the_summary(make: Callable[[Console, WatchSummary], WatchView]) -> None:
    is_live = make is not plain
    console = Console(file=io.StringIO(), record=True, width=100, highlight=False, force_terminal=is_live)
    summary = WatchSummary.of([event_rule("box", 0.8)])
    with make(console, summary) as view:
        view.started(STARTED)
        for item in [result(0.0), event(EventKind.ENTERED, 0.0, 0.0), result(0.1, FrameStatus.FAILED)]:
            summary.sent += isinstance(item, FrameResult)
            summary.add(item)
            view.show(item)
    text = console.export_text()
    assert "ENTERED box  00:00.000" in text
    assert "FAILED  frame 1: the bytes end early" in text
    assert "2 sent, 1 scored, 0 dropped, 1 failed" in text
    assert text.index("ENTERED box") < text.index("2 sent")
    if not is_live:
        assert "\x1b" not in text


def test_view_without_a_start_has_no_summary() -> None:
    console = Console(file=io.StringIO(), record=True)
    with plain(console, WatchSummary()):
        pass
    assert console.export_text() == ""


def test_json_view_has_only_responses_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(file=io.StringIO(), record=True)
    summary = WatchSummary()
    with JsonView(console, "belt.mp4", summary) as view:
        view.started(STARTED)
        view.show(result(0.0))
        view.show(event(EventKind.ENTERED, 0.0, 0.0))
    lines = capsys.readouterr().out.splitlines()
    assert [line[:9] for line in lines] == ['{"started', '{"result"', '{"event":']
    assert "0 sent" in console.export_text()


def test_suspensions_are_counted_and_told() -> None:
    summary = WatchSummary.of([event_rule("box", 0.8)])
    for kind in (EventKind.SUSPENDED, EventKind.RESUMED):
        summary.add(event(kind, 1.0, 0.5, **OF_ALL_RULES))
    assert (summary.suspended_count, summary.event_count) == (1, 0)
    assert list(summary.rules) == ["box"]
    assert "1 suspension" in counter_line(summary).plain
    assert "1 suspension" in shown(summary_tables(summary, source="belt.mp4", elapsed_s=1.0))


def regional_result(presence: float | None, *, suspended: bool = False) -> FrameResult:
    scores = (LabelScore("box", 0.9, 0.3, presence), LabelScore("an empty belt", 0.1, 0.2, 0.5))
    return replace(result(0.0), regions=(RegionScores("left", scores, None, suspended),))


@pytest.mark.parametrize(
    ("seen", "rules", "expected"),
    [
        pytest.param(
            regional_result(0.71),
            [event_rule("box", 0.5, score_kind=ScoreKind.PRESENCE, id="box left", region_id="left")],
            "box left 0.71",
            id="presence in a region",
        ),
        pytest.param(
            regional_result(0.71, suspended=True),
            [event_rule("box", 0.5, score_kind=ScoreKind.PRESENCE, id="box left", region_id="left")],
            "box left (suspended) 0.71",
            id="suspended",
        ),
        pytest.param(
            regional_result(None),
            [
                event_rule("box", 0.5, score_kind=ScoreKind.PRESENCE, id="a", region_id="left"),
                event_rule("box", 0.5, score_kind=ScoreKind.SIMILARITY, id="b", region_id="left"),
            ],
            "b 0.30",
            id="without a presence",
        ),
        pytest.param(result(0.0), [event_rule("box", 0.5)], "box 0.90", id="probabilities of the whole frame"),
    ],
)
def test_the_live_view_shows_what_rules_look_at(seen: FrameResult, rules: list[EventRule], expected: str) -> None:
    console = Console(file=io.StringIO(), record=True, width=100, force_terminal=True)
    summary = WatchSummary.of(rules)
    summary.add(seen)
    view = LiveView(console, "belt.mp4", summary, 3, rules=rules)
    lines = shown(view._frame()).splitlines()
    assert " ".join(lines[1].split()).startswith(expected)
