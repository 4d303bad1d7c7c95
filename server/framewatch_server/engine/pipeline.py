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
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Self

import structlog

from framewatch_core.errors import ServerDraining
from framewatch_core.images.image import Image
from framewatch_core.stream.queueing import Lane, RoundRobin
from framewatch_server.engine.decoding import Decoders
from framewatch_server.engine.device_thread.calls import FunctionCall
from framewatch_server.engine.device_thread.device import Device
from framewatch_server.engine.device_thread.texts import TextRequest, TextsRead
from framewatch_server.engine.jobs import Embedded, Finished, Job
from framewatch_server.engine.threads.watch import Watch, joined
from framewatch_server.vision.pixels.view import PreparedView, View
from framewatch_server.vision.towers.encoder import Encoder

_END_TIMEOUT_S = 5.0
"""Seconds that decode threads, and after them the device thread, may take to end once no caller waits."""

_HANGS_AFTER_BATCHES = 4
"""Durations of the largest batch that a thread may take at least: a slow model is no hang, also where it shares the
machine with others that did not run yet when its duration was measured."""

_log = structlog.get_logger()


class Pipeline:
    """Owns the threads; use as an async context manager, from one event loop."""

    def __init__(
        self,
        encoder: Encoder,
        prepare: Callable[[Image, View], PreparedView],
        *,
        max_batch_size: int,
        decode_threads: int,
        hang_timeout_s: float = 30.0,
        on_health: Callable[[bool], None] = lambda _: None,
    ) -> None:
        """Sets up the threads.

        Args:
            encoder: has the device.
            prepare: decodes an image and makes the view's inputs; called from several threads at once.
            max_batch_size: inputs that the device takes at once.
            decode_threads: threads that call `prepare`.
            hang_timeout_s: seconds after which a thread's work counts as hanging.
            on_health: called in the event loop with False when the device fails or a thread hangs, and with True when
                neither is so any more.

        """
        # a batch on the device, one that fills up behind it, and an image in every decoder's hands
        capacity = (encoder.images.in_flight + 1) * max_batch_size + decode_threads
        # images that are slow to decode still reach every decoder, and one waits behind them
        self._most_decode_places = capacity // (decode_threads + 1)
        self._turns = RoundRobin[Job](
            capacity,
            size=self._size,
            cost=lambda job: job.load.cost,
            # of any size: those on the device and one that is decoded meanwhile, or one for every second decoder, since
            # jobs with many inputs may be slow to decode; more would keep newcomers waiting
            least=max(encoder.images.in_flight + 1, decode_threads // 2),
        )
        self._health = _Health(on_health)
        deliver = partial(self._call_in_loop, self._deliver)
        self._device = Device(
            encoder,
            max_batch_size=max_batch_size,
            deliver=deliver,
            on_health=partial(self._call_in_loop, self._health.on_device),
        )
        self._decoders = Decoders(decode_threads, prepare, self._device.put, deliver)
        self._watch = Watch(
            [*self._decoders.threads, self._device.thread],
            hang_timeout_s,
            on_hanging=self._health.on_hanging,
            also=self._device.try_again,
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self.hanging: tuple[str, ...] = ()
        """Names of the threads that did not end with the pipeline."""

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._device.start()
        self._decoders.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Finishes everything that is under way; does not wait for a thread that hangs, see `hanging`."""
        self._watch.stop()
        self._stopping = True
        self._admit()  # so that every waiting caller is answered
        self._decoders.finish()
        hanging = await joined(self._decoders.threads, _END_TIMEOUT_S)
        self._device.finish()
        hanging += await joined([self._device.thread], _END_TIMEOUT_S)
        if hanging:
            _log.error("threads did not end: they hang in a library", threads=hanging, timeout_s=_END_TIMEOUT_S)
        self.hanging = tuple(hanging)

    # In the event loop

    @property
    def max_batch_size(self) -> int:
        """Inputs that the device takes at once."""
        return self._device.max_batch_size

    @property
    def embedded_inputs(self) -> int:
        """Number of inputs that the model has embedded so far; from any thread."""
        return self._device.embedded_inputs

    def announce(self, lane: Lane[Job]) -> None:
        """Puts a lane that has work into the order of turns; it is asked for work as soon as there is room."""
        self._turns.announce(lane)
        self._admit()

    def retire(self, lane: Lane[Job]) -> None:
        """Forgets a lane; its jobs under way go on unless they are cancelled."""
        self._turns.retire(lane)

    async def warm(self) -> None:
        """Prepares the encoder, and watches over the threads from then on. Raises ModelLoadError."""
        call = FunctionCall(self._device.warm)
        self._device.call(call)
        largest_batch_s = await asyncio.wrap_future(call.future)
        await self.embed_texts(["a photo"])
        self._watch.start(_HANGS_AFTER_BATCHES * largest_batch_s)

    async def embed_texts(self, texts: Sequence[str]) -> TextsRead:
        """Embeds texts in slices between batches of images, in turns with other callers.

        A caller that is cancelled costs the device nothing from then on. Raises the model's error, NotFinite,
        ServerUnavailable.
        """
        if self._stopping:
            raise _draining()
        request = TextRequest(texts)
        self._device.embed(request)
        return await asyncio.wrap_future(request.future)

    def _admit(self) -> None:
        while (job := self._turns.next_work()) is not None:
            if self._stopping:
                self._call_in_loop(self._deliver, [(job, _draining())])
            else:
                self._decoders.put(job)

    def _deliver(self, finished: Finished) -> None:
        for job, result in finished:
            try:
                self._finish(job, result)
                self._go_on_after(job, result)
            except Exception:
                _log.exception("a result could not be handed over")  # the others must still have theirs
        self._admit()

    def _go_on_after(self, job: Job, result: Embedded | Exception) -> None:
        """Finishes the jobs that have waited for this one's result, or decodes them."""
        decided = job.reuse.resolved(job, result.vectors if isinstance(result, Embedded) else None)
        for each, source in decided.reusing:
            self._finish(each, each.reusing(source))
        for each in decided.to_decode:
            if self._stopping:
                self._finish(each, _draining())
            else:
                self._decoders.put(each)

    def _size(self, job: Job) -> int:
        return job.load.size(self._most_decode_places)

    def _finish(self, job: Job, result: Embedded | Exception) -> None:
        self._turns.finish(size=self._size(job))
        if job.cancelled:
            return
        try:
            job.done(result)
        except Exception:
            _log.exception("a result could not be handed over")  # the others must still have theirs

    # In any thread

    def _call_in_loop(self, function: Callable[..., None], *args: Any) -> None:
        """Calls a function in the event loop, soon."""
        if self._loop is None:
            msg = "the pipeline runs"
            raise AssertionError(msg)
        with contextlib.suppress(RuntimeError):  # the loop is closed: no caller is left
            self._loop.call_soon_threadsafe(function, *args)


class _Health:
    """The health of all threads together; in the event loop."""

    def __init__(self, on_health: Callable[[bool], None]) -> None:
        self._on_health = on_health
        self._device_works = True
        self._hangs = False

    def on_device(self, works: bool) -> None:
        """Takes a change of the device's health."""
        self._change(works, self._hangs)

    def on_hanging(self, hangs: bool) -> None:
        """Takes a change of the watch; `hangs`: True if any thread does."""
        self._change(self._device_works, hangs)

    def _change(self, device_works: bool, hangs: bool) -> None:
        before = self._device_works and not self._hangs
        self._device_works, self._hangs = device_works, hangs
        if (now := device_works and not hangs) is not before:
            self._on_health(now)


def _draining() -> Exception:
    return ServerDraining("the server is stopping: try again")
