"""Metrics over real HTTP."""

from __future__ import annotations

import asyncio
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_server.config import ServerConfig
from framewatch_server.rpc.app import ServerApp
from framewatch_server.rpc.metrics import MetricsListenError
from tests.integration.conftest import MakeServer, image, jpeg, label_set


async def scrape(address: str) -> dict[tuple[str, str, str], float]:
    """Returns every figure by its name, its model, and its cache or kind."""

    def read() -> str:
        with urllib.request.urlopen(f"http://{address}/metrics") as answer:
            return str(answer.read().decode())

    families = text_string_to_metric_families(await asyncio.to_thread(read))
    return {
        (
            sample.name,
            sample.labels.get("model", ""),
            sample.labels.get("cache", sample.labels.get("kind", "")),
        ): sample.value
        for family in families
        for sample in family.samples
    }


async def test_caches_count_and_are_bounded(make_server: MakeServer) -> None:
    room_for = 3 * (96 + 128) * 4
    stub = await make_server(metrics_listen="127.0.0.1:0", image_cache_bytes=room_for)
    address = stub.app.metrics_address
    request = pb.SimilarityRequest(query=image(jpeg(1)), candidates=[image(jpeg(2))])
    for _ in range(3):
        await stub.Similarity(request)
    await stub.Embed(pb.EmbedRequest(images=[image(jpeg(seed)) for seed in range(1, 9)]))
    await stub.Classify(pb.ClassifyRequest(image=image(jpeg(8)), label_set=label_set("a", "b")))
    figures = await scrape(address)
    hits, misses = (figures[f"framewatch_cache_{kind}_total", "demo", "images"] for kind in ("hits", "misses"))
    assert (hits, misses) == (4 + 2 + 1, 2 + 6)
    assert figures["framewatch_cache_bytes", "demo", "images"] == room_for
    assert figures["framewatch_cache_max_bytes", "demo", "images"] == room_for
    assert figures["framewatch_cache_misses_total", "demo", "texts"] == 1
    assert figures["framewatch_model_info", "demo", ""] == 1
    assert figures["framewatch_embedded_inputs_total", "demo", ""] == misses
    assert figures["framewatch_calls_under_way", "", "unary"] == 0
    assert figures["framewatch_held_bytes", "", "calls"] == 0
    assert figures["framewatch_held_bytes_limit", "", "calls"] == 512 * 1024 * 1024
    assert figures["framewatch_held_bytes", "", "decoded"] == 0
    assert figures["framewatch_held_bytes_limit", "", "decoded"] == 1024 * 1024 * 1024


async def test_an_address_that_is_in_use_is_reported(make_server: MakeServer) -> None:
    stub = await make_server(metrics_listen="127.0.0.1:0")
    taken = ServerConfig(models=("null",), listen="127.0.0.1:0", metrics_listen=stub.app.metrics_address)
    with pytest.raises(MetricsListenError, match="--metrics-listen"):
        async with ServerApp(taken):
            pass
