"""Embed, ListModels and the similarity of sets, of both clients."""

from __future__ import annotations

import asyncio
from pathlib import Path

import cv2
import grpc
import numpy as np
import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_client import (
    AsyncFramewatchClient,
    ClientClosed,
    FramewatchClient,
    InvalidResponse,
    InvalidValue,
    RequestWarning,
    ScoreFunction,
)
from framewatch_client.aio import _usable_response
from framewatch_wire.calls import embeddings_from_proto
from framewatch_wire.models import models_from_proto
from tests.unit.framewatch_client.fake_server import FakeService, fake_model

GREY = np.full((8, 8), 128, dtype=np.uint8)


def png(colour: tuple[int, int, int]) -> bytes:
    return cv2.imencode(".png", np.full((8, 8, 3), colour, dtype=np.uint8))[1].tobytes()


RED, BLUE = png((0, 0, 255)), png((255, 0, 0))


async def test_embed(address: str, service: FakeService) -> None:
    service.warnings = [pb.Warning(reason="TEXT_TRUNCATED", message="too long", field="texts[0]")]
    async with AsyncFramewatchClient(address) as client:
        answer = await client.embed([RED, BLUE], ["a red bus"], model="fake")
    assert answer.images.dtype == answer.texts.dtype == np.float32
    assert answer.images.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert answer.texts.tolist() == [[0, 0, 1]]
    assert (answer.model, answer.weights_digest, answer.dimension) == ("fake", "0123456789abcdef", 3)
    assert answer.warnings == (RequestWarning("TEXT_TRUNCATED", "too long", "texts[0]"),)
    answer.images[0] = 0  # the caller's own


@pytest.mark.parametrize(
    ("images", "texts", "shapes"),
    [
        ([], [], ((0, 3), (0, 3))),
        (RED, (), ((1, 3), (0, 3))),
        ((RED, RED), "red", ((2, 3), (1, 3))),
        ((), ["red", "green", "blue"], ((0, 3), (3, 3))),
    ],
    ids=["nothing", "one image", "one text", "texts alone"],
)
async def test_one_or_many(address: str, images: object, texts: object, shapes: object) -> None:
    async with AsyncFramewatchClient(address) as client:
        answer = await client.embed(images, texts)  # type: ignore[arg-type]
    assert (answer.images.shape, answer.texts.shape) == shapes


async def test_embed_reads_files(address: str, picture_file: Path, service: FakeService) -> None:
    async with AsyncFramewatchClient(address) as client:
        assert (await client.embed(picture_file)).images.shape == (1, 3)
        with pytest.raises(FileNotFoundError):
            await client.embed("missing.png")
    assert len(service.calls) == 1


@pytest.mark.parametrize(
    ("message", "match"),
    [
        (pb.EmbedResponse(dimension=3, image_vectors=b"\0" * 12), r"12 bytes of vectors for 2 images of 3 numbers"),
        (pb.EmbedResponse(dimension=0), "0 bytes of vectors for 2 images of 0 numbers"),
        (pb.EmbedResponse(dimension=3, image_vectors=b"\0" * 24, text_vectors=b"\0"), "1 bytes of vectors for 0 texts"),
    ],
    ids=["too few", "no dimension", "texts that were not asked for"],
)
def test_vectors_that_do_not_fit(message: pb.EmbedResponse, match: str) -> None:
    with pytest.raises(InvalidResponse, match=match) as caught, _usable_response():
        embeddings_from_proto(message, image_count=2, text_count=0)
    assert caught.value.reason == "INVALID_RESPONSE"


async def test_list_models(address: str, service: FakeService) -> None:
    service.models = [fake_model(), fake_model("other", "f" * 16)]
    async with AsyncFramewatchClient(address) as client:
        default, other = await client.list_models()
    assert (default.name, default.family, default.image_width, default.image_height) == ("fake", "clip", 32, 32)
    assert (default.device, default.dtype, default.engine, default.max_text_tokens) == ("cpu", "float32", "torch", 77)
    assert (default.dimension, default.memory_bytes, default.is_demo) == (3, 5_000_000, False)
    assert default.score_function is ScoreFunction.SOFTMAX
    assert (other.name, other.weights_digest) == ("other", "f" * 16)


def test_an_unknown_score_function_is_none() -> None:
    message = pb.ListModelsResponse(models=[pb.Model(name="new", score_function=99)])  # type: ignore[arg-type]
    assert models_from_proto(message)[0].score_function is None


async def test_similarities(address: str, service: FakeService) -> None:
    async with AsyncFramewatchClient(address) as client:
        answer = await client.similarities([GREY, GREY], [GREY, GREY, GREY])
        assert (await client.similarities(GREY, GREY)).similarities.shape == (1, 1)
    matrix = answer.similarities
    assert answer.model == "fake"
    assert matrix.dtype == np.float32
    assert matrix.tolist() == [[0, 0.125, 0.25], [0.375, 0.5, 0.625]]
    request = service.calls[0]
    assert isinstance(request, pb.SimilarityRequest)
    assert (len(request.queries), len(request.candidates), request.HasField("query")) == (2, 3, False)


async def test_a_call_whose_client_is_closed_ends_with_an_error_of_the_library(
    address: str, service: FakeService
) -> None:
    service.embeds_left, service.hold_embeds = 0, True
    client = AsyncFramewatchClient(address)
    call = asyncio.ensure_future(client.embed(texts="a"))
    await asyncio.to_thread(service.waiting.wait)
    await client.aclose()
    with pytest.raises(ClientClosed):
        await call


async def test_a_negative_top_count_is_refused(address: str) -> None:
    async with AsyncFramewatchClient(address) as client:
        with pytest.raises(InvalidValue, match="top_count is -1"):
            await client.classify(GREY, ["a"], top_count=-1)


@pytest.mark.parametrize("call", ["embed", "list_models", "similarities"])
async def test_an_unavailable_server_is_asked_again(address: str, service: FakeService, call: str) -> None:
    service.unary_faults = [grpc.StatusCode.UNAVAILABLE]
    async with AsyncFramewatchClient(address) as client:
        match call:
            case "embed":
                await client.embed(texts="a")
            case "list_models":
                await client.list_models()
            case _:
                await client.similarities(GREY, GREY)
    assert len(service.calls) == 2


def test_blocking(thread_address: str) -> None:
    with FramewatchClient(thread_address) as client:
        assert client.embed([RED], "blue").images.tolist() == [[0, 0, 1]]
        assert [model.name for model in client.list_models()] == ["fake"]
        assert client.similarities([GREY], [GREY, GREY]).similarities.shape == (1, 2)


async def test_warnings_of_a_classification(address: str, service: FakeService) -> None:
    service.warnings = [pb.Warning(reason="TEXT_TRUNCATED", message="too long", field="label_set.labels[0].name")]
    async with AsyncFramewatchClient(address) as client:
        (warning,) = (await client.classify(GREY, ["a", "b"])).warnings
    assert str(warning) == "too long (label_set.labels[0].name) [TEXT_TRUNCATED]"
