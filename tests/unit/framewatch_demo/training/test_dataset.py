"""Training batches."""

import numpy as np

from framewatch_demo.training.dataset import render_batch, stream_batches


def test_every_fourth_batch_came_before() -> None:
    batches = list(stream_batches(0, 8, 1))
    assert len(batches) == 8
    for number, batch in enumerate(batches, 1):
        earlier = batches[: number - 1]
        assert any(batch is each for each in earlier) == (number % 4 == 0)


def test_the_seed_decides_the_batch() -> None:
    first, second, other = (render_batch(seed, 1) for seed in (5, 5, 6))
    assert np.array_equal(first.images, second.images)
    assert first.images.shape != other.images.shape or not np.array_equal(first.images, other.images)


def test_a_batch_fits_together() -> None:
    batch = render_batch(7, 3)
    count = len(batch.images)
    assert batch.images.shape == (count, 80, 80, 3)
    assert batch.coverage.shape == (count, 8, 8)
    assert batch.concepts.shape == batch.close.shape == (count,)
