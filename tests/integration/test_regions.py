"""Regions of a frame over real gRPC."""

from __future__ import annotations

from typing import Any

import grpc
import numpy as np
import numpy.typing as npt
import pytest
from google.protobuf.duration_pb2 import Duration

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from framewatch_core.images.regions import Region
from tests.integration.conftest import jpeg, label_set, picture
from tests.integration.errors import error_details
from tests.integration.streams import Request, config, frame, results, seconds

LABELS = ("a dog", "a box", "nothing")
LEFT = pb.Region(id="left", x=0.06, y=0.28, width=0.17, height=0.62)
TOP = pb.Region(id="top", x=0, y=0, width=1, height=0.5)
DOT = pb.Region(id="dot", x=0.5, y=0.5, width=1e-300, height=5e-324)
RULE = pb.EventRule(label="box", enter_at=0.5)


def grid(side: int) -> list[pb.Region]:
    """Returns the regions of a grid of `side` × `side`, numbered from 0."""
    return [
        pb.Region(id=str(i), x=i % side / side, y=i // side / side, width=1 / side, height=1 / side)
        for i in range(side * side)
    ]


def raw(pixels: npt.NDArray[np.uint8]) -> pb.Image:
    height, width = pixels.shape[:2]
    data = np.ascontiguousarray(pixels).tobytes()
    return pb.Image(raw=pb.RawImage(data=data, width=width, height=height, pixel_format=pb.PIXEL_FORMAT_BGR24))


def cropped(pixels: npt.NDArray[np.uint8], region: pb.Region) -> npt.NDArray[np.uint8]:
    box = Region(region.id, region.x, region.y, region.width, region.height).pixel_box(pixels.shape[1], pixels.shape[0])
    return pixels[box[1] : box[3], box[0] : box[2]]


def raw_frame(frame_id: int, pixels: npt.NDArray[np.uint8]) -> Request:
    return Request(frame=pb.Frame(frame_id=frame_id, image=raw(pixels)))


@pytest.mark.parametrize("regions", [[LEFT, TOP], grid(2)], ids=["two overlapping regions", "a grid"])
def test_a_region_has_the_scores_of_its_crop(stub: pb_grpc.ZeroShotServiceStub, regions: list[pb.Region]) -> None:
    pixels = picture(5, 640, 360)
    (result,) = results(stub, config(*LABELS, regions=regions), raw_frame(1, pixels))
    assert [scored.region_id for scored in result.scores.regions] == [region.id for region in regions]
    for scored, region in zip(result.scores.regions, regions, strict=True):
        request = pb.ClassifyRequest(image=raw(cropped(pixels, region)), label_set=label_set(*LABELS))
        alone = {score.label: score for score in stub.Classify(request).scores}
        assert len(scored.scores) == len(LABELS)
        for score in scored.scores:
            assert score.probability == pytest.approx(alone[score.label].probability, abs=0.01)
            assert score.presence == pytest.approx(alone[score.label].presence, abs=0.01)


def test_sixty_four_regions_of_a_frame_share_a_batch(stub: pb_grpc.ZeroShotServiceStub) -> None:
    pixels = picture(5, 640, 640)
    (result,) = results(stub, config(*LABELS, regions=grid(8)), raw_frame(1, pixels))
    assert [region.region_id for region in result.scores.regions] == [str(i) for i in range(64)]
    assert result.timings.batch_size >= 64
    assert len({region.scores[0].similarity for region in result.scores.regions}) > 32, (
        "regions have scores of their own"
    )


def test_top_count_applies_to_each_region(stub: pb_grpc.ZeroShotServiceStub) -> None:
    (result,) = results(stub, config(*LABELS, regions=[LEFT, TOP], top_count=1), frame(1))
    assert [len(region.scores) for region in result.scores.regions] == [1, 1]


def test_a_new_config_replaces_the_regions(stub: pb_grpc.ZeroShotServiceStub) -> None:
    reuse = pb.Reuse(change_threshold=1)
    received = results(
        stub,
        config(*LABELS, reuse=reuse),
        frame(1, jpeg()),
        config(*LABELS, regions=[LEFT, TOP], reuse=reuse),
        frame(2, jpeg()),
        frame(3, jpeg()),
        config(*LABELS, regions=[TOP, LEFT], reuse=reuse),
        frame(4, jpeg()),
        config(*LABELS, reuse=reuse),
        frame(5, jpeg()),
    )
    assert [[region.region_id for region in result.scores.regions] for result in received] == [
        [""], ["left", "top"], ["left", "top"], ["top", "left"], [""],
    ]  # fmt: skip
    reused = [result.scores.regions[0].HasField("reused_frame_id") for result in received]
    assert reused == [False, False, True, False, False], "new regions have no embedding yet"
    left = [{r.region_id: r.scores[0].probability for r in result.scores.regions}["left"] for result in received[1:4]]
    assert left == pytest.approx(left[:1] * 3, abs=1e-4)


def test_smaller_regions_increase_the_useful_short_side(stub: pb_grpc.ZeroShotServiceStub) -> None:
    def useful_short_side(*regions: pb.Region) -> int:
        (started,) = stub.StreamFrames(iter([config(regions=regions)]))
        return int(started.started.useful_short_side)

    assert useful_short_side(TOP) == 2 * useful_short_side()
    assert useful_short_side(DOT) > 1_000_000


def test_a_tiny_region_is_scored(stub: pb_grpc.ZeroShotServiceStub) -> None:
    rule = pb.EventRule(label="box", enter_at=1, region_id="dot")
    (result,) = results(stub, config(regions=[DOT], rules=[rule]), frame(1))
    assert result.WhichOneof("outcome") == "scores"


@pytest.mark.parametrize(
    ("fields", "code", "reason", "field"),
    [
        pytest.param({"regions": [LEFT, TOP, pb.Region(id="r", height=0.5)]}, "INVALID_ARGUMENT", "INVALID_REGION", "config.regions[2].width", id="no width"),
        pytest.param({"regions": [pb.Region(x=0, y=0, width=1, height=1)]}, "INVALID_ARGUMENT", "INVALID_REGION", "config.regions[0].id", id="no id"),
        pytest.param({"regions": [LEFT, LEFT]}, "INVALID_ARGUMENT", "INVALID_REGION", "config.regions[1].id", id="repeated id"),
        pytest.param({"regions": [pb.Region(id="r", x=float("nan"), width=1, height=1)]}, "INVALID_ARGUMENT", "INVALID_REGION", "config.regions[0].x", id="NaN"),
        pytest.param({"regions": [LEFT], "rules": [RULE]}, "INVALID_ARGUMENT", "INVALID_RULE", "config.rules[0].region_id", id="rule without region"),
        pytest.param({"rules": [pb.EventRule(label="box", enter_at=1, region_id="left")]}, "INVALID_ARGUMENT", "INVALID_RULE", "config.rules[0].region_id", id="rule of an unknown region"),
        pytest.param({"health": pb.HealthPolicy(ignored=[pb.HEALTH_PROBLEM_BLACK, 99])}, "INVALID_ARGUMENT", "INVALID_FIELD", "config.health.ignored", id="unknown problem"),
        pytest.param({"health": pb.HealthPolicy(ignored=[0])}, "INVALID_ARGUMENT", "INVALID_FIELD", "config.health.ignored", id="unspecified problem"),
        pytest.param({"health": pb.HealthPolicy(frozen_after=seconds(0))}, "INVALID_ARGUMENT", "INVALID_FIELD", "config.health.frozen_after", id="frozen at once"),
        pytest.param({"health": pb.HealthPolicy(settle_time=seconds(-1))}, "INVALID_ARGUMENT", "INVALID_FIELD", "config.health.settle_time", id="negative time"),
        pytest.param({"rules": [pb.EventRule(label="box", enter_at=1, trail_count=1001)]}, "RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED", "config.rules[0].trail_count", id="trail too long"),
    ],
)  # fmt: skip
def test_an_invalid_config_is_refused_with_code_reason_and_field(
    stub: pb_grpc.ZeroShotServiceStub, fields: dict[str, Any], code: str, reason: str, field: str
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        results(stub, config(**fields))
    error = error_details(caught.value)
    assert (error.code, error.reason, error.field) == (code, reason, field)


def test_too_many_regions_are_refused_with_their_number(stub: pb_grpc.ZeroShotServiceStub) -> None:
    regions = [pb.Region(id=str(i), width=1, height=1) for i in range(65)]
    with pytest.raises(grpc.RpcError) as caught:
        results(stub, config(regions=regions))
    error = error_details(caught.value)
    assert (error.code, error.field) == ("RESOURCE_EXHAUSTED", "config.regions")
    assert error.metadata == {"limit": "max_regions", "maximum": "64", "actual": "65"}


def test_many_scores_are_those_of_few(stub: pb_grpc.ZeroShotServiceStub) -> None:
    """Frames with so many scores that they are scored and written on a thread of their own."""
    names, regions = [f"label {i}" for i in range(300)], grid(2)
    rule = pb.EventRule(label="label 7", region_id="3", enter_at=0.0001, min_present=Duration(), trail_count=1)
    frames = [frame(i, jpeg(i % 2)) for i in range(1, 12)]
    responses = list(stub.StreamFrames(iter([config(*names, regions=regions, rules=[rule]), *frames])))
    found = [response.result for response in responses if response.HasField("result")]
    (event,) = (response.event for response in responses if response.HasField("event"))
    assert [result.frame_id for result in found] == list(range(1, 12))
    for result in found:
        for region in result.scores.regions:
            probabilities = [score.probability for score in region.scores]
            assert probabilities == sorted(probabilities, reverse=True)
            assert sum(probabilities) == pytest.approx(1, abs=1e-4)
            assert sorted(score.label for score in region.scores) == sorted(names)
    seen = {score.label: score for score in found[0].scores.regions[3].scores}
    assert (event.frame_id, event.score) == (1, seen["label 7"].probability)
    best = next(score for score in found[0].scores.regions[3].scores if score.label != "label 7")
    assert event.trail.runner_up == best
    top = results(stub, config(*names, regions=regions, top_count=5), *frames)
    for few, all_of_them in zip(top, found, strict=True):
        for one, other in zip(few.scores.regions, all_of_them.scores.regions, strict=True):
            assert [score.label for score in one.scores] == [score.label for score in other.scores[:5]]
