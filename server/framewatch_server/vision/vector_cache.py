"""What a label set needs of the model, computed once: embeddings of its texts, discriminants of its examples.

A cache is bounded by the bytes that it holds. Concurrent first users of a key share one computation: the first one gets
the duty to compute, the others its result.
"""

from __future__ import annotations

from collections.abc import Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock

import numpy as np
from cachetools import LRUCache

from framewatch_core.scoring import Float32Array, ensemble

Prompts = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """Where the vectors are or will be, and whether the holder of the claim has to compute them."""

    vectors: Future[Float32Array]
    must_compute: bool


class VectorCache:
    """An LRU cache of float32 arrays, safe to use from several threads."""

    def __init__(self, max_bytes: int) -> None:
        """`max_bytes`: of the arrays kept; a larger one is computed each time."""
        self._lock = Lock()
        self._kept: LRUCache[Hashable, Float32Array] = LRUCache(max_bytes, getsizeof=lambda vectors: vectors.nbytes)
        self._coming: dict[Hashable, Future[Float32Array]] = {}

    def claim(self, key: Hashable) -> Claim:
        """Finds the vectors of a key. Whoever must compute them calls `fulfil` or `give_up`."""
        with self._lock:
            if (vectors := self._kept.get(key)) is not None:
                ready: Future[Float32Array] = Future()
                ready.set_result(vectors)
                return Claim(ready, must_compute=False)
            if (coming := self._coming.get(key)) is not None:
                return Claim(coming, must_compute=False)
            self._coming[key] = coming = Future()
            return Claim(coming, must_compute=True)

    def fulfil(self, key: Hashable, vectors: Float32Array) -> None:
        """Gives everyone who waits the vectors, and keeps them."""
        with self._lock:
            coming = self._coming.pop(key)
            if vectors.nbytes <= self._kept.maxsize:
                self._kept[key] = vectors
        coming.set_result(vectors)

    def give_up(self, key: Hashable, error: Exception) -> None:
        """Tells everyone who waits why there are no vectors; the next one tries again."""
        with self._lock:
            coming = self._coming.pop(key)
        coming.set_exception(error)

    @property
    def kept_bytes(self) -> int:
        """Bytes of the arrays kept."""
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
