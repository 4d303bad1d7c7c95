"""Events and results of a rule `box`, made up for tests, and what a console shows."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console, RenderableType

from framewatch_client import (
    Event,
    EventKind,
    FrameError,
    FrameErrorReason,
    FrameResult,
    FrameStatus,
    HealthEvent,
    HealthEventKind,
    LabelScore,
    RegionScores,
)
from framewatch_core.stream.results import Dropped, DropReason, Failed, Scored
from framewatch_core.time import Moment, nanoseconds


def event(kind: EventKind, time_s: float, began_s: float, present_s: float | None = None, **fields: object) -> Event:
    """An event of the rule `box`, ten frames a second."""
    values: dict[str, object] = {
        "event_id": "e-1",
        "kind": kind,
        "rule_id": "box",
        "label": "box",
        "at": moment(time_s),
        "began": moment(began_s),
        "score": 0.934,
        "peak_score": 0.95,
        "present_ns": None if present_s is None else nanoseconds(present_s),
    }
    return Event(**{**values, **fields})  # type: ignore[arg-type]


def health_event(kind: HealthEventKind, time_s: float, began_s: float, **fields: object) -> HealthEvent:
    """A health event of the region `left`, ten frames a second."""
    values: dict[str, object] = {
        "event_id": "e-2",
        "kind": kind,
        "region_id": "left",
        "at": moment(time_s),
        "began": moment(began_s),
    }
    return HealthEvent(**{**values, **fields})  # type: ignore[arg-type]


def moment(time_s: float) -> Moment:
    return Moment(round(time_s * 10), nanoseconds(time_s))


def result(time_s: float, status: FrameStatus = FrameStatus.SCORED) -> FrameResult:
    scores = LabelScore("box", 0.9, 0.3), LabelScore("an empty belt", 0.1, 0.2)
    outcomes = {
        FrameStatus.SCORED: Scored((RegionScores("", scores),)),
        FrameStatus.DROPPED: Dropped(DropReason.OVERFLOW),
        FrameStatus.FAILED: Failed(FrameError(FrameErrorReason.UNDECODABLE_IMAGE, "the bytes end early")),
    }
    return FrameResult(round(time_s * 10), nanoseconds(time_s), 1, outcomes.get(status))


def reused(result: FrameResult, frame_id: int) -> FrameResult:
    assert isinstance(result.outcome, Scored)
    return replace(result, outcome=replace(result.outcome, reused_frame_id=frame_id))


def shown(renderable: RenderableType, width: int = 100) -> str:
    console = Console(file=io.StringIO(), record=True, width=width, highlight=False)
    console.print(renderable)
    return console.export_text()
