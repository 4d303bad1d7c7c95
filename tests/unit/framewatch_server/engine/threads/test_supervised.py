"""Threads that outlive whatever their work raises."""

from __future__ import annotations

import threading
from unittest.mock import Mock

import pytest

from framewatch_server.engine.threads import supervised
from framewatch_server.engine.threads.supervised import SupervisedThread, join_all

RAISED = [SystemExit(), KeyboardInterrupt(), MemoryError(), StopIteration(), ValueError("v")]


def run(steps: list[BaseException | bool], answers: list[Exception], pauses: list[float] | None = None) -> None:
    def step() -> bool:
        outcome = steps.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    thread = SupervisedThread("worker", step, answers.append, ([] if pauses is None else pauses).append)
    thread.start()
    assert thread.join(30)


@pytest.mark.parametrize("raised", RAISED, ids=lambda raised: type(raised).__name__)
def test_a_step_may_raise_anything(raised: BaseException) -> None:
    steps: list[BaseException | bool] = [True, raised, True, raised, False]
    answers: list[Exception] = []
    run(steps, answers)
    assert not steps
    assert len(answers) == 2


def test_an_answer_that_fails_does_not_end_the_thread() -> None:
    steps: list[BaseException | bool] = [ValueError("v"), False]

    def step() -> bool:
        outcome = steps.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def answer(_: Exception) -> None:
        raise SystemExit

    thread = SupervisedThread("worker", step, answer)
    thread.start()
    assert thread.join(30)
    assert not steps


@pytest.mark.parametrize("raised", RAISED, ids=lambda raised: type(raised).__name__)
def test_a_name_that_the_system_refuses_does_not_end_the_thread(
    raised: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise raised

    monkeypatch.setattr(supervised, "publish_thread_name", refuse)
    steps: list[BaseException | bool] = [True, False]
    run(steps, [])
    assert not steps


def test_a_log_that_can_not_be_written_does_not_end_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def error(self, *_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(supervised, "_log", Full())
    steps: list[BaseException | bool] = [ValueError("v"), ValueError("v"), False]
    answers: list[Exception] = []
    run(steps, answers)
    assert len(answers) == 2


def test_steps_that_fail_one_after_another_are_slowed() -> None:
    pauses: list[float] = []
    run([ValueError("v")] * 12 + [True, ValueError("v"), False], [], pauses)
    assert len(pauses) == 11, "not after the first failure"
    assert pauses == sorted(pauses)
    assert pauses[-1] == 1.0


def test_steps_that_fail_for_half_an_hour_are_slowed_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervised, "_log", Mock())  # it would draw each traceback
    pauses: list[float] = []
    run([ValueError("v")] * 1500 + [False], [], pauses)
    assert len(pauses) == 1499
    assert pauses[-1] == 1.0


def test_threads_that_hang_are_named_and_those_that_never_began_are_not() -> None:
    released = threading.Event()

    def hang() -> bool:
        released.wait()
        return False

    hanging, ended, unborn = (
        SupervisedThread(name, step, lambda _: None) for name, step in (("a", hang), ("b", bool), ("c", bool))
    )
    hanging.start()
    ended.start()
    assert ended.join(30)
    assert join_all([hanging, ended, unborn], 0) == ["a"]
    released.set()
    assert join_all([hanging, ended, unborn], 30) == []
