"""Slices of text: bounded, fair over callers, and nothing for callers who are gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from framewatch_core.arrays import Float32Array
from framewatch_core.errors import InternalError, NotFinite, ServerUnavailable
from framewatch_server.engine.device_thread.text_budget import TextBudget
from framewatch_server.engine.device_thread.texts import TextQueue, TextRequest
from framewatch_server.vision.towers.encoder import DeviceOutOfMemory


class Texts:
    """A text tower whose embedding is the number in the text; records its batches."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.room = 1000
        self.failure: BaseException | None = None
        self.lost = 0

    def encode(self, texts: Sequence[str]) -> Float32Array:
        self.batches.append(list(texts))
        if len(texts) > self.room:
            raise DeviceOutOfMemory("no room")
        if self.failure is not None and any("poison" in text for text in texts):
            raise self.failure
        values = [np.nan if "nan" in text else float(text.split()[-1]) for text in texts]
        return np.array(values, np.float32)[self.lost :, None]

    def cut_off(self, texts: Sequence[str]) -> frozenset[str]:
        return frozenset(text for text in texts if "long" in text)


class Ticks:
    """A clock that goes on by a fixed step whenever it is read."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += 0.05
        return self.now_s


@pytest.fixture
def tower() -> Texts:
    return Texts()


@pytest.fixture
def queue(tower: Texts) -> TextQueue:
    return TextQueue(tower, 77, TextBudget(), Ticks())


def ask(queue: TextQueue, *texts: str) -> TextRequest:
    request = TextRequest(texts)
    queue.add(request)
    return request


def numbers(first: int, count: int, word: str = "t") -> list[str]:
    return [f"{word} {i}" for i in range(first, first + count)]


def run_all(queue: TextQueue) -> int:
    count = 0
    while (some := queue.next_slice()) is not None:
        some.run()
        count += 1
    return count


def test_every_caller_gets_its_own_texts_in_their_order(tower: Texts, queue: TextQueue) -> None:
    requests = {first: ask(queue, *numbers(first, count)) for first, count in ((0, 100), (1000, 3), (2000, 41))}
    assert run_all(queue) > 2
    for first, request in requests.items():
        vectors, _ = request.future.result(0)
        assert vectors[:, 0].tolist() == [first + i for i in range(len(vectors))]
    assert sum(map(len, tower.batches)) == 144


def test_a_caller_with_few_texts_does_not_wait_for_one_with_many(queue: TextQueue) -> None:
    many, few = ask(queue, *numbers(0, 1000)), ask(queue, *numbers(5000, 3))
    first = queue.next_slice()
    assert first is not None
    first.run()
    assert few.future.done()
    assert not many.future.done()


def test_callers_take_turns_over_all_slices(tower: Texts, queue: TextQueue) -> None:
    """Texts of one caller are together in a batch, so it shows how many each one has, not their turns."""
    for i in range(10):
        ask(queue, *numbers(1000 * i, 100))
    embedded = Counter[int]()
    while len(tower.batches) < 6:
        some = queue.next_slice()
        assert some is not None
        some.run()
        embedded.update(int(text.split()[1]) // 1000 for text in tower.batches[-1])
        assert max(embedded.values()) - min(embedded[i] for i in range(10)) <= 1


def test_long_texts_make_slices_of_fewer(tower: Texts, queue: TextQueue) -> None:
    ask(queue, *numbers(0, 50))
    queue.next_slice().run()  # type: ignore[union-attr]
    short = len(tower.batches[-1])
    other = TextQueue(tower, 77, TextBudget(), Ticks())
    ask(other, *numbers(0, 50, "word " * 100))
    other.next_slice().run()  # type: ignore[union-attr]
    assert 1 <= len(tower.batches[-1]) < short / 4


def test_callers_who_are_gone_cost_nothing(tower: Texts, queue: TextQueue) -> None:
    """32 callers with 1000 texts each go away: the next one's texts are in the next slice."""
    gone = [ask(queue, *numbers(0, 1000)) for _ in range(32)]
    some = queue.next_slice()
    for request in gone:
        assert request.future.cancel()
    assert some is not None
    some.run()
    assert tower.batches == [], "also those that were in a slice already"
    last = ask(queue, *numbers(7, 2))
    assert run_all(queue) == 1
    assert last.future.result(0)[0][:, 0].tolist() == [7, 8]


