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
from framewatch_cli.index import embedding
from framewatch_cli.index.embedding import embed_pictures, in_batches
from framewatch_cli.index.sources import Picture
from framewatch_cli.pictures.faults import AllPicturesFailed, ModelReplaced
from framewatch_cli.pictures.folder import FileState
from framewatch_client import AsyncFramewatchClient, FramewatchCallError, InvalidResponse
from framewatch_core.models import Model
from framewatch_wire.models import models_from_proto
from tests.unit.framewatch_client.fake_server import Context, FakeService, fake_model, start

PNG = cv2.imencode(".png", np.full((8, 8, 3), (0, 0, 255), dtype=np.uint8))[1].tobytes()


def picture(number: int, data: bytes = PNG) -> Picture:
    return Picture(FileState(Path(f"/{number}.png"), 1, 1), None, data)


def model(name: str = "fake", weights_digest: str = "0123456789abcdef") -> Model:
    return models_from_proto(pb.ListModelsResponse(models=[fake_model(name, weights_digest)]))[0]


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
        with pytest.raises(AllPicturesFailed, match=r"no finite numbers; each of these failed alone.*\.png") as caught:
            await embed_pictures(client, iter([picture(n) for n in range(count)]), model(), sink.take, sink.refuse)
    assert caught.value.reason == "INTERNAL"
    assert isinstance(caught.value.__cause__, FramewatchCallError)
    assert caught.value.__cause__.code is grpc.StatusCode.INTERNAL
    assert (sink.taken, sink.refused) == ({}, {})
    assert len(service.calls) <= 2 * embedding.CALLS_AT_ONCE + embedding.MAX_SUSPECTS


async def test_a_server_that_fails_from_some_moment_on_ends_it(address: str, service: FakeService) -> None:
    sink = Sink()
    service.embeds_left = 3
    async with AsyncFramewatchClient(address) as client:
        with pytest.raises(AllPicturesFailed, match="as configured"):
            await embed_pictures(client, iter([picture(n) for n in range(1000)]), model(), sink.take, sink.refuse)
    assert len(sink.taken) == 24
    assert sink.refused == {}


class ShortService(FakeService):
    """Its vectors lack a number."""

    async def Embed(self, request: pb.EmbedRequest, context: Context) -> pb.EmbedResponse:  # noqa: N802
        response = await super().Embed(request, context)
        response.image_vectors = response.image_vectors[:-4]
        return response


async def test_an_answer_that_does_not_fit_ends_it_and_no_picture_is_at_fault() -> None:
    sink = Sink()
    server, address = await start(ShortService())
    async with AsyncFramewatchClient(address) as client:
        with pytest.raises(InvalidResponse, match="bytes of vectors for 8 images"):
            await embed_pictures(client, iter([picture(n) for n in range(100)]), model(), sink.take, sink.refuse)
    await server.stop(None)
    assert (sink.taken, sink.refused) == ({}, {})


async def test_a_model_that_was_replaced_on_the_way(address: str) -> None:
    sink = Sink()
    async with AsyncFramewatchClient(address) as client:
        with pytest.raises(ModelReplaced, match="has other weights now") as caught:
            await embed_pictures(client, iter([picture(0)]), model("fake", "f" * 16), sink.take, sink.refuse)
    assert caught.value.reason == "MODEL_REPLACED"
    assert sink.taken == {}
