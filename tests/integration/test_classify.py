"""Classify over real gRPC."""

from __future__ import annotations

import grpc
import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from tests.integration.conftest import MakeServer, image, jpeg, label_set
from tests.integration.errors import error_details


@pytest.mark.parametrize("count", [1, 2, 10, 1000])
def test_scores_are_sorted_and_sum_to_one(stub: pb_grpc.ZeroShotServiceStub, count: int) -> None:
    names = [f"thing {i}" for i in range(count)]
    response = stub.Classify(pb.ClassifyRequest(image=image(), label_set=label_set(*names)))
    probabilities = [score.probability for score in response.scores]
    assert sum(probabilities) == pytest.approx(1, abs=1e-4)
    assert probabilities == sorted(probabilities, reverse=True)
    assert sorted(score.label for score in response.scores) == sorted(names)
    assert all(-1 <= score.similarity <= 1 for score in response.scores)


def test_top_count_keeps_the_best_scores(stub: pb_grpc.ZeroShotServiceStub) -> None:
    request = pb.ClassifyRequest(image=image(), label_set=label_set("a", "b", "c", "d"))
    every = stub.Classify(request).scores
    request.top_count = 2
    assert list(stub.Classify(request).scores) == list(every[:2])
    request.top_count = 99
    assert list(stub.Classify(request).scores) == list(every)


def test_the_response_has_model_and_timings(stub: pb_grpc.ZeroShotServiceStub) -> None:
    new = image(jpeg(seed=3401))  # the vector of an earlier image could come from the cache, without timings
    response = stub.Classify(pb.ClassifyRequest(image=new, label_set=label_set("a"), model="demo"))
    assert response.model == "demo"
    assert response.timings.decode.ToNanoseconds() > 0
    assert response.timings.inference.ToNanoseconds() > 0
    assert response.timings.batch_size >= 1


def test_absent_empty_own_and_several_templates_differ(stub: pb_grpc.ZeroShotServiceStub) -> None:
    def similarity(templates: list[str] | None, *prompts: str) -> float:
        labels = pb.LabelSet(labels=[pb.Label(name="box", prompts=prompts)])
        if templates is not None:
            labels.templates.CopyFrom(pb.PromptTemplates(templates=templates))
        return stub.Classify(pb.ClassifyRequest(image=image(), label_set=labels)).scores[0].similarity

    absent = similarity(None)
    assert absent == pytest.approx(similarity(["a photo of {label}"]), abs=1e-6), "the default template"
    assert similarity([]) == pytest.approx(similarity(["{label}"]), abs=1e-6), (
        "without templates the name is the prompt"
    )
    assert similarity(["ignored {label}"], "a photo of box") == pytest.approx(absent, abs=1e-6), (
        "own prompts are used verbatim"
    )
    first, second = similarity(["{label} at night"]), similarity(["a drawing of {label}"])
    both = similarity(["{label} at night", "a drawing of {label}"])
    # the mean of two unit vectors is no longer than 1, and normalising it can only bring the cosine farther from 0
    assert abs(both) >= abs(first + second) / 2 - 1e-6, "the ensemble's direction lies between its members'"
    assert len({round(value, 5) for value in (absent, similarity([]), first, second, both)}) == 5


LABELS = label_set("a", "b")


