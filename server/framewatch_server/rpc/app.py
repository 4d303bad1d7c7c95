"""The server's life: listen, load, warm, serve, drain."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from contextlib import AsyncExitStack
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Self

import grpc
import structlog
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from framewatch_core.errors import FramewatchError
from framewatch_server.config import ServerConfig
from framewatch_server.engine.models import Models
from framewatch_server.engine.scorer import Scorer
from framewatch_server.engine.settings import CacheSettings, EngineSettings
from framewatch_server.rpc.daemon_thread import in_daemon_thread
from framewatch_server.rpc.freed_memory import FreedMemory
from framewatch_server.rpc.health import HEALTH, Reflection
from framewatch_server.rpc.metrics import ServerCollector, serving_metrics
from framewatch_server.rpc.service import SERVICE_NAME, ZeroShotService, service_handler
from framewatch_server.rpc.serving_status import ServingStatus
from framewatch_server.vision.checkpoints.load import load_encoder
from framewatch_server.vision.pixels.decode import DecodeLimits
from framewatch_server.vision.pixels.room import PixelRoom
from framewatch_server.whole_files import write_whole

_ROOM_FOR_OTHER_CALLS = 4096
"""Calls at once of the health and reflection services, and of those that are just being refused; all have gates."""

_END_TIMEOUT_S = 5.0
"""Seconds that the handlers of calls may take to end once they are cancelled."""

_log = structlog.get_logger()


class ListenError(FramewatchError):
    """The address can't be listened on."""

    reason = "CANNOT_LISTEN"


def channel_options(config: ServerConfig) -> list[tuple[str, int]]:
    """Settings of gRPC for the listening side."""
    return [
        ("grpc.max_receive_message_length", config.max_message_bytes),
        ("grpc.so_reuseport", 0),  # a second server on the port must fail, not share it
        # without these two, gRPC buffers about 4 MB for a connection that is not read from
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.lookahead_bytes", 196_608),
        # cameras behind address translation are silent for hours: both sides ping, and both permit it
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.http2.ping_timeout_ms", 20_000),  # the one that counts if the client is stopped; a minute by default
        ("grpc.keepalive_permit_without_calls", 1),
        # A client may ping every 5 s. The limit is a little lower: pings arrive unevenly, and gRPC closes the
        # connection after three early ones.
        ("grpc.http2.min_ping_interval_without_data_ms", 4_000),
        ("grpc.http2.max_pings_without_data", 0),
    ]


def engine_settings(config: ServerConfig) -> EngineSettings:
    """Settings of each model's engine."""
    return EngineSettings(
        decode_limits=DecodeLimits(config.max_image_bytes, config.max_image_pixels, config.max_region_pixels),
        decode_threads=config.decode_threads,
        reduced_decode=config.jpeg_decode == "reduced",
        max_batch_size=config.max_batch_size,
        hang_timeout_s=config.hang_timeout_s,
        caches=CacheSettings(
            text_bytes=config.text_cache_bytes,
            example_bytes=config.example_cache_bytes,
            image_bytes=config.image_cache_bytes,
        ),
        pixel_room=PixelRoom(config.max_decoded_bytes),
    )


