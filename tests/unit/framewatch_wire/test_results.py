from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.health.problem import HealthProblem
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.stream.results import Dropped, Failed, FrameError, FrameResult, FrameStatus, RegionScores, Scored
from framewatch_wire.results import frame_result_from_proto, frame_result_to_proto
from tests.unit.framewatch_wire.sent import sent
from tests.unit.framewatch_wire.values import FRAME_RESULTS, S

SCORE = LabelScore("box", 0.5, 0.25, 0.75)


@given(FRAME_RESULTS)
def test_results_arrive_as_they_were(result: FrameResult) -> None:
    assert frame_result_from_proto(sent(frame_result_to_proto(result))) == result


@pytest.mark.parametrize("problem", [None, *HealthProblem], ids=lambda problem: problem and problem.name)
def test_region_scores_arrive_as_they_were(problem: HealthProblem | None) -> None:
    regions = (
        RegionScores("left", (SCORE,), problem, suspended=True),
        RegionScores("", (replace(SCORE, presence=None),)),
    )
    result = FrameResult(1, S, 2, Scored(regions, reused_frame_id=0))
    message = sent(frame_result_to_proto(result))
    arrived = frame_result_from_proto(message)
    assert arrived.regions == regions
    assert arrived.reused_frame_id == 0
    assert message.scores.regions[1].problem == pb.HEALTH_PROBLEM_NONE, "nothing is wrong, and it is reported"


def test_what_is_not_known_is_none() -> None:
    region = pb.RegionScores(problem=99, suspended=True)  # type: ignore[arg-type]
    result = frame_result_from_proto(pb.FrameResult(scores=pb.FrameScores(regions=[region])))
    assert (result.regions[0].problem, result.regions[0].suspended) == (None, True)
    dropped = frame_result_from_proto(pb.FrameResult(dropped=pb.FrameDropped(reason=99)))  # type: ignore[arg-type]
    assert (dropped.outcome, dropped.status) == (Dropped(None), FrameStatus.DROPPED)
    failed = frame_result_from_proto(pb.FrameResult(error=pb.FrameError(reason=99, message="new")))  # type: ignore[arg-type]
    assert (failed.outcome, failed.status) == (Failed(FrameError(None, "new")), FrameStatus.FAILED)
    unknown = frame_result_from_proto(pb.FrameResult(frame_id=3))
    assert (unknown.outcome, unknown.status, unknown.regions) == (None, FrameStatus.UNKNOWN, ())
