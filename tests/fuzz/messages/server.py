"""The real service in this process: its engine has no threads, and its model is eight numbers of a picture."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import MutableMapping, Sequence
from queue import SimpleQueue
from typing import Any

import grpc
import numpy as np
import numpy.typing as npt
import structlog

from framewatch_core.arrays import Float32Array
from framewatch_core.images.image import Image
from framewatch_core.labels.scoring import ScoreHead
from framewatch_core.stream.results import Timings
from framewatch_server.config import ServerConfig
from framewatch_server.engine.decoding import _Decoder
from framewatch_server.engine.device_thread.texts import TextRequest
from framewatch_server.engine.jobs import Embedded, Finished, Job
from framewatch_server.engine.models import Models
from framewatch_server.engine.scorer import Scorer, _prepare
from framewatch_server.rpc.app import engine_settings
from framewatch_server.rpc.service import ZeroShotService
from framewatch_server.vision.pixels.preprocess import PreprocessSpec
from framewatch_server.vision.pixels.view import PreparedView, View
from framewatch_server.vision.towers.encoder import BlockingImageTower, Encoder, ModelInfo

_SIDE, _DIMENSION, _FEATURES = 8, 8, 4
_CACHED_PICTURES = 500

CONFIG = ServerConfig(models=("null",), decode_threads=1, stream_running_frames=2, stream_waiting_frames=2)


class Log:
    """Counts log entries, of structlog and of Python's loggers, and drops them."""

    def __init__(self) -> None:
        self.entries: list[str] = []
        structlog.configure(processors=[self._take])
        self._handler = logging.Handler()
        self._handler.emit = lambda record: self.entries.append(record.getMessage())  # type: ignore[method-assign]
        logging.getLogger().addHandler(self._handler)

    def close(self) -> None:
        """Leaves the loggers as they were."""
        structlog.reset_defaults()
        logging.getLogger().removeHandler(self._handler)

    def _take(self, _: object, level: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if level not in {"debug", "info"}:
            self.entries.append(f"{entry.get('event')}: {entry.get('exc_info')!r}")
        raise structlog.DropEvent


class _Images(BlockingImageTower):
    image_size = (_SIDE, _SIDE)

    def encode(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        means = pixels.reshape(len(pixels), -1, 16).mean(axis=1)[:, : _DIMENSION + _FEATURES]
        vectors = means.astype(np.float32) + np.arange(1, 1 + _DIMENSION + _FEATURES, dtype=np.float32)
        parts = vectors[:, :_DIMENSION], vectors[:, _DIMENSION:]
        return np.concatenate([part / np.linalg.norm(part, axis=1, keepdims=True) for part in parts], axis=1)


class _Texts:
    def encode(self, texts: Sequence[str]) -> Float32Array:
        seeds = np.array([[len(text), sum(text.encode()) % 251] for text in texts], np.float32)
        vectors = np.cos(seeds @ np.arange(1, 1 + 2 * _DIMENSION, dtype=np.float32).reshape(2, _DIMENSION)) + 1.5
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)

    def cut_off(self, texts: Sequence[str]) -> frozenset[str]:
        return frozenset(text for text in texts if len(text) > 100)


class FuzzedServer:
    """The service with one model, whose pipeline does everything in the event loop; make it inside of one."""

    def __init__(self) -> None:
        info = ModelInfo("m", "null", (_SIDE, _SIDE), _DIMENSION, _FEATURES, "none", "float32")
        spec = PreprocessSpec(_SIDE, (_SIDE, _SIDE), resample=3, mean=(0.0,) * 3, std=(1.0,) * 3)
        self._encoder = Encoder(info, spec, ScoreHead(logit_scale=10.0), _Images(), _Texts())
        self._settings = engine_settings(CONFIG)
        self._scorer = Scorer(self._encoder, self._settings)
        self._prepared: dict[tuple[Image, View], PreparedView] = {}
        self._loop = asyncio.get_running_loop()
        self._join_threads()
        self.service = ZeroShotService(CONFIG)
        self.service.use(Models([self._scorer]))

    def _join_threads(self) -> None:
        """Puts functions of this loop in the place of the pipeline's threads."""
        self._pipeline = self._scorer._pipeline
        self._pipeline._loop = self._loop
        self._decoder = _Decoder("fuzz", SimpleQueue(), self._prepare, self._embed, self._deliver)
        self._pipeline._decoders.put = lambda job: self._deliver(self._decoder._decoded(job))  # type: ignore[method-assign]
        self._pipeline._device.embed = self._embed_texts  # type: ignore[method-assign]

    def _prepare(self, image: Image, view: View) -> PreparedView:
        if (found := self._prepared.get((image, view))) is None:
            found = _prepare(self._encoder, self._settings, image, view)
            if len(self._prepared) >= _CACHED_PICTURES:
                self._prepared.clear()
            self._prepared[image, view] = found
        return found

    def _embed(self, job: Job) -> None:
        vectors = self._encoder.images.encode(job.decoded_pixels)
        self._deliver([(job, Embedded(vectors, Timings(1, 1, 1, 1), job.pictures))])

    def _embed_texts(self, request: TextRequest) -> None:
        texts = []
        while request.is_waiting:
            texts.append(request.take())
        request.add(self._encoder.texts.encode(texts), self._encoder.texts.cut_off(texts))

    def _deliver(self, finished: Finished) -> None:
        if finished:
            self._loop.call_soon(self._pipeline._deliver, finished)


class Aborted(Exception):
    """Raised in place of grpc's own."""


class Call:
    """The context of a call, with its requests, its responses and its end."""

    def __init__(self, *requests: bytes) -> None:
        self.requests = list(requests)
        self.taken = 0
        self.sent: list[object] = []
        self.code = grpc.StatusCode.OK
        self.message = ""
        self.trailers: Sequence[tuple[str, bytes]] = ()

    def peer(self) -> str:
        return "ipv4:127.0.0.1:1"

    async def read(self) -> object:
        if self.taken == len(self.requests):
            return grpc.aio.EOF
        self.taken += 1
        return self.requests[self.taken - 1]

    async def write(self, message: object) -> None:
        self.sent.append(message)

    async def abort(self, code: grpc.StatusCode, message: str, trailers: Sequence[tuple[str, bytes]] = ()) -> None:
        self.code, self.message, self.trailers = code, message, trailers
        raise Aborted