@pytest.mark.parametrize(
    ("request_", "code", "reason", "field"),
    [
        pytest.param(
            pb.ClassifyRequest(image=image()), "INVALID_ARGUMENT", "MISSING_FIELD", "label_set", id="no label set"
        ),
        pytest.param(
            pb.ClassifyRequest(image=image(), label_set=pb.LabelSet()),
            "INVALID_ARGUMENT", "INVALID_LABEL_SET", "label_set.labels", id="empty label set",
        ),
        pytest.param(
            pb.ClassifyRequest(image=image(), label_set=label_set("a", "b", "a")),
            "INVALID_ARGUMENT", "INVALID_LABEL_SET", "label_set.labels[2].name", id="repeated label",
        ),
        pytest.param(
            pb.ClassifyRequest(image=image(), label_set=label_set("a", "")),
            "INVALID_ARGUMENT", "INVALID_LABEL_SET", "label_set.labels[1].name", id="empty name",
        ),
        pytest.param(
            pb.ClassifyRequest(
                image=image(), label_set=pb.LabelSet(labels=LABELS.labels, templates=pb.PromptTemplates(templates=["x"]))
            ),
            "INVALID_ARGUMENT", "INVALID_LABEL_SET", "label_set.templates.templates[0]", id="bad template",
        ),
        pytest.param(
            pb.ClassifyRequest(image=image(), label_set=label_set(*(str(i) for i in range(1001)))),
            "RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED", "label_set.labels", id="too many labels",
        ),
        pytest.param(
            pb.ClassifyRequest(label_set=LABELS), "INVALID_ARGUMENT", "EMPTY_IMAGE", "image", id="no image"
        ),
        pytest.param(
            pb.ClassifyRequest(image=pb.Image(encoded=b""), label_set=LABELS),
            "INVALID_ARGUMENT", "EMPTY_IMAGE", "image.encoded", id="empty image",
        ),
        pytest.param(
            pb.ClassifyRequest(image=image(b"GIF89a..."), label_set=LABELS),
            "INVALID_ARGUMENT", "UNSUPPORTED_FORMAT", "image.encoded", id="a GIF",
        ),
        pytest.param(
            pb.ClassifyRequest(image=image(jpeg()[:-200]), label_set=LABELS),
            "INVALID_ARGUMENT", "UNDECODABLE_IMAGE", "image.encoded", id="a JPEG cut off",
        ),
        pytest.param(
            pb.ClassifyRequest(image=pb.Image(raw=pb.RawImage(data=b"abc", width=1, height=1)), label_set=LABELS),
            "INVALID_ARGUMENT", "INVALID_RAW_IMAGE", "image.raw.pixel_format", id="no pixel format",
        ),
        pytest.param(
            pb.ClassifyRequest(
                image=pb.Image(raw=pb.RawImage(data=b"ab", width=1, height=1, pixel_format=pb.PIXEL_FORMAT_RGB24)),
                label_set=LABELS,
            ),
            "INVALID_ARGUMENT", "INVALID_RAW_IMAGE", "image.raw.data", id="too few raw bytes",
        ),
        pytest.param(
            pb.ClassifyRequest(image=image(), label_set=LABELS, model="nope"), "NOT_FOUND", "MODEL_NOT_FOUND", "", id="unknown model"
        ),
    ],
)  # fmt: skip
def test_an_invalid_request_is_refused_with_code_reason_and_field(
    stub: pb_grpc.ZeroShotServiceStub, request_: pb.ClassifyRequest, code: str, reason: str, field: str
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        stub.Classify(request_)
    error = error_details(caught.value)
    assert (error.code, error.reason, error.field) == (code, reason, field)
    assert len(error.message) > 20


def test_the_error_of_an_unknown_model_lists_the_models(stub: pb_grpc.ZeroShotServiceStub) -> None:
    with pytest.raises(grpc.RpcError, match="there is: demo"):
        stub.Classify(pb.ClassifyRequest(image=image(), label_set=LABELS, model="nope"))


async def test_an_exceeded_limit_is_reported_with_its_value(make_server: MakeServer) -> None:
    stub = await make_server(max_image_bytes=1000, max_image_pixels=100)
    for data, limit, maximum, actual in [
        (jpeg(1, 640, 480), "max_image_bytes", 1000, len(jpeg(1, 640, 480))),
        (jpeg(1, 12, 10), "max_image_pixels", 100, 120),
    ]:
        with pytest.raises(grpc.RpcError) as caught:
            await stub.Classify(pb.ClassifyRequest(image=image(data), label_set=LABELS))
        error = error_details(caught.value)
        assert (error.code, error.reason, error.field) == ("RESOURCE_EXHAUSTED", "IMAGE_TOO_LARGE", "image.encoded")
        assert error.metadata == {"limit": limit, "maximum": str(maximum), "actual": str(actual)}


async def test_an_internal_error_hides_its_text_and_logs_it_with_an_id(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stub = await make_server()

    def fail(*_: object) -> None:
        raise RuntimeError("secret inner text")

    monkeypatch.setattr("framewatch_server.vision.towers.torch_images.TorchImageTower.encode", fail)
    with pytest.raises(grpc.RpcError) as caught:
        await stub.Classify(pb.ClassifyRequest(image=image(), label_set=LABELS))
    error = error_details(caught.value)
    assert (error.code, error.reason) == ("INTERNAL", "INTERNAL")
    assert "secret" not in error.message
    written = capsys.readouterr()
    assert error.metadata["error_id"] in written.out + written.err
    assert "secret inner text" in written.out + written.err


def test_a_single_label_is_warned_of(stub: pb_grpc.ZeroShotServiceStub) -> None:
    response = stub.Classify(pb.ClassifyRequest(image=image(), label_set=label_set("a box")))
    assert [(warning.reason, warning.field) for warning in response.warnings] == [("SINGLE_LABEL", "label_set.labels")]
    assert not stub.Classify(pb.ClassifyRequest(image=image(), label_set=label_set("a box", "a belt"))).warnings


@pytest.mark.parametrize(
    ("kinds", "warned"),
    [
        pytest.param([], True, id="scores alone"),
        pytest.param([pb.SCORE_KIND_PRESENCE], False, id="presence"),
        pytest.param([pb.SCORE_KIND_PRESENCE, pb.SCORE_KIND_PROBABILITY], True, id="probability too"),
    ],
)
def test_a_stream_of_a_single_label_is_warned_of_if_it_goes_by_probability(
    stub: pb_grpc.ZeroShotServiceStub, kinds: list[pb.ScoreKind], warned: bool
) -> None:
    rules = [pb.EventRule(id=str(kind), label="a box", enter_at=0.5, score_kind=kind) for kind in kinds]
    config = pb.StreamConfig(label_set=label_set("a box"), rules=rules)
    responses = stub.StreamFrames(iter([pb.StreamFramesRequest(config=config)]))
    reasons = [each.reason for response in responses for each in response.config_warnings.warnings]
    assert reasons == ["SINGLE_LABEL"] * warned
