"""Events and results of a rule `box`, made up for tests, and what a console shows."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_client import (
    Event,
    EventKind,
    FrameError,
    FrameErrorReason,
    FrameResult,
    FrameStatus,
    LabelScore,
    RegionScores,
)

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
