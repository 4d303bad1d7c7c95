"""From pictures to embeddings: threads that decode, and one thread that has the device.

    lanes → RoundRobin (event loop) → decode threads → device thread, in batches → event loop

Whose picture is next is decided in the event loop, before anything is spent on it; from there on everything goes in the
order of its admission. The device takes what is decoded, up to its batch size, the moment it is free: there is no
timer, so a lone picture never waits for company, and under load batches fill by themselves. A frame costs no task and
no future here: its job is handed from thread to thread, and a batch's results come back to the event loop in one call.
A frame that shows nothing new never gets to the device (see `reuse`).
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Self, TypeAlias, TypeVar

import numpy as np
import structlog

from framewatch_core.errors import InternalError, ServerDraining, ServerUnavailable
from framewatch_core.frames import Timings
from framewatch_core.images import Image
from framewatch_core.queueing import Lane, RoundRobin
from framewatch_core.scoring import Float32Array
from framewatch_server.engine.reuse import Look, Verdict
from framewatch_server.vision.decode import UInt8Array
from framewatch_server.vision.encoder import DeviceOutOfMemory, Encoder
from framewatch_server.vision.thumbnail import thumbnail

ResultT = TypeVar("ResultT")

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Embedded:
    """A picture's embedding.

    Attributes:
        vector: L2-normalised, `[dimension]`.
        timings: where the time went.
        reused_frame_id: of the earlier frame whose embedding it is; None: it is the picture's own.

    """

    vector: Float32Array
    timings: Timings
    reused_frame_id: int | None = None


class Job:
    """A picture to embed, and who wants to know; subclasses say what happens with the result."""

    __slots__ = ("asked_ns", "cancelled", "decode_ns", "decoded_ns", "image", "look", "pixels", "waited_ns")

    def __init__(self, image: Image, look: Look[Job] | None = None) -> None:
        """`look`: how the picture's stream remembers it; None: the picture is embedded whatever it shows."""
        self.image: Image | None = image
        self.look = look
        self.pixels: UInt8Array | None = None
        self.cancelled = False
        self.asked_ns = time.perf_counter_ns()
        self.waited_ns = 0
        self.decode_ns = 0
        self.decoded_ns = 0

    def done(self, result: Embedded | Exception) -> None:
        """Takes the embedding or why there is none; called once in the event loop, unless the job was cancelled."""
        raise NotImplementedError

    def cancel(self) -> None:
        """Nobody wants the result any more: the job costs no decoding and no device time from here on."""
        self.cancelled = True
        self.image = None


Finished: TypeAlias = list[tuple[Job, Embedded | Exception]]


