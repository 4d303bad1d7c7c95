"""The threads that decode images."""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import SimpleQueue

from framewatch_core.images.image import Image
from framewatch_server.engine.jobs import CANCELLED, Finished, Job
from framewatch_server.engine.reuse import Decided
from framewatch_server.engine.threads.failures import as_error
from framewatch_server.engine.threads.supervised import SupervisedThread
from framewatch_server.vision.pixels.view import PreparedView, View


class Decoders:
    """Decode threads with the queue in front of them.

    Attributes:
        threads: for their end and their watchdog.

    """

    def __init__(
        self,
        count: int,
        prepare: Callable[[Image, View], PreparedView],
        to_device: Callable[[Job], None],
        deliver: Callable[[Finished], None],
    ) -> None:
        """Sets up the threads.

        Args:
            count: of the threads.
            prepare: decodes an image and makes the view's inputs; called from several threads at once.
            to_device: takes decoded jobs.
            deliver: takes jobs that need no device, or failed.

        """
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self.threads = [_Decoder(f"decode-{i}", self._queue, prepare, to_device, deliver).thread for i in range(count)]

    def start(self) -> None:
        """Starts the threads."""
        for thread in self.threads:
            thread.start()

    def put(self, job: Job) -> None:
        """Queues a job."""
        self._queue.put(job)

    def finish(self) -> None:
        """Has the threads end once everything that is queued is decoded."""
        for _thread in self.threads:
            self._queue.put(None)


class _Decoder:
    """A decode thread with the job in its hand."""

    def __init__(
        self,
        name: str,
        queue: SimpleQueue[Job | None],
        prepare: Callable[[Image, View], PreparedView],
        to_device: Callable[[Job], None],
        deliver: Callable[[Finished], None],
    ) -> None:
        self._queue = queue
        self._prepare = prepare
        self._to_device = to_device
        self._deliver = deliver
        self._job: Job | None = None  # in hand, not decoded yet
        self._finished: Finished = []  # in hand, not delivered yet
        self.thread = SupervisedThread(name, self._step, self._answer_all)

    def _step(self) -> bool:
        """Waits for a job, decodes it and passes it on; returns False when the thread is to end."""
        self.thread.mark.end()
        job = self._queue.get()
        if job is None:
            return False
        self._job = job
        self.thread.mark.begin()
        self._finished = self._decoded(job)
        self._job = None
        if self._finished:
            self._deliver(self._finished)
        self._finished = []
        return True

    def _answer_all(self, error: Exception) -> None:
        """Delivers everything in hand, after an error outside of decoding."""
        finished: Finished = self._finished if self._job is None else [(self._job, error)]
        self._job, self._finished = None, []
        if finished:
            self._deliver(finished)

    def _decoded(self, job: Job) -> Finished:
        """Decodes a job; whatever that raises is the job's result, and those that it has kept waiting go on."""
        try:
            return self._decode(job)
        except BaseException as raised:
            return [(job, as_error(raised, "decoding")), *self._move(job.reuse.skip(job))]

    def _decode(self, job: Job) -> Finished:
        """Decodes a job and moves those that are decided by it; returns jobs that need no device."""
        started_ns = time.perf_counter_ns()
        job.waited_ns, job.decoded_ns = started_ns - job.asked_ns, started_ns
        image, reuse = job.image, job.reuse
        if image is None or job.cancelled:
            return [(job, CANCELLED), *self._move(reuse.skip(job))]
        if (decided := reuse.before_decode(job)) is not None:
            return self._move(decided)
        try:
            prepared = self._prepare(image, job.view)
        finally:  # broken images cost time too
            job.decoded_ns = time.perf_counter_ns()
            job.decode_ns = job.decoded_ns - started_ns
        job.pixels, job.pictures = prepared.inputs, prepared.pictures
        return self._move(reuse.after_decode(job, prepared.inputs, prepared.pictures))

    def _move(self, decided: Decided[Job]) -> Finished:
        """Puts source frames to the device; returns the jobs that reuse an embedding that is there."""
        for job in decided.to_embed:
            job.image = None
            self._to_device(job)
        return [(job, job.reusing(source)) for job, source in decided.reusing]
