"""Many pictures in several calls at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import cv2
import grpc
import numpy as np
import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_cli.index.models import ModelMismatch, pick_model
from framewatch_cli.index.sources import FileState, Picture
from framewatch_cli.pictures import embedding
from framewatch_cli.pictures.embedding import embed_pictures, in_batches, may_be_one_picture, refused_image
from framewatch_client import AsyncFramewatchClient, FramewatchCallError, ModelNotFound
from framewatch_client.models import Model, models
from tests.unit.framewatch_cli.index.test_draft import index_of
from tests.unit.framewatch_client.fake_server import Context, FakeService, fake_model, start

PNG = cv2.imencode(".png", np.full((8, 8, 3), (0, 0, 255), dtype=np.uint8))[1].tobytes()


def picture(number: int, data: bytes = PNG) -> Picture:
    return Picture(FileState(Path(f"/{number}.png"), 1, 1), None, data)


def model(name: str = "fake", weights_digest: str = "0123456789abcdef") -> Model:
    return models(pb.ListModelsResponse(models=[fake_model(name, weights_digest)]))[0]


class Sink:
    """Remembers what became of the pictures."""

    def __init__(self) -> None:
        self.taken: dict[str, list[float]] = {}
        self.refused: dict[str, str] = {}

    def take(self, picture: Picture, vector: np.ndarray) -> None:
        self.taken[picture.file.path.stem] = vector.tolist()

    def refuse(self, picture: Picture, why: str) -> None:
        self.refused[picture.file.path.stem] = why


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([1] * 8, [8]),
        ([1] * 17, [8, 8, 1]),
        ([60, 60], [1, 1]),
        ([60, 40, 1], [2, 1]),
        ([200, 1, 200], [1, 1, 1]),
    ],
    ids=["none", "one batch", "by count", "by bytes", "just enough", "one alone has more"],
)
def test_batches(sizes: list[int], expected: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "BATCH_BYTES", 100)
    pictures = iter([picture(number, b"x" * size) for number, size in enumerate(sizes)])
    assert [len(batch) for batch in in_batches(pictures)] == expected


async def test_every_picture_has_its_vector_and_a_broken_one_takes_no_other_with_it(
    address: str, service: FakeService
) -> None:
    sink = Sink()
    broken = {3, 4, 40}
    pictures = iter([picture(number, b"junk" if number in broken else PNG) for number in range(50)])
    async with AsyncFramewatchClient(address) as client:
        await embed_pictures(client, pictures, model(), sink.take, sink.refuse)
    assert sink.taken == {str(number): [0, 0, 1] for number in range(50) if number not in broken}
    assert sink.refused == dict.fromkeys(map(str, sorted(broken)), "this is no image [UNSUPPORTED_FORMAT]")
    assert all(len(call.images) <= 8 for call in service.calls if isinstance(call, pb.EmbedRequest))


class HoldingService(FakeService):
    """Answers when four calls wait, so that fewer would be a stall."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = 0
        self.full = asyncio.Event()

    async def Embed(self, request: pb.EmbedRequest, context: Context) -> pb.EmbedResponse:  # noqa: N802
        self.waiting += 1
        if self.waiting == embedding.CALLS_AT_ONCE:
            self.full.set()
        await self.full.wait()
        return await super().Embed(request, context)


async def test_several_calls_are_under_way_and_no_more_is_read_than_they_need() -> None:
    service = HoldingService()
    read: list[int] = []
    ahead: list[int] = []

    def pictures() -> Iterator[Picture]:
        for number in range(200):
            read.append(number)
            ahead.append(len(read) - len(sink.taken))
            yield picture(number)

    sink = Sink()
    server, address = await start(service)
    async with AsyncFramewatchClient(address) as client:
        await embed_pictures(client, pictures(), model(), sink.take, sink.refuse)
    await server.stop(None)
    assert len(sink.taken) == 200
    assert max(ahead) <= embedding.CALLS_AT_ONCE * embedding.BATCH_PICTURES + 1


async def test_other_faults_end_it_and_what_was_taken_stays(address: str, service: FakeService) -> None:
    sink = Sink()

    def pictures() -> Iterator[Picture]:
        yield from map(picture, range(100))
        service.unary_faults = [grpc.StatusCode.UNIMPLEMENTED]
        yield from map(picture, range(100, 2000))

    async with AsyncFramewatchClient(address) as client:
        with pytest.raises(FramewatchCallError, match="does not offer"):
            await embed_pictures(client, pictures(), model(), sink.take, sink.refuse)
    assert 0 < len(sink.taken) < 2000


def shade(number: int) -> bytes:
    """Pictures that differ."""
    return cv2.imencode(".png", np.full((8, 8, 3), (0, 0, 50 + number), dtype=np.uint8))[1].tobytes()


@pytest.mark.parametrize(
    ("count", "bad"),
    [(20, {3}), (20, {0, 1, 2, 3, 4, 5, 6, 19}), (17, {16}), (2, {0})],
    ids=["one", "many", "the last, alone", "the first"],
)
async def test_pictures_that_fail_without_a_word_are_found_and_left_out(
    address: str, service: FakeService, count: int, bad: set[int]
) -> None:
    sink = Sink()
    service.unembeddable = {shade(number) for number in bad}
    async with AsyncFramewatchClient(address) as client:
        pictures = iter([picture(number, shade(number)) for number in range(count)])
        await embed_pictures(client, pictures, model(), sink.take, sink.refuse)
    assert sink.refused == dict.fromkeys(map(str, sorted(bad)), "no finite numbers [INTERNAL]")
    assert len(sink.taken) == count - len(bad)


