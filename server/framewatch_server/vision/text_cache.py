"""Embeddings of label sets, computed once.

The cache is bounded by the bytes that it holds. Concurrent first users of a label set share one computation: the first
one gets the duty to compute, the others its result.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock

import numpy as np
from cachetools import LRUCache

from framewatch_core.scoring import Float32Array, ensemble

Prompts = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """Where the matrix `[labels, dimension]` is or will be, and whether the holder of the claim has to compute it."""

    matrix: Future[Float32Array]
    must_compute: bool


class TextCache:
    """An LRU cache of text matrices, safe to use from several threads."""

    def __init__(self, max_bytes: int) -> None:
        """`max_bytes`: of the matrices kept; a larger one is computed each time."""
        self._lock = Lock()
        self._kept: LRUCache[Prompts, Float32Array] = LRUCache(max_bytes, getsizeof=lambda matrix: matrix.nbytes)
        self._coming: dict[Prompts, Future[Float32Array]] = {}

    def claim(self, prompts: Prompts) -> Claim:
        """Finds the matrix of a label set's prompts. Whoever must compute it calls `fulfil` or `give_up`."""
        with self._lock:
            if (matrix := self._kept.get(prompts)) is not None:
                ready: Future[Float32Array] = Future()
                ready.set_result(matrix)
                return Claim(ready, must_compute=False)
            if (coming := self._coming.get(prompts)) is not None:
                return Claim(coming, must_compute=False)
            self._coming[prompts] = coming = Future()
            return Claim(coming, must_compute=True)

    def fulfil(self, prompts: Prompts, matrix: Float32Array) -> None:
        """Gives everyone who waits the matrix, and keeps it."""
        with self._lock:
            coming = self._coming.pop(prompts)
            if matrix.nbytes <= self._kept.maxsize:
                self._kept[prompts] = matrix
        coming.set_result(matrix)

    def give_up(self, prompts: Prompts, error: Exception) -> None:
        """Tells everyone who waits why there is no matrix; the next one tries again."""
        with self._lock:
            coming = self._coming.pop(prompts)
        coming.set_exception(error)

    @property
    def kept_bytes(self) -> int:
        """Bytes of the matrices kept."""
        with self._lock:
            return int(self._kept.currsize)


def distinct_texts(prompts: Prompts) -> list[str]:
    """Every text of a label set once, in order of appearance."""
    return list(dict.fromkeys(text for group in prompts for text in group))


def text_matrix(prompts: Prompts, embeddings: Float32Array) -> Float32Array:
    """One L2-normalised row per label, `[labels, dimension]`; a label with several texts is their ensemble.

    Args:
        prompts: of each label.
        embeddings: of `distinct_texts(prompts)`, L2-normalised, `[texts, dimension]`.

    """
    row = {text: i for i, text in enumerate(distinct_texts(prompts))}
    groups = ([row[text] for text in group] for group in prompts)
    return np.stack([embeddings[rows[0]] if len(rows) == 1 else ensemble(embeddings[rows]) for rows in groups])
