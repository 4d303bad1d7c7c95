"""The size of slices of text."""

from __future__ import annotations

import pytest

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
    ("images_s", "seconds_a_cost", "slice_s"),
    [
        pytest.param(0.1, 1e-3, 0.1, id="as a batch of images"),
        pytest.param(0.001, 1e-3, 0.05, id="not shorter than 50 ms"),
        pytest.param(30.0, 1e-3, 0.25, id="not longer than 250 ms"),
        pytest.param(0.1, 1e-5, 0.1, id="a fast device"),
        pytest.param(0.1, 1e-2, 0.1, id="a slow device"),
    ],
)
def test_slices_come_to_take_as_long_as_a_batch_of_images(
    images_s: float, seconds_a_cost: float, slice_s: float
) -> None:
    budget = TextBudget()
    for _ in range(60):
        budget.took_images(images_s)
        budget.took_texts(budget.cost, budget.cost * seconds_a_cost)
    assert budget.cost * seconds_a_cost == pytest.approx(slice_s, rel=0.05)


def test_the_last_texts_of_a_caller_prove_nothing_of_larger_slices() -> None:
    budget = TextBudget()
    before = budget.cost
    budget.took_texts(3, 0.02)
    assert budget.cost == before


def test_a_single_measurement_at_most_doubles_a_slice() -> None:
    budget = TextBudget()
    before = budget.cost
    budget.took_texts(before, 1e-9)
    assert budget.cost == 2 * before


def test_a_slice_that_did_not_fit_is_halved_and_never_smaller_than_a_text() -> None:
    budget = TextBudget()
    for _ in range(20):
        budget.ran_out_of_memory(budget.cost)
    assert budget.cost == 1
