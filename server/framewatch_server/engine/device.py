"""The one thread that has the device."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Protocol, TypeAlias

import numpy as np
import structlog

from framewatch_core.arrays import Float32Array, UInt8Array
from framewatch_core.errors import InternalError, NotFinite
from framewatch_core.stream.results import Timings
from framewatch_server.engine.jobs import CANCELLED, Embedded, Finished, Job
from framewatch_server.engine.thread_names import publish_thread_name
from framewatch_server.vision.towers.encoder import DeviceOutOfMemory, Encoder

_UNHEALTHY_AFTER = 3
"""Failed batches in a row after which the device counts as unhealthy."""

_log = structlog.get_logger()


class DeviceCall(Protocol):
    """A function for the device thread that is no batch of images, such as the embedding of texts."""

    def run(self) -> None:
        """Calls the function and hands its result, or its error, to the waiting caller."""
        ...

    def refuse(self, error: Exception) -> None:
        """Hands an error to the waiting caller instead, also if `run` has raised."""
        ...


_Item: TypeAlias = Job | DeviceCall | None  # None: the thread is to end


@dataclass(frozen=True, slots=True)
class _Batch:
    """Jobs on the device.

    Attributes:
        jobs: at least one.
        started_ns: time of the start, on the performance counter.
        collect: waits for the vectors of all inputs, `[inputs, vector_size]`; or the error of the start.

    """

    jobs: list[Job]
    started_ns: int
    collect: Callable[[], Float32Array] | Exception

    @property
    def size(self) -> int:
        """Number of the inputs of all jobs."""
        return sum(len(job.decoded_pixels) for job in self.jobs)


class Device:
    """The device thread: embeds queued jobs in batches, as many under way at once as the encoder takes."""

    def __init__(
        self,
        encoder: Encoder,
        *,
        max_batch_size: int,
        deliver: Callable[[Finished], None],
        on_health: Callable[[bool], None],
        refusal: Callable[[], Exception],
    ) -> None:
        """Sets up the thread.

        Args:
            encoder: has the device.
            max_batch_size: inputs that the device takes at once; a frame with more regions goes in several batches.
            deliver: takes finished jobs; called in the device thread, as are the others.
            on_health: called with False when several batches in a row failed or the thread died, with True when the
                device works again.
            refusal: returns the error of jobs that come after the thread died.

        """
        self._encoder = encoder
        self._max_batch_size = max_batch_size
        self._deliver = deliver
        self._on_health = on_health
        self._refusal = refusal
        self._queue: SimpleQueue[_Item] = SimpleQueue()
        self._taken: list[Job] = []  # out of the queue, not started yet
        self._left_over: Job | None = None  # out of the queue, did not fit into the last batch
        self._under_way: deque[_Batch] = deque()
        self._call: DeviceCall | None = None  # out of the queue, not answered yet
        self._is_last = False  # the item of `stop` is out of the queue
        self._failed_batches = 0
        self._thread = threading.Thread(target=self._run, name="device", daemon=True)
        self._dead = False

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def put(self, item: Job | DeviceCall) -> None:
        """Queues a decoded job or a call."""
        self._queue.put(item)

    def stop(self) -> None:
        """Finishes everything that is queued, and waits for the thread to end."""
        self._queue.put(None)
        self._thread.join()

    @property
    def alive(self) -> bool:
        """True while the thread runs."""
        return self._thread.is_alive() and not self._dead

    def _run(self) -> None:
        publish_thread_name()
        try:
            while self._serve():
                pass
        except BaseException as error:
            _log.critical("the device thread died", exc_info=True)
            self._dead = True
            self._on_health(False)
            self._refuse_all()
            if not isinstance(error, Exception):
                raise

    def _serve(self) -> bool:
        """Waits for an item, and starts and ends batches; returns False when the thread is to end."""
        item: _Item = self._left_over
        if item is None:
            try:
                # with a batch under way, an empty queue means that its end is next
                item = self._queue.get(block=not self._under_way)
            except Empty:
                self._end_oldest()
                return True
        self._left_over = None
        item = self._take_batch(item)
        self._call = None if isinstance(item, Job) else item
        self._is_last = item is None
        self._begin_taken()
        while len(self._under_way) >= (1 if self._is_last else self._encoder.images.in_flight):
            self._end_oldest()
        if self._call is not None:
            self._call.run()
            self._call = None
        return not self._is_last

    def _take_batch(self, item: _Item) -> _Item:
        """Takes jobs while they fit and there are any; returns the last item, which may be no job."""
        count = 0
        while isinstance(item, Job):
            count += len(item.decoded_pixels)
            if self._taken and count > self._max_batch_size:
                self._left_over = item
                break
            self._taken.append(item)
            if count >= self._max_batch_size:
                break
            try:
                item = self._queue.get_nowait()
            except Empty:
                break
        return item

    def _begin_taken(self) -> None:
        wanted: list[Job] = []
        cancelled: list[Job] = []
        for job in self._taken:  # `cancelled` is read once: the event loop may set it at any moment
            (cancelled if job.cancelled else wanted).append(job)
        self._taken[:] = wanted
        if cancelled:
            self._deliver([(job, CANCELLED) for job in cancelled])
        if wanted:
            self._under_way.append(self._begin(wanted))
        self._taken.clear()

    def _begin(self, jobs: list[Job]) -> _Batch:
        started_ns = time.perf_counter_ns()
        try:
            collect = self._start(np.concatenate([job.decoded_pixels for job in jobs]))
        except Exception as error:
            return _Batch(jobs, started_ns, error)
        return _Batch(jobs, started_ns, collect)

    def _start(self, inputs: UInt8Array) -> Callable[[], Float32Array]:
        if len(inputs) <= self._max_batch_size:
            return self._encoder.images.start(inputs)
        parts = np.split(inputs, range(self._max_batch_size, len(inputs), self._max_batch_size))
        return lambda: np.concatenate([self._encoder.images.encode(part) for part in parts])

    def _end_oldest(self) -> None:
        finished = self._end(self._under_way[0])
        self._under_way.popleft()
        self._deliver(finished)
        self._track_health(failed=all(isinstance(result, Exception) for _, result in finished))

    def _end(self, batch: _Batch) -> Finished:
        if isinstance(batch.collect, Exception):
            return self._end_in_halves(batch.jobs, batch.collect)
        try:
            vectors = _counted(batch.collect(), batch.size)
        except Exception as error:
            return self._end_in_halves(batch.jobs, error)
        inference_ns = time.perf_counter_ns() - batch.started_ns
        usable = np.asarray(np.isfinite(vectors).all(axis=1))
        finished: Finished = []
        start = 0
        for job in batch.jobs:
            rows = slice(start, start := start + len(job.decoded_pixels))
            embedded = Embedded(vectors[rows], _timings(batch, job, inference_ns), job.pictures)
            finished.append((job, embedded if usable[rows].all() else _not_finite()))
        return finished

    def _end_in_halves(self, jobs: list[Job], error: Exception) -> Finished:
        """Embeds a failed batch in halves: an image that the model fails on fails alone, and halves need less room."""
        size = min(self._max_batch_size, sum(len(job.decoded_pixels) for job in jobs))
        if isinstance(error, DeviceOutOfMemory) and size > 1:
            self._max_batch_size = size // 2
            _log.warning("out of device memory: smaller batches from now on", max_batch_size=self._max_batch_size)
            if len(jobs) == 1:
                return self._end(self._begin(jobs))
        if len(jobs) == 1:
            return [(jobs[0], error)]
        half = len(jobs) // 2
        return self._end(self._begin(jobs[:half])) + self._end(self._begin(jobs[half:]))

    def _track_health(self, *, failed: bool) -> None:
        before = self._failed_batches
        self._failed_batches = before + 1 if failed else 0
        if self._failed_batches == _UNHEALTHY_AFTER:
            _log.critical("the device failed several batches in a row", batches=_UNHEALTHY_AFTER)
            self._on_health(False)
        elif before >= _UNHEALTHY_AFTER and not failed:
            self._on_health(True)

    def _refuse_all(self) -> None:
        """Refuses everything under way and everything that still comes, until `stop`: no caller may wait for ever."""
        lost = [*(job for batch in self._under_way for job in batch.jobs), *self._taken]
        if self._left_over is not None:
            lost.append(self._left_over)
        self._deliver([(job, self._refusal()) for job in lost])
        if self._call is not None:
            self._call.refuse(self._refusal())
        if self._is_last:
            return
        while (item := self._queue.get()) is not None:
            if isinstance(item, Job):
                self._deliver([(item, self._refusal())])
            else:
                item.refuse(self._refusal())


def _counted(vectors: Float32Array, count: int) -> Float32Array:
    """The vectors. Raises InternalError unless there is one per input."""
    if len(vectors) != count:
        raise InternalError(f"the model returned {len(vectors)} vectors for {count} inputs")
    return vectors


def _timings(batch: _Batch, job: Job, inference_ns: int) -> Timings:
    queue_ns = job.waited_ns + batch.started_ns - job.decoded_ns
    return Timings(job.decode_ns, queue_ns, inference_ns, batch.size)


def _not_finite() -> Exception:
    return NotFinite(
        "the model returned numbers that are not finite for this image: leave it out; if it happens with many images, "
        "the range of the model's dtype is too small: start the server with another --dtype"
    )
