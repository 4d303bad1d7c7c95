"""Attacks by calls: images, texts and messages that are too many, too large or broken."""

from __future__ import annotations

import asyncio

import grpc

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_bench.hostile.files import NAMES, damaged, honest_files, hostile_file
from framewatch_bench.hostile.requests import huge_counts, label_set
from framewatch_bench.hostile.target import CALL_TIMEOUT_S, Target, quietly

_SERVICE = "/framewatch.v1.ZeroShotService/"
_UNARY = ("Classify", "Similarity", "Embed", "ListModels")


async def hostile_files(target: Target) -> None:
    """Classifies every hostile file, several at once."""
    async with target.stub() as stub:
        for name in NAMES:
            request = pb.ClassifyRequest(image=pb.Image(encoded=hostile_file(name)), label_set=label_set(2))
            await quietly(*(target.count(stub.Classify(request, timeout=CALL_TIMEOUT_S)) for _ in range(2)))


async def damaged_files(target: Target) -> None:
    """Embeds files that a bad line has damaged, each in a call of its own."""
    async with target.stub() as stub:
        for number in range(120):
            file = damaged(honest_files()[number % len(honest_files())], target.rng)
            await target.count(stub.Embed(pb.EmbedRequest(images=[pb.Image(encoded=file)]), timeout=CALL_TIMEOUT_S))


async def cancelled_texts(target: Target) -> None:
    """Asks for 16 × 500 texts that nobody has asked for before, and leaves."""
    async with target.stub() as stub:
        calls = []
        for number in range(16):
            texts = [f"{target.rng.integers(2**60)} {number} {count}" for count in range(500)]
            calls.append(stub.Embed(pb.EmbedRequest(texts=texts), timeout=CALL_TIMEOUT_S))
        waiting = [asyncio.ensure_future(target.count(call)) for call in calls]
        await asyncio.sleep(0.5)
        for call in calls:
            call.cancel()
        await quietly(*waiting)


async def large_label_set(target: Target) -> None:
    """Classifies with 78 labels × 128 templates."""
    templates = pb.PromptTemplates(templates=[f"{target.rng.integers(2**40)} {{label}}" for _ in range(128)])
    labels = pb.LabelSet(labels=label_set(78).labels, templates=templates)
    request = pb.ClassifyRequest(image=pb.Image(encoded=honest_files()[0]), label_set=labels)
    async with target.stub() as stub:
        call = stub.Classify(request, timeout=CALL_TIMEOUT_S)
        waiting = asyncio.ensure_future(target.count(call))
        await asyncio.wait([waiting], timeout=3.0)
        call.cancel()
        await quietly(waiting)


async def large_requests(target: Target) -> None:
    """Sends 6 Embed calls of 56 MB each at once."""
    padding = honest_files()[0] + bytes(7_000_000)
    request = pb.EmbedRequest(images=[pb.Image(encoded=padding)] * 8)
    async with target.stub() as stub:
        await quietly(*(target.count(stub.Embed(request, timeout=CALL_TIMEOUT_S)) for _ in range(6)))


async def too_many_entries(target: Target) -> None:
    """Sends messages with 300,000 entries in each repeated field."""
    async with target.channel() as channel:
        for name, messages in huge_counts(300_000).items():
            for message in messages:
                await _send_bytes(target, channel, name, message)


async def garbage(target: Target) -> None:
    """Sends bytes that are no messages to every method."""
    async with target.channel() as channel:
        for name in (*_UNARY, "StreamFrames", "Nonsense"):
            for size in (1, 40, 4000):
                await _send_bytes(target, channel, name, target.rng.bytes(size))


async def _send_bytes(target: Target, channel: grpc.aio.Channel, name: str, message: bytes) -> None:
    """Sends a message on the wire."""
    if name != "StreamFrames":
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(_SERVICE + name)
        await target.count(call(message, timeout=CALL_TIMEOUT_S))
        return
    stream: grpc.aio.StreamStreamMultiCallable[bytes, pb.StreamFramesResponse] = channel.stream_stream(
        _SERVICE + name, response_deserializer=pb.StreamFramesResponse.FromString
    )
    await target.read_all(stream(iter([message]), timeout=CALL_TIMEOUT_S))