@pytest.mark.parametrize("count", [1, 3, 1000])
async def test_a_server_that_fails_with_all_pictures_ends_it_soon(
    address: str, service: FakeService, count: int
) -> None:
    sink = Sink()
    service.unembeddable = {PNG}
    async with AsyncFramewatchClient(address) as client:
        with pytest.raises(
            FramewatchCallError, match=r"no finite numbers; each of these failed alone.*\.png"
        ) as caught:
            await embed_pictures(client, iter([picture(n) for n in range(count)]), model(), sink.take, sink.refuse)
    assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert (sink.taken, sink.refused) == ({}, {})
    assert len(service.calls) <= 2 * embedding.CALLS_AT_ONCE + embedding.MAX_SUSPECTS


async def test_a_server_that_fails_from_some_moment_on_ends_it(address: str, service: FakeService) -> None:
    sink = Sink()
    service.embeds_left = 3
    async with AsyncFramewatchClient(address) as client:
        with pytest.raises(FramewatchCallError, match="as told"):
            await embed_pictures(client, iter([picture(n) for n in range(1000)]), model(), sink.take, sink.refuse)
    assert len(sink.taken) == 24
    assert sink.refused == {}


async def test_a_model_that_was_replaced_on_the_way(address: str) -> None:
    sink = Sink()
    async with AsyncFramewatchClient(address) as client:
        with pytest.raises(FramewatchCallError, match="has other weights now") as caught:
            await embed_pictures(client, iter([picture(0)]), model("fake", "f" * 16), sink.take, sink.refuse)
    assert caught.value.reason == "MODEL_REPLACED"
    assert sink.taken == {}


def call_error(code: grpc.StatusCode, reason: str, *fields: str) -> FramewatchCallError:
    return FramewatchCallError(code, reason, "", fields=dict.fromkeys(fields, ""))


INVALID, EXHAUSTED = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    ("error", "count", "expected"),
    [
        (call_error(INVALID, "UNDECODABLE_IMAGE", "images[3].encoded"), 8, 3),
        (call_error(EXHAUSTED, "IMAGE_TOO_LARGE", "images[0]"), 8, 0),
        (call_error(INVALID, "UNDECODABLE_IMAGE", "images[8].encoded"), 8, None),
        (call_error(INVALID, "INVALID_FIELD", "texts[0]"), 8, None),
        (call_error(EXHAUSTED, "LIMIT_EXCEEDED"), 1, None),
        (call_error(EXHAUSTED, "RESOURCE_EXHAUSTED"), 1, 0),
        (call_error(EXHAUSTED, "RESOURCE_EXHAUSTED"), 2, None),
    ],
    ids=[
        "named",
        "too large",
        "none of them",
        "another field",
        "the server is full",
        "message too large",
        "of several",
    ],
)
def test_which_image_failed_the_call(error: FramewatchCallError, count: int, expected: int | None) -> None:
    assert refused_image(error, count) == expected


@pytest.mark.parametrize(
    ("error", "count", "expected"),
    [
        (call_error(grpc.StatusCode.INTERNAL, "INTERNAL"), 1, True),
        (call_error(grpc.StatusCode.UNKNOWN, "UNKNOWN"), 8, True),
        (call_error(EXHAUSTED, "RESOURCE_EXHAUSTED"), 8, True),
        (call_error(EXHAUSTED, "LIMIT_EXCEEDED"), 8, False),
        (call_error(grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING"), 8, False),
        (call_error(grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"), 8, False),
        (call_error(grpc.StatusCode.NOT_FOUND, "MODEL_NOT_FOUND"), 8, False),
        (call_error(INVALID, "INVALID_FIELD", "texts[0]"), 8, False),
    ],
    ids=["internal", "unknown", "message too large", "full", "unavailable", "late", "no model", "a field"],
)
def test_when_a_single_picture_may_have_failed_the_call(error: FramewatchCallError, count: int, expected: bool) -> None:
    assert may_be_one_picture(error, count) == expected


OWN, OTHER = model(), model("other", "f" * 16)
RENAMED = model("renamed")


@pytest.mark.parametrize(
    ("there", "name", "has_index", "expected"),
    [
        ([OTHER, OWN], "", False, OTHER),
        ([OTHER, OWN], "fake", False, OWN),
        ([OTHER, OWN], "", True, OWN),
        ([OTHER, OWN], "fake", True, OWN),
        ([OTHER, RENAMED], "", True, RENAMED),
        ([RENAMED, OWN], "", True, OWN),
        ([RENAMED, OWN], "renamed", True, RENAMED),
    ],
    ids=[
        "default",
        "by name",
        "the index's",
        "the index's by name",
        "by weights",
        "by weights and name",
        "same weights",
    ],
)
def test_the_model_of_an_index(there: list[Model], name: str, has_index: bool, expected: Model) -> None:
    assert pick_model(there, name, index_of() if has_index else None, Path("i.npz")) is expected


@pytest.mark.parametrize(
    ("there", "name", "has_index", "error", "match"),
    [
        (
            [OWN],
            "x",
            False,
            ModelNotFound,
            r"no model 'x' is loaded; there is: fake \(weights 0123456789abcdef\)",
        ),
        (
            [OTHER],
            "",
            True,
            ModelNotFound,
            "i.npz holds vectors of the model fake .* not loaded; there is: other",
        ),
        ([OTHER], "other", True, ModelNotFound, "not loaded"),
        ([OTHER, OWN], "other", True, ModelMismatch, "can't be compared with them: leave out --model"),
    ],
    ids=["no such model", "not there", "asked for another alone", "asked for another"],
)
def test_models_that_do_not_do(
    there: list[Model], name: str, has_index: bool, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        pick_model(there, name, index_of() if has_index else None, Path("i.npz"))
