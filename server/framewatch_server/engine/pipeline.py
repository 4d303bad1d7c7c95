"""The way from images to embeddings: threads that decode, and one thread that has the device.

    lanes → RoundRobin (event loop) → decode threads → device thread, in batches → event loop

The event loop decides whose image is next, before anything is spent on it; from there on everything goes in the order
of its admission. The device takes decoded images, up to its batch size, the moment it is free: there is no timer, so a
lone image never waits for company, and under load batches fill by themselves. A frame costs no task and no future here:
its job is handed from thread to thread, and a batch's results come back to the event loop in one call. A frame that
shows nothing new never gets to the device (see `reuse`).
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import Any, Generic, Self, TypeVar

import structlog

from framewatch_core.errors import ServerDraining, ServerUnavailable
from framewatch_core.images.image import Image
from framewatch_core.stream.queueing import Lane, RoundRobin
from framewatch_server.engine.device import Device
from framewatch_server.engine.jobs import CANCELLED, Embedded, Finished, Job
from framewatch_server.engine.reuse import Decided
from framewatch_server.engine.thread_names import publish_thread_name
from framewatch_server.vision.pixels.view import PreparedView, View
from framewatch_server.vision.towers.encoder import Encoder

ResultT = TypeVar("ResultT")

_log = structlog.get_logger()


class _FunctionCall(Generic[ResultT]):
    """A function for the device thread, with the future of its result."""

    def __init__(self, function: Callable[[], ResultT]) -> None:
        self._function = function
        self.future: Future[ResultT] = Future()

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self._function()
        except Exception as error:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)

    def refuse(self, error: Exception) -> None:
        # it still runs if the function has ended the thread, as SystemExit does
        if self.future.running() or self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)


class Pipeline:
    """Owns the threads; use as an async context manager, from one event loop."""

    def __init__(
        self,
        encoder: Encoder,
        prepare: Callable[[Image, View], PreparedView],
        *,
        max_batch_size: int,
        decode_threads: int,
        on_health: Callable[[bool], None] = lambda _: None,
    ) -> None:
        """Sets up the threads.

        Args:
            encoder: has the device.
            prepare: decodes an image and makes the view's inputs; called from several threads at once.
            max_batch_size: inputs that the device takes at once.
            decode_threads: threads that call `prepare`.
            on_health: called in the event loop with False when the device has failed several batches in a row or its
                thread has died, and with True when it works again.

        """
        self._prepare = prepare
        # a batch on the device, one that fills up behind it, and an image in every decoder's hands
        self._turns = RoundRobin[Job](
            (encoder.images.in_flight + 1) * max_batch_size + decode_threads,
            size=lambda job: job.view.input_count,
            least=decode_threads + 2,  # jobs with many inputs must not leave decoders and device waiting for each other
        )
        self._undecoded: SimpleQueue[Job | None] = SimpleQueue()
        self._decoders = [
            threading.Thread(target=self._decode_forever, name=f"decode-{i}", daemon=True)
            for i in range(decode_threads)
        ]
        self._device = Device(
            encoder,
            max_batch_size=max_batch_size,
            deliver=partial(self._call_in_loop, self._deliver),
            on_health=partial(self._call_in_loop, on_health),
            refusal=self._refusal,
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._device.start()
        for thread in self._decoders:
            thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping = True
        self._admit()  # so that every waiting caller is answered
        for _thread in self._decoders:
            self._undecoded.put(None)
        for thread in self._decoders:
            await asyncio.to_thread(thread.join)
        await asyncio.to_thread(self._device.stop)

    # In the event loop

    def announce(self, lane: Lane[Job]) -> None:
        """Puts a lane that has work into the order of turns; it is asked for work as soon as there is room."""
        self._turns.announce(lane)
        self._admit()

    def retire(self, lane: Lane[Job]) -> None:
        """Forgets a lane; its jobs under way go on unless they are cancelled."""
        self._turns.retire(lane)

    async def run_on_device(self, function: Callable[..., ResultT], *args: Any) -> ResultT:
        """Calls a function on the device thread, between batches; raises its error, or ServerUnavailable."""
        if (refusal := self._refusal_now()) is not None:
            raise refusal
        call = _FunctionCall[ResultT](partial(function, *args))
        self._device.put(call)
        return await asyncio.wrap_future(call.future)

    def _admit(self) -> None:
        while (job := self._turns.next_work()) is not None:
            if (refusal := self._refusal_now()) is not None:
                self._call_in_loop(self._deliver, [(job, refusal)])
            else:
                self._undecoded.put(job)

    def _refusal_now(self) -> Exception | None:
        return self._refusal() if self._stopping or not self._device.alive else None

    def _deliver(self, finished: Finished) -> None:
        for job, result in finished:
            self._finish(job, result)
            decided = job.reuse.resolved(job, result.vectors if isinstance(result, Embedded) else None)
            for each, source in decided.reusing:
                self._finish(each, each.reusing(source))
            for each in decided.to_decode:
                self._decode_alone(each)
        self._admit()

    def _finish(self, job: Job, result: Embedded | Exception) -> None:
        self._turns.finish(size=job.view.input_count)
        if job.cancelled:
            return
        try:
            job.done(result)
        except Exception:
            _log.exception("a result could not be handed over")  # the others must still have theirs

    def _decode_alone(self, job: Job) -> None:
        if (refusal := self._refusal_now()) is not None:
            self._finish(job, refusal)
        else:
            self._undecoded.put(job)

    # In the decode threads

    def _decode_forever(self) -> None:
        publish_thread_name()
        while (job := self._undecoded.get()) is not None:
            try:
                finished = self._decode(job)
            except BaseException as error:
                # the thread goes on whatever was raised: without it, this job and those behind it would get no answer
                finished = [(job, _failure(error)), *self._move(job.reuse.skip(job))]
            if finished:
                self._call_in_loop(self._deliver, finished)

    def _decode(self, job: Job) -> Finished:
        """Decodes a job and moves those that are decided by it; returns jobs that need no device."""
        started_ns = time.perf_counter_ns()
        job.waited_ns, job.decoded_ns = started_ns - job.asked_ns, started_ns
        image, reuse = job.image, job.reuse
        if image is None or job.cancelled:
            return [(job, CANCELLED), *self._move(reuse.skip(job))]
        if (decided := reuse.before_decode(job)) is not None:
            return self._move(decided)
        prepared = self._prepare(image, job.view)
        job.pixels, job.pictures = prepared.inputs, prepared.pictures
        job.decoded_ns = time.perf_counter_ns()
        job.decode_ns = job.decoded_ns - started_ns
        return self._move(reuse.after_decode(job, prepared.inputs, prepared.pictures))

    def _move(self, decided: Decided[Job]) -> Finished:
        """Puts source frames to the device; returns the jobs that reuse an embedding that is there."""
        for job in decided.to_embed:
            job.image = None
            self._device.put(job)
        return [(job, job.reusing(source)) for job, source in decided.reusing]

    # In any thread

    def _call_in_loop(self, function: Callable[..., None], *args: Any) -> None:
        """Calls a function in the event loop, soon."""
        if self._loop is None:
            msg = "the pipeline runs"
            raise AssertionError(msg)
        with contextlib.suppress(RuntimeError):  # the loop is closed: no caller is left
            self._loop.call_soon_threadsafe(function, *args)

    def _refusal(self) -> Exception:
        if self._stopping:
            return ServerDraining("the server is stopping: try again")
        return ServerUnavailable("the server's device is not running: try again, or look into the server's log")


def _failure(error: BaseException) -> Exception:
    """Returns the error of a job whose decoding raised; an exception that ends programs is the cause of another one."""
    if isinstance(error, Exception):
        return error
    failure = RuntimeError(f"decoding raised {type(error).__name__}")
    failure.__cause__ = error
    return failure
