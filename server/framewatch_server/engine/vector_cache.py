"""Caches of the vectors of texts, examples and pictures.

A cache is bounded by the bytes that it holds. Concurrent first users of a key share one computation: the first one has
to compute the value, and the others get its result.
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
    """A value of known size, such as an array."""

    @property
    def nbytes(self) -> int:
        """Size of the value in bytes."""
        ...


ValueT = TypeVar("ValueT", bound=Measured)


class GivenUp(Exception):
    """The computation was cancelled: claim the key again."""


@dataclass(frozen=True, slots=True)
class Claim(Generic[ValueT]):
    """Answer to a request for a key.

    Attributes:
        value: the value, now or once it is computed.
        must_compute: True: the holder of this claim has to compute the value.

    """

    value: Future[ValueT]
    must_compute: bool


class VectorCache(Generic[ValueT]):
    """LRU cache of arrays and similar values, safe to use from several threads."""

    def __init__(self, max_bytes: int) -> None:
        """Sets up an empty cache; `max_bytes`: of the values kept. A larger value is computed each time."""
        self._lock = Lock()
        self._kept: LRUCache[Hashable, ValueT] = LRUCache(max_bytes, getsizeof=lambda value: value.nbytes)
        self._coming: dict[Hashable, Future[ValueT]] = {}
        self._hits = 0
        self._misses = 0

    def claim(self, key: Hashable) -> Claim[ValueT]:
        """Returns a claim on the value of a key. The one that must compute it calls `fulfil` or `give_up`."""
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
        """Passes the value to all claims that wait for it, and keeps it."""
        with self._lock:
            coming = self._coming.pop(key)
            if value.nbytes <= self._kept.maxsize:
                self._kept[key] = value
        coming.set_result(value)

    def give_up(self, key: Hashable, error: Exception) -> None:
        """Passes the error to all claims that wait for the value; the next claim must compute it."""
        with self._lock:
            coming = self._coming.pop(key)
        coming.set_exception(error)

    @property
    def kept_bytes(self) -> int:
        """Size of the values kept, in bytes."""
        with self._lock:
            return int(self._kept.currsize)

    @property
    def max_bytes(self) -> int:
        """Limit of the values kept, in bytes."""
        return int(self._kept.maxsize)

    @property
    def hits(self) -> int:
        """Number of claims whose value was kept or being computed."""
        return self._hits

    @property
    def misses(self) -> int:
        """Number of claims whose value had to be computed."""
        return self._misses


@dataclass(frozen=True, slots=True, eq=False)
class TextVectors:
    """Embeddings of texts.

    Attributes:
        matrix: one L2-normalised row per group of texts, `[groups, dimension]`.
        cut_off: the texts whose end the model did not read.
        text_bytes: size of the texts themselves, which are kept with the matrix as its key.

    """

    matrix: Float32Array
    cut_off: frozenset[str] = frozenset()
    text_bytes: int = 0

    @property
    def nbytes(self) -> int:
        """Size of everything that is kept, in bytes."""
        return self.matrix.nbytes + self.text_bytes


def distinct_texts(prompts: Prompts) -> list[str]:
    """Returns every text of a label set once, in order of appearance."""
    return list(dict.fromkeys(text for group in prompts for text in group))


def text_matrix(prompts: Prompts, embeddings: Float32Array) -> Float32Array:
    """Returns one L2-normalised row per label, `[labels, dimension]`; a label with several texts is their ensemble.

    Args:
        prompts: of each label.
        embeddings: of `distinct_texts(prompts)`, L2-normalised, `[texts, dimension]`.

    """
    row = {text: i for i, text in enumerate(distinct_texts(prompts))}
    groups = ([row[text] for text in group] for group in prompts)
    return np.stack([embeddings[rows[0]] if len(rows) == 1 else ensemble(embeddings[rows]) for rows in groups])