class _Call:
    """A function for the device thread, and who waits for its result."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self.future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._loop = asyncio.get_running_loop()

    def run(self) -> None:
        try:
            result = self._function()
        except Exception as error:
            self.refuse(error)
        else:
            _post(self._loop, _fulfil, self.future, result)

    def refuse(self, error: Exception) -> None:
        _post(self._loop, _fail, self.future, error)


class Pipeline:
    """Owns the threads; use as an async context manager, from one event loop."""

    def __init__(
        self,
        encoder: Encoder,
        read: Callable[[Image], UInt8Array],
        *,
        max_batch_size: int,
        decode_threads: int,
        on_health: Callable[[bool], None] = lambda _: None,
    ) -> None:
        """Sets up the threads.

        Args:
            encoder: has the device.
            read: decodes and prepares a picture, `[3, height, width]`; called from several threads at once.
            max_batch_size: pictures that the device takes at once.
            decode_threads: threads that call `read`.
            on_health: called in the event loop with False when the device has failed several batches on end or its
                thread has died, and with True when it works again.

        """
        self._encoder = encoder
        self._read = read
        self._max_batch_size = max_batch_size
        self._on_health = on_health
        self._failed_batches = 0
        # one batch on the device, one that fills up behind it, and a picture in every decoder's hands
        self._turns = RoundRobin[Job](2 * max_batch_size + decode_threads)
        self._undecoded: SimpleQueue[Job | None] = SimpleQueue()
        self._for_device: SimpleQueue[Job | _Call | None] = SimpleQueue()
        self._decoders = [
            threading.Thread(target=self._decode_forever, name=f"decode-{i}", daemon=True)
            for i in range(decode_threads)
        ]
        self._device = threading.Thread(target=self._run_device, name="device", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self._dead = False

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        for thread in [*self._decoders, self._device]:
            thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping = True
        self._admit()  # so that whoever still waits is answered
        for _thread in self._decoders:
            self._undecoded.put(None)
        await asyncio.to_thread(self._join, self._decoders)
        self._for_device.put(None)
        await asyncio.to_thread(self._join, [self._device])

    @staticmethod
    def _join(threads: Sequence[threading.Thread]) -> None:
        for thread in threads:
            thread.join()

    @property
    def alive(self) -> bool:
        """Whether the device thread runs."""
        return self._device.is_alive() and not self._dead

    @property
    def waiting_for_device(self) -> int:
        """Pictures that are decoded and wait for the device."""
        return self._for_device.qsize()

    # In the event loop

    def announce(self, lane: Lane[Job]) -> None:
        """Says that a lane has work; it is asked for it, in its turn, as soon as there is room."""
        self._turns.announce(lane)
        self._admit()

    def retire(self, lane: Lane[Job]) -> None:
        """Forgets a lane; its jobs under way go on unless they are cancelled."""
        self._turns.retire(lane)

    def _admit(self) -> None:
        while (job := self._turns.next_work()) is not None:
            if self._stopping or not self.alive:
                self._post(self._deliver, [(job, self._refusal())])
            else:
                self._undecoded.put(job)

    def _refusal(self) -> Exception:
        if self._stopping:
            return ServerDraining("the server is stopping: try again")
        return ServerUnavailable("the server's device is not running: try again, or look into the server's log")

    def _deliver(self, finished: Finished) -> None:
        for job, result in finished:
            self._finish(job, result)
            if job.look is not None:
                self._settle(job.look, result)
        self._admit()

    def _finish(self, job: Job, result: Embedded | Exception) -> None:
        self._turns.finish()
        if not job.cancelled:
            job.done(result)

    def _settle(self, look: Look[Job], result: Embedded | Exception) -> None:
        """Passes a frame's embedding on to those that follow it; without one, they go their own ways."""
        if isinstance(result, Embedded):
            for follower in look.memory.settle(look, result.vector):
                self._finish(follower, _reused(follower, result.vector, look.moment.frame_id))
            return
        for follower in look.memory.settle(look, None):
            follower.look = None
            if self._stopping or not self.alive:
                self._finish(follower, self._refusal())
            else:
                self._undecoded.put(follower)

    async def run_on_device(self, function: Callable[..., ResultT], *args: Any) -> ResultT:
        """Calls a function on the device thread, between batches."""
        if self._stopping or not self.alive:
            raise self._refusal()
        call = _Call(partial(function, *args))
        self._for_device.put(call)
        result: ResultT = await call.future
        return result

    # In the threads

    def _post(self, function: Callable[..., None], *args: Any) -> None:
        """Calls a function in the event loop."""
        if self._loop is None:
            msg = "the pipeline runs"
            raise AssertionError(msg)
        _post(self._loop, function, *args)

    def _decode_forever(self) -> None:
        while (job := self._undecoded.get()) is not None:
            if finished := self._decode(job):
                self._post(self._deliver, finished)

    def _decode(self, job: Job) -> Finished:
        """Decodes a job and sends on whose turn has come; returns what needs no device."""
        started_ns = time.perf_counter_ns()
        job.waited_ns, job.decoded_ns = started_ns - job.asked_ns, started_ns
        image, look = job.image, job.look
        if image is None or job.cancelled:
            return [(job, _CANCELLED), *self._skip(look)]
        if look is not None and (leader := look.memory.recall(look, job)) is not None:
            return self._send_on([(job, leader)]) + self._skip(look)
        try:
            job.pixels = self._read(image)
            if look is not None and look.policy.compares:
                look.thumbnail = thumbnail(job.pixels)
        except Exception as error:
            return [(job, error), *self._skip(look)]
        job.decoded_ns = time.perf_counter_ns()
        job.decode_ns = job.decoded_ns - started_ns
        return self._send_on([(job, None)] if look is None else look.memory.judge(look, job))

    def _skip(self, look: Look[Job] | None) -> Finished:
        return [] if look is None else self._send_on(look.memory.skip(look))

    def _send_on(self, verdicts: Sequence[Verdict[Job]]) -> Finished:
        """Brings jobs to the device, or behind the frame that they follow; returns those that have their embedding."""
        finished: Finished = []
        for job, leader in verdicts:
            if leader is None:
                job.image = None
                self._for_device.put(job)
                continue
            job.pixels = None
            if leader.vector is not None:
                finished.append((job, _reused(job, leader.vector, leader.frame_id)))
        return finished

    def _run_device(self) -> None:
        batch: list[Job] = []
        try:
            while self._serve_device(batch):
                batch.clear()
        except BaseException as error:
            _log.critical("the device thread died", exc_info=True)
            self._dead = True
            self._post(self._on_health, False)
            self._turn_away(batch)
            if not isinstance(error, Exception):
                raise

    def _serve_device(self, batch: list[Job]) -> bool:
        """Waits for something to do and does it; `batch` is filled with the jobs meanwhile. False: to stop."""
        item = self._for_device.get()
        while isinstance(item, Job):
            batch.append(item)
            if len(batch) == self._max_batch_size:
                break
            try:
                item = self._for_device.get_nowait()
            except Empty:
                break
        self._run(batch)
        if isinstance(item, _Call):
            item.run()
        return item is not None

    def _run(self, batch: list[Job]) -> None:
        finished: Finished = [(job, _CANCELLED) for job in batch if job.cancelled]
        wanted = [job for job in batch if not job.cancelled]
        if wanted:
            finished += self._embed(wanted)
        if finished:
            self._post(self._deliver, finished)
        if wanted:
            self._watch_health(failed=all(isinstance(result, Exception) for _, result in finished))

    def _watch_health(self, *, failed: bool) -> None:
        before = self._failed_batches
        self._failed_batches = before + 1 if failed else 0
        if self._failed_batches == _SICK_AFTER:
            _log.critical("the device failed several batches on end", batches=_SICK_AFTER)
            self._post(self._on_health, False)
        elif before >= _SICK_AFTER and not failed:
            self._post(self._on_health, True)

    def _embed(self, jobs: list[Job]) -> Finished:
        """Embeds jobs in one batch or, if that fails, in halves: so a poisoned picture fails alone."""
        started_ns = time.perf_counter_ns()
        try:
            vectors = self._encoder.encode_images(np.stack([job.pixels for job in jobs if job.pixels is not None]))
        except Exception as error:
            if len(jobs) == 1:
                return [(jobs[0], error)]
            half = len(jobs) // 2
            if isinstance(error, DeviceOutOfMemory):
                self._max_batch_size = max(1, min(self._max_batch_size, half))
                _log.warning("out of device memory: smaller batches from now on", max_batch_size=self._max_batch_size)
            return self._embed(jobs[:half]) + self._embed(jobs[half:])
        inference_ns = time.perf_counter_ns() - started_ns
        usable = np.asarray(np.isfinite(vectors).all(axis=1))
        return [
            (job, Embedded(vector, self._timings(job, started_ns, inference_ns, len(jobs))) if good else _not_finite())
            for job, vector, good in zip(jobs, vectors, usable, strict=True)
        ]

    @staticmethod
    def _timings(job: Job, started_ns: int, inference_ns: int, batch_size: int) -> Timings:
        queue_ns = job.waited_ns + started_ns - job.decoded_ns
        return Timings(job.decode_ns, queue_ns, inference_ns, batch_size)

    def _turn_away(self, batch: list[Job]) -> None:
        """In a dead device's place: nobody may wait for an answer that can't come."""
        self._post(self._deliver, [(job, self._refusal()) for job in batch])
        while (item := self._for_device.get()) is not None:
            if isinstance(item, Job):
                self._post(self._deliver, [(item, self._refusal())])
            else:
                item.refuse(self._refusal())


def _reused(job: Job, vector: Float32Array, frame_id: int) -> Embedded:
    queue_ns = job.waited_ns + time.perf_counter_ns() - job.decoded_ns
    return Embedded(vector, Timings(job.decode_ns, queue_ns, inference_ns=0, batch_size=0), frame_id)


def _not_finite() -> Exception:
    return InternalError("the model gave no finite numbers for this image")


_CANCELLED = ServerUnavailable("the call was cancelled")
_SICK_AFTER = 3


def _post(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *args: Any) -> None:
    """Calls a function in the event loop, from any thread."""
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to be told
        loop.call_soon_threadsafe(function, *args)


def _fulfil(future: asyncio.Future[ResultT], result: ResultT) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
