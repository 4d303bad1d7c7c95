"""Recordings made up for tests: ten frames a second, one label that comes and goes."""

from __future__ import annotations

import numpy as np

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_cli.rules.recording import Recording
from framewatch_client import FrameResult
from framewatch_core.calibration.intervals import Interval
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.rules.replay import RecordedFrame
from framewatch_core.time import Moment
from framewatch_wire.durations import duration_to_proto
from framewatch_wire.results import frame_result_from_proto
from tests.intervals import interval

S = interval
PRESENT = (S(2, 5), S(7, 11))
FRAME_NS = 100_000_000


def recording(
    present: tuple[Interval, ...] = PRESENT, count: int = 130, regions: tuple[str, ...] = ("",), *, noise: float = 0.004
) -> Recording:
    rng = np.random.default_rng(7)
    frames = []
    for i in range(count):
        there = any(i * FRAME_NS in span for span in present)
        presence = float(np.clip((0.95 if there else 0.04) + rng.normal(0, noise), 0.001, 0.999))
        scores = (LabelScore("box", presence * 0.9, presence * 0.3, presence), LabelScore("belt", 0.1, 0.2, 0.5))
        frames.append(RecordedFrame(Moment(i, i * FRAME_NS), dict.fromkeys(regions, scores)))
    return Recording(tuple(frames))


def response(frame: RecordedFrame) -> pb.StreamFramesResponse:
    result = pb.FrameResult(
        frame_id=frame.at.frame_id, time_offset=duration_to_proto(frame.at.time_ns), config_version=1
    )
    for region, scores in frame.scores.items():
        added = result.scores.regions.add(region_id=region, suspended=region in frame.held)
        for score in scores:
            added.scores.add(
                label=score.label, probability=score.probability, similarity=score.similarity, presence=score.presence
            )
    return pb.StreamFramesResponse(result=result)


def result(frame: RecordedFrame) -> FrameResult:
    return frame_result_from_proto(response(frame).result)
