"""The Python client against the real server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import numpy as np
import pytest
from PIL import Image

from framewatch_bench.spawn import ServerProcess
from framewatch_client import (
    AsyncFramewatchClient,
    Event,
    EventKind,
    Frame,
    FrameResult,
    FrameStatus,
    FramewatchCallError,
    FramewatchClient,
    Reconfigure,
    ServerUnreachableError,
    event_rule,
)
from tests.integration.conftest import encode, jpeg, picture

LABELS = ["box", "a dog", "nothing"]


def test_every_kind_of_image_gives_the_same_scores(client: FramewatchClient, tmp_path: Path) -> None:
    pixels = picture(3)
    data = encode(pixels, ".png")
    path = tmp_path / "picture.png"
    path.write_bytes(data)
    images = [path, str(path), data, pixels, Image.fromarray(np.ascontiguousarray(pixels[:, :, ::-1]))]
    answers = [client.classify(image, LABELS) for image in images]
    for answer in answers:
        assert [s.label for s in answer.scores] == [s.label for s in answers[0].scores]
        assert [s.probability for s in answer.scores] == pytest.approx(
            [s.probability for s in answers[0].scores], abs=1e-6
        )
    assert answers[0].model == "demo"
    assert client.label(path, LABELS) == answers[0].label == answers[0].scores[0].label


def test_similarity_returns_a_cosine_per_candidate_and_the_best(client: FramewatchClient) -> None:
    answer = client.similarity(jpeg(1), [jpeg(2), jpeg(1), picture(3)])
    assert len(answer.similarities) == 3
    assert answer.similarities[1] == pytest.approx(1, abs=1e-3)
    assert answer.best_index == 1


def test_errors_carry_code_reason_and_field(client: FramewatchClient) -> None:
    with pytest.raises(FramewatchCallError) as caught:
        client.classify(b"junk", LABELS)
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.reason == "UNSUPPORTED_FORMAT"
    assert "image.encoded" in str(caught.value.fields)


def test_an_unreachable_server_is_reported() -> None:
    with (
        FramewatchClient("127.0.0.1:1", timeout_s=5) as client,
        pytest.raises(ServerUnreachableError, match=r"127\.0\.0\.1:1"),
    ):
        client.classify(jpeg(), LABELS)


def test_a_stream_yields_an_outcome_per_frame_and_continues_after_a_broken_one(client: FramewatchClient) -> None:
    frames = [Frame(jpeg(i) if i != 7 else b"junk", time_s=i / 10) for i in range(40)]
    results = list(client.stream(frames, LABELS))
    assert all(isinstance(item, FrameResult) for item in results)
    assert [r.frame_id for r in results if isinstance(r, FrameResult)] == list(range(40))
    bad = [r for r in results if isinstance(r, FrameResult) and r.status is FrameStatus.FAILED]
    assert [r.frame_id for r in bad] == [7]


def test_downscaled_frames_score_like_whole_ones(client: FramewatchClient) -> None:
    large = picture(5, 1280, 720)
    small, whole = (
        next(
            item for item in client.stream([Frame(large, 0.0)], LABELS, downscale=down) if isinstance(item, FrameResult)
        )
        for down in (True, False)
    )
    by_label = {score.label: score.probability for score in whole.scores}
    for score in small.scores:
        assert score.probability == pytest.approx(by_label[score.label], abs=0.02)


def test_events_and_a_new_config_keep_their_order_among_frames(client: FramewatchClient) -> None:
    always = event_rule("box", 0.0001, 0.00005, min_present_s=0)
    items = [
        Frame(jpeg(1), 0.0),
        Frame(jpeg(1), 0.1),
        Reconfigure(["a dog"], [event_rule("a dog", 0.5, min_present_s=0)]),
        Frame(jpeg(1), 0.2),
    ]
    results = list(client.stream(items, LABELS, rules=[always]))
    assert [item.kind if isinstance(item, Event) else item.config_version for item in results] == [
        1, EventKind.ENTERED, 1, 2, EventKind.EXITED, EventKind.ENTERED,
    ]  # fmt: skip


async def test_asynchronous_streams_run_side_by_side(server: ServerProcess) -> None:
    async with AsyncFramewatchClient(server.address) as client:

        async def watch(seed: int) -> list[int]:
            frames = [Frame(jpeg(seed), i / 10) for i in range(20)]
            return [item.frame_id async for item in client.stream(frames, LABELS) if isinstance(item, FrameResult)]

        assert await asyncio.gather(*(watch(seed) for seed in range(4))) == [list(range(20))] * 4


def test_leaving_a_stream_early_frees_its_place(server: ServerProcess) -> None:
    with FramewatchClient(server.address) as client:
        for _ in range(3):
            stream = client.stream((Frame(jpeg(), i / 10) for i in range(10_000)), LABELS)
            next(stream)
            stream.close()
        assert client.label(jpeg(), LABELS) in LABELS
