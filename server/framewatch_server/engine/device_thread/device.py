"""The one thread that has the device."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from framewatch_server.engine.device_thread.batches import Batch, Batches
from framewatch_server.engine.device_thread.calls import DeviceCall, FunctionCall
from framewatch_server.engine.device_thread.health import DeviceHealth
from framewatch_server.engine.device_thread.queue import DeviceQueue
from framewatch_server.engine.device_thread.text_budget import TextBudget
from framewatch_server.engine.device_thread.texts import TextQueue, TextRequest
from framewatch_server.engine.jobs import CANCELLED, Finished, Job
from framewatch_server.engine.threads.supervised import SupervisedThread
from framewatch_server.vision.towers.encoder import Encoder

_NS_PER_S = 1e9


class Device:
    """The device thread: embeds queued jobs in batches, as many under way at once as the encoder takes.

    Between two batches it does at most one thing else: calls a function, or embeds a slice of text.

    Attributes:
        thread: for its end and its watchdog.

    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        max_batch_size: int,
        deliver: Callable[[Finished], None],
        on_health: Callable[[bool], None],
    ) -> None:
        """Sets up the thread.

        Args:
            encoder: has the device.
            max_batch_size: inputs that the device takes at once; a frame with more regions goes in several batches.
            deliver: takes finished jobs; called in the device thread, as is the other.
            on_health: called with False when batches and a good picture failed, with True when the device works again.

        """
        self.thread = SupervisedThread("device", self._serve, self._answer_all)
        self._in_flight = encoder.images.in_flight
        self._deliver = deliver
        self._budget = TextBudget()
        self._queue = DeviceQueue(TextQueue(encoder.texts, encoder.info.max_text_tokens, self._budget))
        self._batches = Batches(encoder.images, max_batch_size, self.thread.mark.begin)
        self._health = DeviceHealth(encoder.images, encoder.info.image_size, on_health)
        self._taken: list[Job] = []  # out of the queue, not started yet
        self._under_way: deque[Batch] = deque()
        self._call: DeviceCall | None = None  # out of the queue, not answered yet
        self._trial: FunctionCall[None] | None = None  # of a device that fails; used by the event loop

    def start(self) -> None:
        """Starts the thread."""
        self.thread.start()

    def put(self, job: Job) -> None:
        """Queues a decoded job."""
        self._queue.put(job)

    def call(self, call: DeviceCall) -> None:
        """Queues a call."""
        self._queue.call(call)

    def embed(self, request: TextRequest) -> None:
        """Queues texts."""
        self._queue.embed(request)

    def try_again(self) -> None:
        """Has a device that fails tried with a good picture; does nothing if it works."""
        if self._health.is_failing and (self._trial is None or self._trial.future.done()):
            self._trial = FunctionCall(self._health.try_again)
            self._queue.call(self._trial)

    def finish(self) -> None:
        """Has the thread end once everything that is queued is finished."""
        self._queue.stop()

    def warm(self) -> float:
        """Prepares the encoder; on the device thread. Raises ModelLoadError.

        Returns:
            seconds that the largest batch takes at most: as long as its images one by one.

        """
        self._batches.warm()
        started_s = time.perf_counter()
        self._health.warm()
        return (time.perf_counter() - started_s) * self.max_batch_size

    @property
    def max_batch_size(self) -> int:
        """Inputs that the device takes at once, unless it runs out of memory."""
        return self._batches.limit.maximum

    @property
    def embedded_inputs(self) -> int:
        """Number of inputs that the model has embedded so far; from any thread."""
        return self._batches.embedded_inputs

    def _serve(self) -> bool:
        """Waits for work, and starts and ends batches; returns False when the thread is to end."""
        mark = self.thread.mark
        mark.end()
        # with a batch under way, an empty queue means that its end is next
        work = self._queue.take(self._batches.limit.current, wait=not self._under_way)
        self._taken, self._call = work.jobs, work.call
        mark.begin()
        if work.is_empty:
            if self._under_way:
                self._end_oldest()
            return not work.is_last or bool(self._under_way)
        self._begin_taken()
        while len(self._under_way) >= self._in_flight:
            self._end_oldest()
        if self._call is not None:
            mark.begin()
            self._call.run()
            self._call = None
        return True

    def _begin_taken(self) -> None:
        wanted: list[Job] = []
        cancelled: list[Job] = []
        for job in self._taken:  # `cancelled` is read once: the event loop may set it at any moment
            (cancelled if job.cancelled else wanted).append(job)
        if cancelled:
            self._deliver([(job, CANCELLED) for job in cancelled])
        self._taken = wanted
        if wanted:
            self._under_way.append(self._batches.begin(wanted))
            self._taken = []

    def _end_oldest(self) -> None:
        finished = self._batches.end(self._under_way[0])
        self._deliver(finished)
        self._under_way.popleft()  # not before: an error of the delivery has to find the jobs here
        results = [result for _, result in finished]
        inference_ns = [result.timings.inference_ns for result in results if not isinstance(result, Exception)]
        if inference_ns:
            self._budget.took_images(max(inference_ns) / _NS_PER_S)
        self._health.saw_batch(failed=not inference_ns)

    def _answer_all(self, error: Exception) -> None:
        """Answers everything in hand with an error."""
        jobs = [*(job for batch in self._under_way for job in batch.jobs), *self._taken]
        call, self._call = self._call, None
        self._under_way.clear()
        self._taken = []
        if call is not None:
            call.refuse(error)
        if jobs:
            self._deliver([(job, error) for job in jobs])
