"""Batches of images on the device, with the failures of single images and of its memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import structlog

from framewatch_core.arrays import Float32Array, UInt8Array
from framewatch_core.errors import ModelLoadError, NotFinite, ServerUnavailable
from framewatch_core.stream.results import Timings
from framewatch_server.engine.device_thread.batch_limit import BatchLimit
from framewatch_server.engine.device_thread.vectors import counted
from framewatch_server.engine.jobs import Embedded, Finished, Job
from framewatch_server.engine.threads.failures import as_error
from framewatch_server.vision.towers.encoder import DeviceOutOfMemory, ImageTower

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Batch:
    """Jobs on the device.

    Attributes:
        jobs: at least one.
        started_ns: time of the start, on the performance counter.
        collect: waits for the vectors of all inputs, `[inputs, vector_size]`; or the error of the start.

    """

    jobs: list[Job]
    started_ns: int
    collect: Callable[[], Float32Array] | BaseException

    @property
    def size(self) -> int:
        """Number of the inputs of all jobs."""
        return sum(len(job.decoded_pixels) for job in self.jobs)


class Batches:
    """Starts and ends batches on a tower; used by the device thread.

    Attributes:
        limit: inputs that the device takes at once; a job with more goes in several parts.
        embedded_inputs: number of inputs that the tower has embedded so far.

    """

    def __init__(self, tower: ImageTower, max_batch_size: int, on_run: Callable[[], None] = lambda: None) -> None:
        """Begins with the largest batches.

        Args:
            tower: runs on the device.
            max_batch_size: inputs that the device takes at once.
            on_run: called before each run of the tower: a job with many inputs, or a batch that fails, takes several.

        """
        self._tower = tower
        self._on_run = on_run
        self.limit = BatchLimit(max_batch_size)
        self.embedded_inputs = 0

    def warm(self) -> None:
        """Prepares the tower for the largest batches that fit. Raises ModelLoadError if no image fits at all."""
        size = self.limit.maximum
        while True:
            try:
                self._tower.warm(size)
            except (DeviceOutOfMemory, MemoryError) as error:
                if size == 1:
                    raise ModelLoadError(
                        "the device has no memory left for even one image of this model: free some, serve fewer models "
                        "(--model), or choose a smaller one, --dtype bfloat16 or another --device"
                    ) from error
                size //= 2
                _log.warning(
                    "out of device memory at warm-up: smaller batches; --max-batch-size spares the attempt",
                    max_batch_size=size,
                )
            else:
                break
        self.limit.lower_maximum(size)

    def begin(self, jobs: list[Job]) -> Batch:
        """Starts a batch; an error of that comes with its end."""
        started_ns = time.perf_counter_ns()
        self._on_run()
        try:
            collect = self._start(np.concatenate([job.decoded_pixels for job in jobs]))
        except BaseException as error:
            return Batch(jobs, started_ns, error)
        return Batch(jobs, started_ns, collect)

    def end(self, batch: Batch) -> Finished:
        """Waits for a batch; returns every job with its vectors or its error."""
        if isinstance(batch.collect, BaseException):
            return self._end_in_halves(batch.jobs, batch.collect)
        self._on_run()
        try:
            vectors = counted(batch.collect(), batch.size, "inputs")
        except BaseException as error:
            return self._end_in_halves(batch.jobs, error)
        self.embedded_inputs += batch.size
        if self.limit.fitted(batch.size):
            _log.info("larger batches are tried again", max_batch_size=self.limit.current)
        inference_ns = time.perf_counter_ns() - batch.started_ns
        usable = np.asarray(np.isfinite(vectors).all(axis=1))
        finished: Finished = []
        start = 0
        for job in batch.jobs:
            rows = slice(start, start := start + len(job.decoded_pixels))
            embedded = Embedded(vectors[rows], _timings(batch, job, inference_ns), job.pictures)
            finished.append((job, embedded if usable[rows].all() else _not_finite()))
        return finished

    def _start(self, inputs: UInt8Array) -> Callable[[], Float32Array]:
        limit = self.limit.current
        if len(inputs) <= limit:
            return self._tower.start(inputs)
        parts = np.split(inputs, range(limit, len(inputs), limit))
        return lambda: np.concatenate([self._encode(part) for part in parts])

    def _encode(self, part: UInt8Array) -> Float32Array:
        self._on_run()
        return self._tower.encode(part)

    def _end_in_halves(self, jobs: list[Job], error: BaseException) -> Finished:
        """Embeds a failed batch in halves: an image that the model fails on fails alone, and halves need less room."""
        is_memory = isinstance(error, DeviceOutOfMemory | MemoryError)
        if is_memory:
            size = min(self.limit.current, sum(len(job.decoded_pixels) for job in jobs))
            if self.limit.out_of_memory(size):
                _log.warning("out of device memory: smaller batches from now on", max_batch_size=self.limit.current)
                if len(jobs) == 1:
                    return self.end(self.begin(jobs))
        if len(jobs) == 1:
            return [(jobs[0], _no_room() if is_memory else as_error(error, "the image tower"))]
        half = len(jobs) // 2
        return self.end(self.begin(jobs[:half])) + self.end(self.begin(jobs[half:]))


def _timings(batch: Batch, job: Job, inference_ns: int) -> Timings:
    queue_ns = job.waited_ns + batch.started_ns - job.decoded_ns
    return Timings(job.decode_ns, queue_ns, inference_ns, batch.size)


def _not_finite() -> Exception:
    return NotFinite(
        "the model returned numbers that are not finite for this image: leave it out; if it happens with many images, "
        "the range of the model's dtype is too small: start the server with another --dtype"
    )


def _no_room() -> Exception:
    return ServerUnavailable(
        "the device has no memory left for this image: try again later; if it happens again, free some of the device's "
        "memory, or serve a smaller model or fewer of them"
    )
