"""The decision which threads hang."""

from __future__ import annotations

import pytest

from framewatch_server.engine.threads.watchdog import Changes, Watchdog

STEP_S = 5.0


def looks(watchdog: Watchdog, *numbers: int | None, start: int = 0) -> list[Changes]:
    """Looks at one thread, every STEP_S seconds."""
    return [watchdog.look((start + i) * STEP_S, {"decode-0": number}) for i, number in enumerate(numbers)]


@pytest.mark.parametrize(
    ("numbers", "hung_at"),
    [
        pytest.param([None] * 20, None, id="waits"),
        pytest.param(list(range(20)), None, id="works"),
        pytest.param([1, 1, 1, 1, 1, 1, 2] * 3, None, id="slow, but ends"),
        pytest.param([1] * 20, 6, id="hangs"),
        pytest.param([None, 1, 2, *[3] * 20], 9, id="hangs later"),
        pytest.param([1, 1, 1, 1, None, 1, 1, 1, 1, 1], None, id="the same number is not seen twice"),
    ],
)
def test_work_that_takes_longer_than_the_limit_is_reported_once(numbers: list[int | None], hung_at: int | None) -> None:
    changes = looks(Watchdog(30), *numbers)
    assert [i for i, change in enumerate(changes) if change.hung] == ([] if hung_at is None else [hung_at])
    assert not any(change.returned for change in changes)


@pytest.mark.parametrize("then", [None, 2], ids=["waits again", "works again"])
def test_a_thread_that_returns_is_reported_once(then: int | None) -> None:
    watchdog = Watchdog(30)
    looks(watchdog, *[1] * 10)
    assert watchdog.hung == {"decode-0"}
    assert looks(watchdog, then, then, start=10) == [Changes(returned=("decode-0",)), Changes()]
    assert watchdog.hung == frozenset()


def test_a_process_that_stood_still_has_no_hanging_threads() -> None:
    """SIGSTOP for an hour, or a suspended machine: the threads stood still too."""
    watchdog = Watchdog(30)
    watchdog.look(0, {"device": 1})
    assert watchdog.look(3600, {"device": 1}) == Changes()


def test_threads_hang_by_themselves() -> None:
    watchdog = Watchdog(10)
    found = [watchdog.look(i * 2.5, {"a": 1, "b": i, "c": 1 if i < 6 else 2}) for i in range(8)]
    assert [change.hung for change in found if change.hung] == [("a", "c")]
    assert [change.returned for change in found if change.returned] == [("c",)]


@pytest.mark.parametrize(("limit_s", "interval_s"), [(30, 5.0), (8, 2.0), (0.4, 0.1)])
def test_looks_are_frequent_enough_for_the_limit(limit_s: float, interval_s: float) -> None:
    assert Watchdog(limit_s).interval_s == interval_s
