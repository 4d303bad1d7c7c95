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
from functools import partial
from queue import SimpleQueue
from typing import Any, Self, TypeVar

import structlog

from framewatch_core.errors import ServerDraining, ServerUnavailable
from framewatch_core.images.image import Image
from framewatch_core.stream.queueing import Lane, RoundRobin
from framewatch_server.engine.device import Device
from framewatch_server.engine.jobs import CANCELLED, Embedded, Finished, Job
from framewatch_server.engine.reuse import Recall, Verdict
from framewatch_server.engine.thread_names import tell_thread_name
from framewatch_server.vision.pixels.thumbnail import thumbnail
from framewatch_server.vision.pixels.view import Seen, View
from framewatch_server.vision.towers.encoder import Encoder

ResultT = TypeVar("ResultT")

_log = structlog.get_logger()


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
        look: Callable[[Image, View], Seen],
        *,
        max_batch_size: int,
        decode_threads: int,
        on_health: Callable[[bool], None] = lambda _: None,
    ) -> None:
        """Sets up the threads.

        Args:
            encoder: has the device.
            look: decodes a picture and prepares the view's inputs; called from several threads at once.
            max_batch_size: pictures that the device takes at once.
            decode_threads: threads that call `look`.
            on_health: called in the event loop with False when the device has failed several batches on end or its
                thread has died, and with True when it works again.

        """
        self._look = look
        # what is on the device, a batch that fills up behind it, and a picture in every decoder's hands
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
            deliver=partial(self._post, self._deliver),
            on_health=partial(self._post, on_health),
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
        self._admit()  # so that whoever still waits is answered
        for _thread in self._decoders:
            self._undecoded.put(None)
        for thread in self._decoders:
            await asyncio.to_thread(thread.join)
        await asyncio.to_thread(self._device.stop)

    @property
    def waiting_for_device(self) -> int:
        """Pictures that are decoded and wait for the device."""
        return self._device.waiting

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
            if self._stopping or not self._device.alive:
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
            if job.recall is not None:
                self._settle(job.recall, result)
        self._admit()

    def _finish(self, job: Job, result: Embedded | Exception) -> None:
        self._turns.finish(size=job.view.input_count)
        if job.cancelled:
            return
        try:
            job.done(result)
        except Exception:
            _log.exception("a result could not be handed over")  # the others must still have theirs

    def _settle(self, recall: Recall[Job], result: Embedded | Exception) -> None:
        """Passes a frame's embedding on to those that follow it; without one, they go their own ways."""
        look, memory = recall.look, recall.memory
        if isinstance(result, Embedded):
            for follower in memory.settle(look, result.vectors):
                self._finish(follower, follower.reused(look.as_leader()))
            return
        for follower in memory.settle(look, None):
            follower.recall = None
            if self._stopping or not self._device.alive:
                self._finish(follower, self._refusal())
            else:
                self._undecoded.put(follower)

    async def run_on_device(self, function: Callable[..., ResultT], *args: Any) -> ResultT:
        """Calls a function on the device thread, between batches."""
        if self._stopping or not self._device.alive:
            raise self._refusal()
        call = _Call(partial(function, *args))
        self._device.put(call)
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
        tell_thread_name()
        while (job := self._undecoded.get()) is not None:
            if finished := self._decode(job):
                self._post(self._deliver, finished)

    def _decode(self, job: Job) -> Finished:
        """Decodes a job and sends on whose turn has come; returns what needs no device."""
        started_ns = time.perf_counter_ns()
        job.waited_ns, job.decoded_ns = started_ns - job.asked_ns, started_ns
        image, recall = job.image, job.recall
        if image is None or job.cancelled:
            return [(job, CANCELLED), *self._skip(recall)]
        if recall is not None and (leader := recall.memory.recall(recall.look, job)) is not None:
            return self._send_on([(job, leader)]) + self._skip(recall)
        try:
            seen = self._look(image, job.view)
            job.pixels, job.pictures = seen.inputs, seen.pictures
            if recall is not None:
                recall.look.pictures = seen.pictures
                recall.look.thumbnail = thumbnail(seen.inputs) if recall.look.policy.compares else None
        except Exception as error:
            return [(job, error), *self._skip(recall)]
        job.decoded_ns = time.perf_counter_ns()
        job.decode_ns = job.decoded_ns - started_ns
        return self._send_on([(job, None)] if recall is None else recall.memory.judge(recall.look, job))

    def _skip(self, recall: Recall[Job] | None) -> Finished:
        return [] if recall is None else self._send_on(recall.memory.skip(recall.look))

    def _send_on(self, verdicts: Sequence[Verdict[Job]]) -> Finished:
        """Brings jobs to the device, and returns those that have their embedding.

        Those whose leader's is on its way are not touched: they may be on their own way already, if it has failed.
        """
        finished: Finished = []
        for job, leader in verdicts:
            if leader is None:
                job.image = None
                self._device.put(job)
            elif leader.vectors is not None:
                finished.append((job, job.reused(leader)))
        return finished


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
