"""The views of a stream."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import grpc
import pytest
from rich.console import Console

from framewatch_cli.watching.summary import WatchSummary
from framewatch_cli.watching.views import JsonView, LiveView, PlainView, WatchView
from framewatch_client import (
    EventKind,
    EventRule,
    FrameResult,
    FrameStatus,
    FramewatchCallError,
    LabelScore,
    Reconnected,
    RegionScores,
    ScoreKind,
    StreamStarted,
    event_rule,
)
from framewatch_core.stream.results import Scored
from tests.unit.framewatch_cli.watching.items import event, result, shown

STARTED = StreamStarted("demo", 1, 192, 4)


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


def regional_result(presence: float | None, *, suspended: bool = False) -> FrameResult:
    scores = (LabelScore("box", 0.9, 0.3, presence), LabelScore("an empty belt", 0.1, 0.2, 0.5))
    return replace(result(0.0), outcome=Scored((RegionScores("left", scores, None, suspended),)))


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
def test_the_live_view_shows_the_scores_of_rules(seen: FrameResult, rules: list[EventRule], expected: str) -> None:
    console = Console(file=io.StringIO(), record=True, width=100, force_terminal=True)
    summary = WatchSummary.of(rules)
    summary.add(seen)
    view = LiveView(console, "belt.mp4", summary, 3, rules=rules)
    lines = shown(view._frame()).splitlines()
    assert " ".join(lines[1].split()).startswith(expected)


@pytest.mark.parametrize(("resumed", "present_s"), [(True, 0.0), (False, 3.0)])
def test_a_presence_ends_where_the_server_lost_the_rules_state(resumed: bool, present_s: float) -> None:
    summary = WatchSummary.of([event_rule("box", 0.8)])
    console = Console(file=io.StringIO(), record=True, width=200)
    with plain(console, summary) as view:
        view.started(STARTED)
        for item in [result(1.0), event(EventKind.ENTERED, 1.0, 1.0), result(4.0)]:
            summary.add(item)
        lost = FramewatchCallError(grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING", "draining \x1b[2J")
        view.reconnected(Reconnected(lost, 2.0, replace(STARTED, resumed=resumed)))
    rule = summary.rules["box"]
    assert (rule.present_s, rule.present_since_s is None) == (present_s, not resumed)
    assert rule.present_until(9.0) == (8.0 if resumed else 3.0)
    assert r"draining \x1b[2J" in console.export_text()
