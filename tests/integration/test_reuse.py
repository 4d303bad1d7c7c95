"""Reuse of embeddings over real gRPC, on drawn pictures and on real video."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from framewatch_bench.spawn import ServerProcess
from framewatch_client import Event, FrameResult, FramewatchClient, open_source
from tests.integration.conftest import encode, image, jpeg, label_set, picture
from tests.integration.errors import error_details
from tests.integration.streams import config, frame, results, seconds
from tests.paths import SHARED_DATA


def reused(result: pb.FrameResult) -> int | None:
    """Returns the id of the source frame; None: the frame was embedded."""
    region = result.scores.regions[0]
    return region.reused_frame_id if region.HasField("reused_frame_id") else None


def grainy(seed: int, pixels: Any) -> bytes:
    """Returns a picture with grain of its own, as a JPEG file."""
    grain = np.random.default_rng(seed).normal(0, 8, pixels.shape)
    return encode(np.clip(pixels + grain, 0, 255).astype(np.uint8), ".jpg")


def test_an_identical_file_reuses_the_source_frame_until_max_age(stub: pb_grpc.ZeroShotServiceStub) -> None:
    requests = [config(reuse=pb.Reuse(max_age=seconds(0.3)))]
    requests += [frame(i, jpeg(), i / 10) for i in range(6)] + [frame(6, jpeg(1), 0.6)]
    received = results(stub, *requests)
    source_frames = [None, 0, 0, None, 3, 3, None]
    assert [reused(result) for result in received] == source_frames
    assert [result.timings.batch_size > 0 for result in received] == [source is None for source in source_frames]
    assert received[1].scores.regions[0].scores == received[0].scores.regions[0].scores


@pytest.mark.parametrize(
    ("reuse", "expected"),
    [
        pytest.param(None, [None] * 5, id="absent: only identical files"),
        pytest.param(pb.Reuse(change_threshold=0.1), [None, 1, 1, None, 4], id="change threshold: grain is below it"),
        pytest.param(pb.Reuse(change_threshold=0.1, max_age=seconds(0)), [None] * 5, id="max_age 0: no reuse"),
    ],
)
def test_grain_is_no_change_for_a_change_threshold(
    stub: pb_grpc.ZeroShotServiceStub, reuse: pb.Reuse | None, expected: list[int | None]
) -> None:
    scenes = [picture(0, 640, 480)] * 3 + [picture(1, 640, 480)] * 2
    requests = [config(reuse=reuse), *(frame(i, grainy(i, scene)) for i, scene in enumerate(scenes, 1))]
    assert [reused(result) for result in results(stub, *requests)] == expected


def test_a_new_config_keeps_the_embedding_and_scores_it_again(stub: pb_grpc.ZeroShotServiceStub) -> None:
    requests = [config("a", "b"), frame(1, jpeg()), config("a", "c", "d"), frame(2, jpeg())]
    _, second = results(stub, *requests)
    assert reused(second) == 1
    classified = stub.Classify(pb.ClassifyRequest(image=image(jpeg()), label_set=label_set("a", "c", "d")))
    for streamed, single in zip(second.scores.regions[0].scores, classified.scores, strict=True):
        assert streamed.label == single.label
        assert streamed.probability == pytest.approx(single.probability, abs=1e-5)


@pytest.mark.parametrize(
    ("reuse", "field"),
    [
        pytest.param(pb.Reuse(change_threshold=1.5), "config.reuse.change_threshold", id="threshold above 1"),
        pytest.param(pb.Reuse(change_threshold=float("nan")), "config.reuse.change_threshold", id="NaN"),
        pytest.param(pb.Reuse(max_age=seconds(-1)), "config.reuse.max_age", id="negative age"),
    ],
)
def test_an_invalid_reuse_is_refused_with_its_field(
    stub: pb_grpc.ZeroShotServiceStub, reuse: pb.Reuse, field: str
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        results(stub, config(reuse=reuse))
    error = error_details(caught.value)
    assert (error.code, error.field) == ("INVALID_ARGUMENT", field)


@dataclass(frozen=True)
class Watched:
    """Ids of the embedded frames, and the events as kind, rule, frame and first frame."""

    embedded: set[int]
    events: list[tuple[str, str, int, int]]


def watch_person(address: str, **options: Any) -> Watched:
    labels = ["a person", "an empty room"]
    rules = [f"{label}:0.8:0.5:0.3:0.3" for label in labels]
    with FramewatchClient(address) as client, open_source(str(SHARED_DATA / "person.mp4")) as source:
        items = list(client.stream(source, labels, rules=rules, **options))
    frames = [item for item in items if isinstance(item, FrameResult)]
    events = [item for item in items if isinstance(item, Event)]
    return Watched(
        {frame.frame_id for frame in frames if frame.reused_frame_id is None},
        [(event.kind.name, event.rule_id, event.frame_id, event.began_frame_id) for event in events],
    )


def test_reuse_embeds_a_tenth_of_an_empty_room_and_emits_the_same_events(server: ServerProcess) -> None:
    if not (SHARED_DATA / "person.mp4").is_file():
        pytest.skip("the shared example videos are not there (../shared/data)")
    truth = json.loads((SHARED_DATA / "ground_truth.json").read_text())["person.mp4"]
    empty = set(range(truth["frames"]))
    for first, last in truth["present"]["full"]:
        empty -= set(range(first, last + 1))
    always = watch_person(server.address, max_reuse_age_s=0)
    sparing = watch_person(server.address, change_threshold=0.05)
    assert always.embedded >= empty
    assert 0 < 10 * len(sparing.embedded & empty) <= len(empty)
    assert sparing.events == always.events
    assert len(always.events) >= 12, "six people enter and exit"
