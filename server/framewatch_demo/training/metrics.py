"""Measures of a classifier's quality."""

import numpy as np
from numpy.typing import NDArray


def roc_auc(scores: NDArray[np.floating], present: NDArray[np.bool_]) -> float:
    """Returns the probability that a present frame scores higher than an absent one (ties count half); 0..1.

    Args:
        scores: scores of the frames, shape (N,).
        present: whether the thing is in each frame, shape (N,).

    Raises:
        ValueError: all frames are present, or none is.

    """
    positive, negative = scores[present], np.sort(scores[~present])
    if not len(positive) or not len(negative):
        raise ValueError("ROC AUC needs both present and absent frames")
    below = np.searchsorted(negative, positive, side="left")
    not_above = np.searchsorted(negative, positive, side="right")
    return float((below + not_above).sum() / (2 * len(positive) * len(negative)))
