"""ROC AUC."""

import numpy as np
import pytest

from framewatch_demo.training.metrics import roc_auc


@pytest.mark.parametrize(
    ("scores", "present", "expected"),
    [
        ([0.1, 0.2, 0.8, 0.9], [False, False, True, True], 1.0),
        ([0.9, 0.8, 0.2, 0.1], [False, False, True, True], 0.0),
        ([0.5, 0.5], [False, True], 0.5),
        ([0.1, 0.4, 0.35, 0.8], [False, False, True, True], 0.75),
    ],
    ids=["apart", "the wrong way round", "tie", "one pair of four wrong"],
)
def test_roc_auc(scores: list[float], present: list[bool], expected: float) -> None:
    assert roc_auc(np.array(scores), np.array(present)) == pytest.approx(expected)


@pytest.mark.parametrize("present", [True, False])
def test_one_kind_alone_has_no_auc(present: bool) -> None:
    with pytest.raises(ValueError, match="present and absent"):
        roc_auc(np.array([0.1, 0.2]), np.array([present, present]))
