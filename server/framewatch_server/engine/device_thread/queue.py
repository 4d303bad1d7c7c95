"""The queue in front of the device: images, functions and texts, each in their own order."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

from framewatch_server.engine.device_thread.calls import DeviceCall
from framewatch_server.engine.device_thread.texts import TextQueue, TextRequest
from framewatch_server.engine.jobs import Job


@dataclass(frozen=True, slots=True)
class Work:
    """Work for the device: images first, then at most one thing else.

    Attributes:
        jobs: decoded images; no more inputs than the limit, unless one job alone has more.
        call: a function or a slice of text; None: none waits.
        is_last: True: the queue is stopped and empty.

    """

    jobs: list[Job] = field(default_factory=list)
    call: DeviceCall | None = None
    is_last: bool = False

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to do."""
        return not self.jobs and self.call is None


class DeviceQueue:
    """Items for the device thread; put from any thread, taken by that one."""

    def __init__(self, texts: TextQueue) -> None:
        """`texts`: gives out the slices of texts."""
        self._texts = texts
        self._changed = threading.Condition()  # guards everything below, and `texts`
        self._jobs: deque[Job] = deque()
        self._has_let_pass = False  # the first job, which has more inputs than a batch
        self._calls: deque[DeviceCall] = deque()
        self._is_stopped = False

    def put(self, job: Job) -> None:
        """Queues a decoded image."""
        with self._changed:
            self._jobs.append(job)
            self._changed.notify()

    def call(self, call: DeviceCall) -> None:
        """Queues a function."""
        with self._changed:
            self._calls.append(call)
            self._changed.notify()

    def embed(self, request: TextRequest) -> None:
        """Queues the texts of a caller."""
        with self._changed:
            self._texts.add(request)
            self._changed.notify()

    def stop(self) -> None:
        """Makes the item behind everything that is queued the last one."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify()

    @property
    def job_count(self) -> int:
        """Number of images that wait."""
        return len(self._jobs)

    def take(self, limit: int, *, wait: bool) -> Work:
        """Takes the next work. Functions come before texts: they are few, and what they prepare comes first.

        Args:
            limit: inputs of all images together.
            wait: True: waits until there is something, or the queue is stopped.

        """
        with self._changed:
            while True:
                jobs = self._take_jobs(limit)
                call = self._calls.popleft() if self._calls else self._texts.next_slice()
                work = Work(jobs, call, is_last=self._is_stopped and not jobs and call is None)
                if not work.is_empty or work.is_last or not wait:
                    return work
                self._changed.wait()

    def _take_jobs(self, limit: int) -> list[Job]:
        """Takes jobs while they fit. Cancelled ones take no room.

        A job that takes several batches by itself first lets one batch of smaller ones pass, which came after it: they
        would wait for long, and it waits for little.
        """
        if self._jobs and not self._has_let_pass and _size(self._jobs[0]) > limit:
            self._has_let_pass = True
            smaller = deque(job for job in self._jobs if _size(job) <= limit)
            if jobs := _take_fitting(smaller, limit):
                taken = set(jobs)
                self._jobs = deque(job for job in self._jobs if job not in taken)
                return jobs
        self._has_let_pass = False
        return _take_fitting(self._jobs, limit)


def _size(job: Job) -> int:
    return 0 if job.cancelled else len(job.decoded_pixels)


def _take_fitting(waiting: deque[Job], limit: int) -> list[Job]:
    """Takes the first jobs, as many as fit; the very first one always."""
    jobs: list[Job] = []
    count = 0
    while waiting and count < limit:
        size = _size(waiting[0])
        if count and count + size > limit:
            break
        jobs.append(waiting.popleft())
        count += size
    return jobs
