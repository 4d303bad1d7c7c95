"""Measures of a classifier's quality."""

import numpy as np
from numpy.typing import NDArray


def roc_auc(scores: NDArray[np.floating], present: NDArray[np.bool_]) -> float:
    """Probability that a present frame scores higher than an absent one (ties count half); 0..1.

    Args:
        scores: shape (N,).
        present: shape (N,).

    Raises:
        ValueError: all frames are present, or none is.

    """
    positive, negative = scores[present], np.sort(scores[~present])
    if not len(positive) or not len(negative):
        raise ValueError("the area needs present and absent frames")
    below = np.searchsorted(negative, positive, side="left")
    not_above = np.searchsorted(negative, positive, side="right")
    return float((below + not_above).sum() / (2 * len(positive) * len(negative)))
