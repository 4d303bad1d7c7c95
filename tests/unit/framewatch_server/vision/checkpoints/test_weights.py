"""Sizes of weights."""

from __future__ import annotations

import pytest

from framewatch_demo import MODEL_DIR
from framewatch_server.vision.checkpoints.weights import WeightCounts, count_weights


def test_weights_are_counted_by_tower() -> None:
    counts = count_weights(MODEL_DIR)
    total = counts.image_matrices + counts.image_others + counts.texts
    header = (MODEL_DIR / "model.safetensors").stat().st_size - 4 * total
    assert 0 < header < 100_000, "the file is float32 with a header"
    assert min(counts.image_matrices, counts.image_others, counts.texts) > 0


@pytest.mark.parametrize(
    ("dtype", "engine", "size"),
    [
        ("float32", "torch", 4 * 111),
        ("float16", "torch", 2 * 111),
        ("bfloat16", "openvino", 2 * 110 + 4),
        ("int8", "openvino", 100 + 2 * 10 + 4),
    ],
)
def test_sizes_of_weights(dtype: str, engine: str, size: int) -> None:
    assert WeightCounts(image_matrices=100, image_others=10, texts=1).size(dtype, engine) == size
