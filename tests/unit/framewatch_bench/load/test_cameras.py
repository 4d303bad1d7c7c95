"""The search for the largest load."""

import pytest

from framewatch_bench.load.cameras import largest_that


@pytest.mark.parametrize("answer", [0, 1, 2, 3, 7, 8, 9, 31, 63, 64])
def test_the_largest_number_is_found_without_trying_them_all(answer: int) -> None:
    tried: list[int] = []

    def holds(number: int) -> bool:
        tried.append(number)
        return number <= answer

    assert largest_that(holds, 64) == answer
    assert len(tried) == len(set(tried)) <= 13
    assert max(tried) <= 64
