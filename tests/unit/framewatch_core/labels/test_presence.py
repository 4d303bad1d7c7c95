"""The discriminant between examples and counter-examples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framewatch_core.arrays import Float32Array
from framewatch_core.labels.presence import EXAMPLE_LOGIT, Discriminant, fit_discriminant


def pictures(seed: int, count: int, features: int, shift: float = 0.0) -> Float32Array:
    """L2-normalised vectors that scatter around a mean of their own."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(0, 0.1, (count, features)) + np.linspace(1, 1 + shift, features)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def logit(found: Discriminant, features: Float32Array) -> float:
    return float(features.astype(np.float64) @ found.weights.astype(np.float64)) + found.offset


def directly(examples: Float32Array, counter_examples: Float32Array) -> tuple[np.ndarray, float]:
    """The formula of the docstring in float64, with a plain inverse."""
    present, absent = examples.astype(np.float64).mean(axis=0), counter_examples.astype(np.float64).mean(axis=0)
    residuals = np.concatenate([examples - present, counter_examples - absent])
    covariance = residuals.T @ residuals / len(residuals)
    dimension = len(present)
    shrunk = covariance + np.trace(covariance) / dimension * np.eye(dimension)
    weights = np.linalg.inv(shrunk) @ (present - absent)
    weights *= 2 * EXAMPLE_LOGIT / (weights @ (present - absent))
    return weights, float(EXAMPLE_LOGIT - weights @ present)


@given(
    st.integers(0, 10_000),
    st.integers(1, 9),
    st.integers(1, 9),
    st.sampled_from([2, 5, 64, 768]),
)
@settings(max_examples=60, deadline=None)
def test_the_means_of_both_kinds_are_at_the_logits_that_are_promised(
    seed: int, count: int, other_count: int, features: int
) -> None:
    there, gone = pictures(seed, count, features, 2), pictures(seed + 1, other_count, features)
    found = fit_discriminant(there, gone)
    assert logit(found, there.mean(axis=0)) == pytest.approx(EXAMPLE_LOGIT, abs=0.01)
    assert logit(found, gone.mean(axis=0)) == pytest.approx(-EXAMPLE_LOGIT, abs=0.01)


@pytest.mark.parametrize(
    ("counts", "features"),
    [((4, 4), 8), ((1, 5), 8), ((20, 3), 8), ((4, 4), 300), ((64, 64), 40)],
    ids=["few", "one of a kind", "more pictures than features", "many features", "many pictures"],
)
def test_it_is_fishers_with_the_covariance_shrunk(counts: tuple[int, int], features: int) -> None:
    there, gone = pictures(1, counts[0], features, 2), pictures(2, counts[1], features)
    found = fit_discriminant(there, gone)
    weights, offset = directly(there, gone)
    np.testing.assert_allclose(found.weights, weights, rtol=1e-3, atol=1e-4 * np.abs(weights).max())
    assert found.offset == pytest.approx(offset, rel=1e-3, abs=1e-3)


def test_one_picture_of_each_kind_is_their_difference() -> None:
    there, gone = pictures(1, 1, 16, 2), pictures(2, 1, 16)
    found = fit_discriminant(there, gone)
    difference = (there - gone)[0]
    cosine = found.weights @ difference / np.linalg.norm(found.weights) / np.linalg.norm(difference)
    assert cosine == pytest.approx(1, abs=1e-6)
    assert logit(found, (there + gone)[0] / 2) == pytest.approx(0, abs=1e-3)


def test_the_same_picture_many_times_is_one() -> None:
    there, gone = pictures(1, 1, 16, 2), pictures(2, 1, 16)
    once = fit_discriminant(there, gone)
    often = fit_discriminant(there.repeat(5, axis=0), gone.repeat(3, axis=0))
    np.testing.assert_allclose(often.weights, once.weights, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("count", "noise"),
    [(1, 0.0), (4, 0.0), (4, 1e-7)],
    ids=["one", "several that differ", "as two batches have them"],
)
def test_examples_that_are_counter_examples_too_mean_nothing(count: int, noise: float) -> None:
    same = pictures(1, count, 16)
    found = fit_discriminant(same, (same * np.float32(1 + noise))[::-1])
    assert not found.weights.any()
    assert found.offset == 0


def test_what_changes_among_examples_counts_for_less() -> None:
    """The first feature separates the kinds; the second does so as well, but wavers."""
    wavering = np.array([-0.4, 0.4, -0.4, 0.4])
    there = np.stack([np.full(4, 0.2), 0.2 + wavering], axis=1).astype(np.float32)
    gone = np.stack([np.zeros(4), wavering], axis=1).astype(np.float32)
    first, second = fit_discriminant(there, gone).weights
    assert first > 2 * second > 0


@pytest.mark.parametrize("scale", [1e-3, 10.0, 1e4])
def test_the_scale_of_features_does_not_matter(scale: float) -> None:
    there, gone = pictures(1, 5, 32, 2), pictures(2, 4, 32)
    plain, scaled = fit_discriminant(there, gone), fit_discriminant(there * scale, gone * scale)
    other = pictures(3, 1, 32, 1)[0]
    assert logit(scaled, other * np.float32(scale)) == pytest.approx(logit(plain, other), abs=0.01)


def test_exchanged_kinds_have_the_opposite_logit() -> None:
    there, gone = pictures(1, 5, 32, 2), pictures(2, 4, 32)
    one, other = fit_discriminant(there, gone), fit_discriminant(gone, there)
    np.testing.assert_allclose(one.weights, -other.weights, atol=1e-5)
    assert one.offset == pytest.approx(-other.offset, abs=1e-5)
