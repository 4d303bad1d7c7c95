"""The watch over threads."""

from __future__ import annotations

import threading

from framewatch_server.engine.threads.supervised import SupervisedThread
from framewatch_server.engine.threads.watch import Watch, joined


def test_a_hang_is_reported_once_and_so_is_its_end() -> None:
    thread = SupervisedThread("decode-0", bool, lambda _: None)
    reports: list[bool] = []
    watch = Watch([thread], 30, reports.append)
    thread.mark.begin()
    for i in range(20):
        watch.look(i * 5.0)
    assert reports == [True]
    thread.mark.end()
    for i in range(20, 23):
        watch.look(i * 5.0)
    assert reports == [True, False]


async def test_the_end_of_a_thread_that_hangs_is_not_waited_for() -> None:
    released = threading.Event()
    thread = SupervisedThread("decode-0", lambda: not released.wait(), lambda _: None)
    thread.start()
    assert await joined([thread], 0) == ["decode-0"]
    released.set()
    assert await joined([thread], 30) == []


async def test_the_batches_of_a_slow_model_do_not_count_as_hanging() -> None:
    thread = SupervisedThread("device", bool, lambda _: None)
    reports: list[bool] = []
    watch = Watch([thread], 30, reports.append)
    watch.start(least_s=96)
    watch.stop()
    thread.mark.begin()
    for i in range(19):
        watch.look(i * 5.0)
    assert reports == []
    for i in range(19, 22):
        watch.look(i * 5.0)
    assert reports == [True]


async def test_a_watch_that_is_stopped_looks_no_more() -> None:
    looked: list[bool] = []
    watch = Watch([], 30, looked.append)
    watch.start()
    watch.stop()
    assert watch._timer is not None
    assert watch._timer.cancelled()
