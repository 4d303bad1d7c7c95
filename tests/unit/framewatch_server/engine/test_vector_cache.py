from __future__ import annotations

import numpy as np
import pytest

from framewatch_core.arrays import Float32Array
from framewatch_server.engine.vector_cache import VectorCache, distinct_texts, text_matrix

A, B = (("a",),), (("b",),)
ROW = np.ones((1, 4), np.float32)  # 16 bytes


def test_the_first_one_computes_and_the_others_share() -> None:
    cache = VectorCache[Float32Array](100)
    first, second = cache.claim(A), cache.claim(A)
    assert (first.must_compute, second.must_compute) == (True, False)
    cache.fulfil(A, ROW)
    assert first.value.result() is second.value.result() is cache.claim(A).value.result() is ROW
    assert not cache.claim(A).must_compute
    assert (cache.hits, cache.misses) == (3, 1)


def test_a_failure_reaches_everyone_and_the_next_one_tries_again() -> None:
    cache = VectorCache[Float32Array](100)
    claims = [cache.claim(A), cache.claim(A)]
    cache.give_up(A, RuntimeError("no"))
    for claim in claims:
        with pytest.raises(RuntimeError, match="no"):
            claim.value.result()
    assert cache.claim(A).must_compute


def test_bytes_are_bounded_and_the_least_recently_used_goes() -> None:
    cache = VectorCache[Float32Array](40)
    for prompts in (A, B):
        cache.claim(prompts)
        cache.fulfil(prompts, ROW)
    cache.claim(A)
    other = (("c",),)
    cache.claim(other)
    cache.fulfil(other, ROW)
    assert cache.kept_bytes == 32
    assert not cache.claim(A).must_compute
    assert cache.claim(B).must_compute


def test_a_matrix_larger_than_the_cache_is_given_but_not_kept() -> None:
    cache = VectorCache[Float32Array](8)
    claim = cache.claim(A)
    cache.fulfil(A, ROW)
    assert claim.value.result() is ROW
    assert cache.kept_bytes == 0


def test_one_row_per_label_and_an_ensemble_for_several_texts() -> None:
    prompts = (("x",), ("y", "x"))
    assert distinct_texts(prompts) == ["x", "y"]
    matrix = text_matrix(prompts, np.array([[1, 0], [0, 1]], np.float32))
    assert matrix == pytest.approx(np.array([[1, 0], [0.5**0.5, 0.5**0.5]]))
