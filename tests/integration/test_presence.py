"""Presence over real gRPC, by contrast and by examples, and the errors of broken examples."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import grpc
import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from framewatch_bench.demo.belt import render_belt_video
from framewatch_bench.demo.run import write_video
from framewatch_client import FramewatchClient, Label, Region, example_label, open_source
from tests.integration.belt import Pixels, assert_near, belt, belt_frames, box_label, passages, presence_rule, timed
from tests.integration.conftest import image, jpeg
from tests.integration.errors import error_details
from tests.paths import SHARED_DATA

TOLERANCE_S = 0.4


def presences(stub: pb_grpc.ZeroShotServiceStub, data: bytes, *labels: pb.Label) -> dict[str, float]:
    """Returns the presence of every label in a picture."""
    answer = stub.Classify(pb.ClassifyRequest(image=image(data), label_set=pb.LabelSet(labels=labels)))
    assert all(score.HasField("presence") for score in answer.scores)
    return {score.label: score.presence for score in answer.scores}


def test_presence_does_not_depend_on_other_labels(stub: pb_grpc.ZeroShotServiceStub) -> None:
    dog, box = pb.Label(name="a dog", contrast_prompts=["an empty room"]), pb.Label(name="a box")
    both = presences(stub, jpeg(1), dog, box)
    assert presences(stub, jpeg(1), dog)["a dog"] == pytest.approx(both["a dog"], abs=1e-4)
    assert presences(stub, jpeg(1), box, pb.Label(name="a car"))["a box"] == pytest.approx(both["a box"], abs=1e-4)


def test_presence_is_the_two_way_softmax_of_label_and_contrast(stub: pb_grpc.ZeroShotServiceStub) -> None:
    label = pb.Label(name="a dog", prompts=["a dog"], contrast_prompts=["an empty room"])
    pair = pb.LabelSet(
        labels=[pb.Label(name="a dog", prompts=["a dog"]), pb.Label(name="c", prompts=["an empty room"])]
    )
    answer = stub.Classify(pb.ClassifyRequest(image=image(jpeg(1)), label_set=pair))
    (two_way,) = (score.probability for score in answer.scores if score.label == "a dog")
    assert presences(stub, jpeg(1), label)["a dog"] == pytest.approx(two_way, abs=1e-4)


def test_the_default_contrast_is_as_documented(stub: pb_grpc.ZeroShotServiceStub) -> None:
    documented = ["an empty scene", "an empty room", "an empty street", "a blank wall"]
    given = presences(stub, jpeg(2), pb.Label(name="a dog", contrast_prompts=documented))
    assert presences(stub, jpeg(2), pb.Label(name="a dog")) == pytest.approx(given, abs=1e-4)


def test_examples_separate_pictures_that_prompts_can_not(stub: pb_grpc.ZeroShotServiceStub) -> None:
    label = pb.Label(name="x", examples=[image(jpeg(1))], counter_examples=[image(jpeg(2))])
    reversed_ = pb.Label(name="x", examples=[image(jpeg(2))], counter_examples=[image(jpeg(1))])
    same = pb.Label(name="x", examples=[image(jpeg(1))], counter_examples=[image(jpeg(1))])
    assert presences(stub, jpeg(1), label)["x"] > 0.9
    assert presences(stub, jpeg(2), label)["x"] < 0.1
    assert presences(stub, jpeg(1), reversed_)["x"] < 0.1
    assert presences(stub, jpeg(3), same)["x"] == 0.5


BROKEN = jpeg()[:-200]
BAD_COUNTER = pb.Label(name="b", examples=[image()], counter_examples=[image(BROKEN), image()])
BAD_EXAMPLE = pb.Label(name="b", examples=[image(), image(b"GIF89a")], counter_examples=[image()])
EMPTY = pb.Label(name="b", examples=[image()], counter_examples=[image(), pb.Image()])
LONELY = pb.Label(name="b", examples=[image()])
MANY = pb.Label(name="b", examples=[image(b"x")] * 65, counter_examples=[image()])


@pytest.mark.parametrize(
    ("label", "code", "reason", "field"),
    [
        pytest.param(
            BAD_COUNTER, "INVALID_ARGUMENT", "UNDECODABLE_IMAGE", "counter_examples[0].encoded", id="JPEG cut off"
        ),
        pytest.param(BAD_EXAMPLE, "INVALID_ARGUMENT", "UNSUPPORTED_FORMAT", "examples[1].encoded", id="a GIF"),
        pytest.param(EMPTY, "INVALID_ARGUMENT", "EMPTY_IMAGE", "counter_examples[1]", id="empty image"),
        pytest.param(LONELY, "INVALID_ARGUMENT", "INVALID_LABEL_SET", "counter_examples", id="no counter-examples"),
        pytest.param(MANY, "RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED", "examples", id="too many examples"),
    ],
)
def test_a_broken_example_names_its_field(
    stub: pb_grpc.ZeroShotServiceStub, label: pb.Label, code: str, reason: str, field: str
) -> None:
    labels = pb.LabelSet(labels=[pb.Label(name="a"), label])
    with pytest.raises(grpc.RpcError) as classify:
        stub.Classify(pb.ClassifyRequest(image=image(), label_set=labels))
    config = pb.StreamFramesRequest(config=pb.StreamConfig(label_set=labels))
    with pytest.raises(grpc.RpcError) as stream:
        list(stub.StreamFrames(iter([config])))
    for caught, prefix in ((classify, "label_set"), (stream, "config.label_set")):
        error = error_details(caught.value)
        assert (error.code, error.reason, error.field) == (code, reason, f"{prefix}.labels[1].{field}")


def test_each_label_names_its_own_broken_example(stub: pb_grpc.ZeroShotServiceStub) -> None:
    """Uses the examples of another test: calls share a failed discriminant, but each reports its own path."""
    labels = pb.LabelSet(labels=[BAD_COUNTER])
    with pytest.raises(grpc.RpcError) as caught:
        stub.Classify(pb.ClassifyRequest(image=image(), label_set=labels))
    assert error_details(caught.value).field == "label_set.labels[0].counter_examples[0].encoded"


def test_a_broken_image_is_reported_by_its_own_field_beside_good_examples(stub: pb_grpc.ZeroShotServiceStub) -> None:
    label = pb.Label(name="x", examples=[image(jpeg(1))], counter_examples=[image(jpeg(2))])
    with pytest.raises(grpc.RpcError) as caught:
        stub.Classify(pb.ClassifyRequest(image=image(BROKEN), label_set=pb.LabelSet(labels=[label])))
    assert error_details(caught.value).field == "image.encoded"


def test_examples_of_the_first_box_find_all_boxes(client: FramewatchClient) -> None:
    video, _ = belt()
    items = client.stream(timed(belt_frames()), [box_label(), "an empty belt"], rules=[presence_rule("box", id="box")])
    true = [(first / video.fps, (last + 1) / video.fps) for first, last in video.present]
    assert_near(passages(items), true, TOLERANCE_S)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_rule_without_times_does_not_flap(client: FramewatchClient, seed: int, tmp_path: Path) -> None:
    video = render_belt_video(seed)
    write_video(tmp_path / "belt.mp4", video)
    with open_source(str(tmp_path / "belt.mp4")) as frames:
        found = passages(client.stream(frames, ["box", "an empty conveyor belt"], rules=["box:0.8:0.5"]))
    assert len(found) == len(video.present)


def grab(video: Path, numbers: Sequence[int], region: Region | None = None) -> list[Pixels]:
    """Returns frames by their numbers, cropped to a region."""
    capture = cv2.VideoCapture(str(video))
    pictures = []
    for number in range(max(numbers) + 1):
        ok, frame = capture.read()
        assert ok
        if number in numbers:
            height, width = frame.shape[:2]
            left, top, right, bottom = region.pixel_box(width, height) if region else (0, 0, width, height)
            pictures.append(frame[top:bottom, left:right].copy())
    return pictures


@cache
def truth(name: str) -> dict[str, Any]:
    """Returns the ground truth of a shared video; skips the test where the video is missing."""
    if not (SHARED_DATA / name).is_file():
        pytest.skip("the shared example videos are not there (../shared/data)")
    return dict(json.loads((SHARED_DATA / "ground_truth.json").read_text())[name])


def tolerance_s(known: dict[str, Any]) -> float:
    return float(known["tolerance_frames"] / known["fps"])


def test_six_people_enter_and_exit(client: FramewatchClient) -> None:
    known, path = truth("person.mp4"), SHARED_DATA / "person.mp4"
    label = example_label("person", grab(path, [75, 105, 135, 165]), grab(path, [5, 25, 45, 55]))
    with open_source(str(path)) as source:
        items = list(client.stream(source, [label, "an empty room"], rules=[presence_rule("person", id="person")]))
    present = known["present"]["full"]
    fps = float(known["fps"])
    assert_near(passages(items, "person"), [(a / fps, b / fps) for a, b in present], tolerance_s(known))


def test_examples_of_one_region_find_bottles_in_three(client: FramewatchClient) -> None:
    known, path = truth("bottles.mp4"), SHARED_DATA / "bottles.mp4"
    regions = {name: Region(name, *box) for name, box in known["regions"].items()}
    left = regions["left"]
    label: Label = example_label("bottle", grab(path, [20, 80, 140, 190], left), grab(path, [235, 260, 290, 320], left))
    rules = [presence_rule("bottle", region) for region in regions]
    with open_source(str(path)) as source:
        items = list(client.stream(source, [label, "an empty table"], regions=regions.values(), rules=rules))
    fps = float(known["fps"])
    for region in regions:
        # a bottle that is present at the end has no EXITED, so edges are compared instead of intervals
        edges = [item.began_time_s for item in items if getattr(item, "rule_id", "") == region]
        expected = [frame / fps for interval in known["present"][region] for frame in interval]
        assert len(edges) in {len(expected), len(expected) - 1}
        assert edges == pytest.approx(expected[: len(edges)], abs=tolerance_s(known))
        assert all(later > earlier for earlier, later in pairwise(edges))
