"""What is computed of texts, examples and pictures and kept, so that nobody computes it again.

A cache is bounded by the bytes that it holds. Concurrent first users of a key share one computation: the first one gets
the duty to compute, the others its result.
"""

from __future__ import annotations

from collections.abc import Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock
from typing import Generic, Protocol, TypeVar

import numpy as np
from cachetools import LRUCache

from framewatch_core.arrays import Float32Array
from framewatch_core.labels.scoring import ensemble

Prompts = tuple[tuple[str, ...], ...]


class Measured(Protocol):
    """Something whose size is known, such as an array."""

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        ...


ValueT = TypeVar("ValueT", bound=Measured)


class GivenUp(Exception):
    """Whoever had the duty to compute went away: claim anew."""


@dataclass(frozen=True, slots=True)
class Claim(Generic[ValueT]):
    """Where the value is or will be, and whether the holder of the claim has to compute it."""

    value: Future[ValueT]
    must_compute: bool


class VectorCache(Generic[ValueT]):
    """An LRU cache of arrays and the like, safe to use from several threads."""

    def __init__(self, max_bytes: int) -> None:
        """`max_bytes`: of the values kept; a larger one is computed each time."""
        self._lock = Lock()
        self._kept: LRUCache[Hashable, ValueT] = LRUCache(max_bytes, getsizeof=lambda value: value.nbytes)
        self._coming: dict[Hashable, Future[ValueT]] = {}
        self._hits = 0
        self._misses = 0

    def claim(self, key: Hashable) -> Claim[ValueT]:
        """Finds the value of a key. Whoever must compute it calls `fulfil` or `give_up`."""
        with self._lock:
            if (value := self._kept.get(key)) is not None:
                self._hits += 1
                ready: Future[ValueT] = Future()
                ready.set_result(value)
                return Claim(ready, must_compute=False)
            if (coming := self._coming.get(key)) is not None:
                self._hits += 1
                return Claim(coming, must_compute=False)
            self._misses += 1
            self._coming[key] = coming = Future()
            return Claim(coming, must_compute=True)

    def fulfil(self, key: Hashable, value: ValueT) -> None:
        """Gives everyone who waits the value, and keeps it."""
        with self._lock:
            coming = self._coming.pop(key)
            if value.nbytes <= self._kept.maxsize:
                self._kept[key] = value
        coming.set_result(value)

    def give_up(self, key: Hashable, error: Exception) -> None:
        """Tells everyone who waits why there is no value; the next one tries again."""
        with self._lock:
            coming = self._coming.pop(key)
        coming.set_exception(error)

    @property
    def kept_bytes(self) -> int:
        """Bytes of the values kept."""
        with self._lock:
            return int(self._kept.currsize)

    @property
    def max_bytes(self) -> int:
        """Bytes of the values kept at most."""
        return int(self._kept.maxsize)

    @property
    def hits(self) -> int:
        """How often a value was there or on its way."""
        return self._hits

    @property
    def misses(self) -> int:
        """How often a value had to be computed."""
        return self._misses


@dataclass(frozen=True, slots=True, eq=False)
class TextVectors:
    """Embeddings of texts.

    Attributes:
        matrix: one L2-normalised row per group of texts, `[groups, dimension]`.
        cut_off: the texts of which the model did not read the end.
        text_bytes: of the texts themselves, which are kept with the matrix as its key.

    """

    matrix: Float32Array
    cut_off: frozenset[str] = frozenset()
    text_bytes: int = 0

    @property
    def nbytes(self) -> int:
        """Bytes of all that is kept."""
        return self.matrix.nbytes + self.text_bytes


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