class ServerApp:
    """A server in this process; use as an async context manager, which serves from entry to exit."""

    def __init__(self, config: ServerConfig) -> None:
        self.config = config
        self.address = ""
        self.metrics_address = ""
        self._settings = engine_settings(config)
        self._service = ZeroShotService(config)
        self._status = ServingStatus(SERVICE_NAME)
        self._server = grpc.aio.server(
            options=channel_options(config),
            maximum_concurrent_rpcs=config.max_streams + config.max_calls + _ROOM_FOR_OTHER_CALLS,
        )
        self._stack = AsyncExitStack()
        self._scorers: list[Scorer] = []

    async def __aenter__(self) -> Self:
        try:
            await self._listen()
            await self._serve(await self._load())
        except BaseException:
            await self._end_calls(0)
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        _log.info("draining", timeout_s=self.config.drain_timeout_s)
        self._service.drain()
        self._status.draining()
        await self._end_calls(self.config.drain_timeout_s)
        await self._stack.aclose()
        _log.info("stopped")

    @property
    def hanging(self) -> tuple[str, ...]:
        """Names of the threads that did not end with the server."""
        return tuple(name for scorer in self._scorers for name in scorer.hanging)

    async def _end_calls(self, grace_s: float) -> None:
        """Waits for calls to end, cancels those that have not, and does not wait for one that ignores even that."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._server.stop(grace_s), grace_s + _END_TIMEOUT_S)

    async def _listen(self) -> None:
        """Opens the port before models are loaded, so that a taken port is reported at once."""
        self._server.add_generic_rpc_handlers((service_handler(self._service),))
        self._server.add_generic_rpc_handlers((self._status.health.handler(),))
        services = Reflection((SERVICE_NAME, HEALTH, reflection.SERVICE_NAME))
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(services, self._server)  # type: ignore[no-untyped-call]
        self._status.loading()
        host, _, _ = self.config.listen.rpartition(":")
        try:
            port = self._server.add_insecure_port(self.config.listen)
        except RuntimeError as error:
            raise ListenError(
                f"can't listen on {self.config.listen!r}: expected HOST:PORT that is free and this machine's; give "
                "another with --listen (port 0 picks a free one)"
            ) from error
        self.address = f"{host}:{port}"
        if self.config.metrics_listen is not None:
            collector = ServerCollector(lambda: self._service.scorers, self._service.under_way, self._held_bytes)
            self.metrics_address = self._stack.enter_context(serving_metrics(self.config.metrics_listen, collector))
        giving_back = asyncio.create_task(FreedMemory().run(), name="freed memory")
        self._stack.callback(giving_back.cancel)
        await self._server.start()
        _log.info("listening", address=self.address)

    async def _load(self) -> Models:
        """Loads and warms one model after the other, so that each finds the memory that the others have left."""
        self._stack.push_async_callback(self._end_scorers)
        return Models([await self._load_model(name) for name in self.config.models])

    async def _end_scorers(self) -> None:
        """Ends all models at once, so that threads that hang in several of them cost one timeout."""
        await asyncio.gather(*(scorer.stop() for scorer in self._scorers))

    def _held_bytes(self) -> dict[str, tuple[int, int]]:
        room = self._settings.pixel_room
        return {**self._service.held_bytes(), "decoded": (room.held, room.maximum)}

    async def _load_model(self, name: str) -> Scorer:
        config = self.config
        encoder = await in_daemon_thread(
            lambda: load_encoder(
                name,
                device=config.device,
                dtype=config.dtype,
                engine=config.engine,
                cache=config.cache_dir,
                quantisation_images_dir=config.quantisation_images_dir,
                offline=config.offline,
            )
        )
        scorer = Scorer(encoder, self._settings, on_health=partial(self._status.on_model_health, encoder.info.name))
        self._scorers.append(await scorer.__aenter__())
        await scorer.warm()
        info = scorer.info
        _log.info(
            "loaded", model=info.name, family=info.family, device=info.device, dtype=info.dtype, engine=info.engine
        )
        if info.is_demo:
            _log.warning(
                "this is the demo model: it knows a few rendered scenes and nothing else; "
                "give --model a CLIP checkpoint for real use"
            )
        return scorer

    async def _serve(self, models: Models) -> None:
        self._service.use(models)
        self._status.serving()
        if self.config.address_file is not None:
            await asyncio.to_thread(_write_address, self.config.address_file, self.address)
        _log.info("serving", address=self.address, models=[scorer.info.name for scorer in models])


def _write_address(path: Path, address: str) -> None:
    """Writes the address file; a disk that is full or read-only costs the file, not the server."""
    try:
        write_whole(path, address)
    except OSError as error:
        _log.error(
            "the address file can't be written: the server serves without it; give another with --address-file",
            file=str(path),
            because=error.strerror or str(error),
        )


class Ending(Enum):
    """The way a server ended; in all but the first, threads may still be in libraries that can't be stopped."""

    DRAINED = "every call was answered or cancelled, and all threads have ended"
    NOT_LOADED = "the signal came while models were loaded"
    HANGING = "a thread hangs"


async def serve(config: ServerConfig) -> Ending:
    """Serves until SIGTERM or SIGINT, then drains."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    stopping = asyncio.create_task(stop.wait(), name="stop")
    app = ServerApp(config)
    starting = asyncio.create_task(app.__aenter__(), name="start")
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        _log.info("stopped before serving")
        return Ending.NOT_LOADED
    await starting
    try:
        await stopping
    finally:
        await app.__aexit__()
    return Ending.HANGING if app.hanging else Ending.DRAINED
