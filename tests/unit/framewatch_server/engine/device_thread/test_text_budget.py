"""The size of slices of text."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framewatch_server.engine.device_thread.text_budget import TextBudget, token_count


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", 3, id="empty"),
        pytest.param("a cat", 4, id="short"),
        pytest.param("a photo of a cat on a mat", 11, id="a prompt"),
        pytest.param("x" * 5000, 77, id="cut off"),
        pytest.param("\ud800", 3, id="a lone surrogate"),
    ],
)
def test_tokens_are_estimated_up_to_the_models_limit(text: str, expected: int) -> None:
    assert token_count(text, 77) == expected


@pytest.mark.parametrize(
    ("images_s", "fixed_s", "seconds_a_cost", "slice_s"),
    [
        pytest.param(0.1, 0, 5e-4, 0.1, id="as a batch of images"),
        pytest.param(0.001, 0, 1e-4, 0.05, id="not shorter than 50 ms"),
        pytest.param(30.0, 0, 1e-3, 0.25, id="not longer than 250 ms"),
        pytest.param(0.1, 0, 1e-5, 0.1, id="a fast device"),
        pytest.param(0.1, 0.04, 1e-4, 0.1, id="a part that depends on no size"),
        pytest.param(0.1, 0.15, 1e-4, 0.3, id="a part that takes longer by itself: twice as long"),
        pytest.param(0.1, 0.5, 3e-4, 0.75, id="a part that takes very long: 250 ms more"),
        pytest.param(0.1, 0, 1e-2, 1.28, id="a slow device: not fewer than a dozen"),
    ],
)
def test_slices_come_to_take_as_long_as_a_batch_of_images(
    images_s: float, fixed_s: float, seconds_a_cost: float, slice_s: float
) -> None:
    budget = TextBudget()
    for i in range(200):
        budget.took_images(images_s)
        cost = budget.cost * (1, 0.7, 0.9)[i % 3]  # the last slice of a caller is smaller
        budget.took_texts(cost, fixed_s + cost * seconds_a_cost)
    assert fixed_s + budget.cost * seconds_a_cost == pytest.approx(slice_s, rel=0.1)


@given(st.lists(st.tuples(st.floats(1, 5000), st.floats(0, 10)), max_size=50))
def test_whatever_is_measured_a_slice_has_a_cost(measured: list[tuple[float, float]]) -> None:
    budget = TextBudget()
    for cost, seconds in measured:
        before = budget.cost
        budget.took_texts(cost, seconds)
        assert 128 <= budget.cost <= min(2 * before, 65_536)


def test_slices_that_can_not_fit_are_tried_ever_more_seldom() -> None:
    """The device has room for a cost of 500, and time for far more."""
    budget, failures = TextBudget(), list[int]()
    for i in range(1000):
        cost = budget.cost
        if cost > 500:
            budget.ran_out_of_memory(cost)
            failures.append(i)
            cost /= 2
        budget.took_texts(cost, cost * 1e-5)
    assert 2 <= len(failures) <= 10
    waits = [later - earlier for earlier, later in itertools.pairwise(failures)]
    assert waits == sorted(waits)


def test_a_slice_that_did_not_fit_is_halved_and_grows_again() -> None:
    budget = TextBudget()
    for _ in range(20):
        budget.ran_out_of_memory(budget.cost)
    assert budget.cost == 1
    for _ in range(60):
        budget.took_texts(budget.cost, budget.cost * 1e-4)
    assert budget.cost > 256