@pytest.mark.parametrize("fate", ["all are gone", "most are gone", "the model fails"])
def test_texts_that_cost_nothing_do_not_make_slices_grow(tower: Texts, fate: str) -> None:
    """Else one slice would hold the device for half a minute later: its size is from what slices took before."""
    seconds_a_text = 0.01
    now_s = 0.0

    def encode(texts: Sequence[str]) -> Float32Array:
        nonlocal now_s
        if fate == "the model fails":
            raise ValueError("odd")
        now_s += seconds_a_text * len(texts)
        return Texts.encode(tower, texts)

    tower.encode = encode  # type: ignore[method-assign]
    budget = TextBudget()
    queue = TextQueue(tower, 77, budget, lambda: now_s)
    for _ in range(30):
        requests = [ask(queue, *numbers(0, 1)) for _ in range(40)]
        some = queue.next_slice()
        for request in requests if fate == "all are gone" else requests[1:] if fate == "most are gone" else ():
            request.future.cancel()
        assert some is not None
        some.run()
    assert budget.cost < 256


def test_texts_that_were_cut_off_are_reported_to_their_caller_alone(queue: TextQueue) -> None:
    one, other = ask(queue, "long 1", "t 2"), ask(queue, "t 3", "long 4")
    run_all(queue)
    assert one.future.result(0)[1] == {"long 1"}
    assert other.future.result(0)[1] == {"long 4"}


@pytest.mark.parametrize(
    "failure", [RuntimeError("odd"), SystemExit(), StopIteration(), KeyboardInterrupt()], ids=lambda f: type(f).__name__
)
def test_a_text_that_the_model_fails_on_fails_its_own_caller(
    tower: Texts, queue: TextQueue, failure: BaseException
) -> None:
    tower.failure = failure
    fine, bad, also_fine = ask(queue, "t 1"), ask(queue, "t 2", "poison 3"), ask(queue, "t 4")
    run_all(queue)
    assert fine.future.result(0)[0].tolist() == [[1]]
    assert also_fine.future.result(0)[0].tolist() == [[4]]
    error = bad.future.exception(0)
    assert isinstance(error, Exception)
    assert not isinstance(error, StopIteration)


def test_a_vector_that_is_not_finite_fails_its_own_caller(queue: TextQueue) -> None:
    fine, bad = ask(queue, "t 1"), ask(queue, "nan 2")
    run_all(queue)
    assert fine.future.result(0)[0].tolist() == [[1]]
    assert isinstance(bad.future.exception(0), NotFinite)


def test_too_few_vectors_are_an_error_and_not_a_caller_who_waits_for_ever(tower: Texts, queue: TextQueue) -> None:
    tower.lost = 1
    request = ask(queue, "t 1", "t 2")
    run_all(queue)
    assert isinstance(request.future.exception(0), InternalError)


def test_out_of_memory_halves_slices(tower: Texts, queue: TextQueue) -> None:
    tower.room = 3
    one, other = ask(queue, *numbers(0, 20)), ask(queue, *numbers(50, 20))
    run_all(queue)
    assert one.future.result(0)[0][:, 0].tolist() == list(range(20))
    assert other.future.result(0)[0][:, 0].tolist() == list(range(50, 70))


def test_a_slice_of_many_callers_that_did_not_fit_makes_smaller_ones(tower: Texts) -> None:
    """The callers' texts fit one by one: that is one measurement, and no reason to grow."""
    tower.room = 3
    budget = TextBudget()
    queue = TextQueue(tower, 77, budget, Ticks())
    before = budget.cost
    for i in range(40):
        ask(queue, f"t {i}")
    some = queue.next_slice()
    assert some is not None
    some.run()
    assert budget.cost < 0.6 * before


def test_a_text_that_does_not_fit_at_all_is_told_with_a_remedy(tower: Texts, queue: TextQueue) -> None:
    tower.room = 0
    request = ask(queue, "t 1")
    run_all(queue)
    error = request.future.exception(0)
    assert isinstance(error, ServerUnavailable)
    assert "--max-batch-size" in error.message
