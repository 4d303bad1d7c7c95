from __future__ import annotations

import json

from google.protobuf import json_format
from hypothesis import given

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.calls import Classification, Similarity
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.stream.results import Dropped, DropReason, FrameResult, Timings
from framewatch_wire.json_lines import classification_json, models_json, response_json, similarity_json
from framewatch_wire.results import frame_result_from_proto
from tests.unit.framewatch_wire.values import FRAME_RESULTS, S


@given(FRAME_RESULTS)
def test_json_reads_back_the_same(result: FrameResult) -> None:
    line = response_json(result)
    assert "\n" not in line
    message = json_format.Parse(line, pb.StreamFramesResponse())
    assert frame_result_from_proto(message.result) == result


def test_fields_have_the_contracts_names_and_zeros_are_written() -> None:
    result = FrameResult(0, S // 2, 1, Dropped(DropReason.OVERFLOW))
    assert json.loads(response_json(result)) == {
        "result": {
            "frame_id": "0",
            "time_offset": "0.500s",
            "config_version": 1,
            "dropped": {"reason": "DROP_REASON_OVERFLOW"},
        }
    }


def test_calls_have_json_too() -> None:
    scores = (LabelScore("ä", 0.5, 0.25),)
    found = json.loads(classification_json(Classification(scores, "m", Timings())))
    assert found["scores"] == [{"label": "ä", "probability": 0.5, "similarity": 0.25}]
    assert json.loads(similarity_json(Similarity((0.5,), "m", Timings())))["similarities"] == [0.5]
    assert json.loads(models_json([])) == {"models": []}
