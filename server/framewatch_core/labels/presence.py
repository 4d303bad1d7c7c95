"""Presence of a thing by example images: a linear discriminant between images with it and images without it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framewatch_core.arrays import Float32Array, Float64Array

EXAMPLE_LOGIT = 4.0
"""Logit of the mean of the examples; that of the counter-examples' mean is its negative: presence 0.98 and 0.02."""

_SHRINKAGE = 1.0

# Share of the features' length; the same picture's features differ by about a tenth of this from batch to batch.
_NOISE = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class Discriminant:
    """Direction in feature space: `features · weights + offset` is the logit of presence.

    Attributes:
        weights: float32 `[features]`.
        offset: added to the product.

    """

    weights: Float32Array
    offset: float


def fit_discriminant(examples: Float32Array, counter_examples: Float32Array) -> Discriminant:
    """Fits Fisher's linear discriminant with its covariance shrunk towards a multiple of the identity.

    `w = (S + λ · tr(S)/d · I)⁻¹ · (m₁ − m₀)`, S the covariance within the two classes, λ = 1. Directions in which
    the examples themselves vary, such as pose and light, have less weight. With one image of each kind it is the
    difference of the two. On real video λ from 0.3 to 3 made no difference; the plain difference of means, λ = ∞, left
    a quarter of the margin where a person is at the frame's edge.

    Args:
        examples: features with the thing, `[n, features]`, n at least 1.
        counter_examples: features without it, `[m, features]`, m at least 1.

    """
    present, absent = (kind.mean(axis=0, dtype=np.float64) for kind in (examples, counter_examples))
    difference = np.asarray(present - absent)
    if np.linalg.norm(difference) <= _NOISE * np.linalg.norm(present):  # the model makes no difference
        return Discriminant(np.zeros(len(difference), np.float32), 0.0)
    weights = _inverse_covariance_times(
        np.concatenate([examples - present, counter_examples - absent]).astype(np.float64), difference
    )
    scale = EXAMPLE_LOGIT / (float(weights @ difference) / 2)
    middle = float(weights @ (present + absent)) / 2
    return Discriminant((weights * scale).astype(np.float32), -middle * scale)


def _inverse_covariance_times(residuals: Float64Array, vector: Float64Array) -> Float64Array:
    """Returns the shrunk covariance's inverse times a vector, up to a factor.

    By Woodbury's identity, since residuals are few.

    Args:
        residuals: from their classes' means, `[n, d]`; S is `residualsᵀ · residuals / n`.
        vector: `[d]`.

    """
    count, dimension = residuals.shape
    ridge = _SHRINKAGE * float(np.sum(residuals**2)) / dimension  # λ · tr(n · S)/d
    if ridge <= np.finfo(np.float64).tiny:
        return vector
    gram = residuals @ residuals.T + ridge * np.eye(count)
    correction: Float64Array = residuals.T @ np.linalg.solve(gram, residuals @ vector)
    return vector - correction
