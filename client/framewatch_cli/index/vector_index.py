"""An index: vectors of pictures, to be searched by the vector of a picture or a text.

The search is exact: the product of each vector with the query. That takes about 0.2 s for a million vectors of 512
numbers. An approximate index such as those of faiss is worth it only beyond that, and misses some.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from framewatch_core.arrays import Float32Array

OUTDATED_NS = -(2**63)
"""Stands for a file's time of change when its vectors must be made again, as they were made with other settings."""


class Entry(NamedTuple):
    """A picture of an index: a file, or a frame of a video.

    Attributes:
        path: of the file, absolute.
        time_s: of the frame, in seconds; None: the file is a picture.
        size: of the file when it was read, in bytes.
        mtime_ns: the file's time of change when it was read, in nanoseconds since the epoch; or OUTDATED_NS.

    """

    path: Path
    time_s: float | None
    size: int
    mtime_ns: int

    @property
    def name(self) -> str:
        """The path as `shown_path` gives it, with the frame's time: `belt.mp4@12.50s`."""
        return self.named(shown_path(self.path))

    def named(self, file: str) -> str:
        """Returns the given name of the file with the frame's time, if the entry is a frame."""
        return file if self.time_s is None else f"{file}@{self.time_s:.2f}s"


class Hit(NamedTuple):
    """A result of a search: the entry's number, and its cosine to the query, in [-1, 1]."""

    number: int
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class VectorIndex:
    """Pictures with their vectors.

    Attributes:
        entries: the pictures; those of one file are neighbours.
        vectors: float32 `[entry count, dimension]` of length 1, in the entries' order.
        model: name of the model that made the vectors.
        weights_digest: of the model's weights; vectors of other weights can't be compared with these.
        fps: limit of frames a second of videos; None: the index was made without videos.
        sources: folders that the index was made of, absolute.

    Raises:
        ValueError: the number of vectors differs from that of the entries.

    """

    entries: tuple[Entry, ...]
    vectors: Float32Array
    model: str
    weights_digest: str
    fps: float | None = None
    sources: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.entries):
            count = len(self.entries)
            raise ValueError(
                f"vectors have the shape {self.vectors.shape}: expected one row for each of {count:,} entries"
            )

    @property
    def dimension(self) -> int:
        """Numbers of each vector."""
        return int(self.vectors.shape[1])

    def search(self, query: Float32Array, *, top: int, min_score: float = -1.0) -> list[Hit]:
        """Returns the entries nearest to a query, best first; equal ones in the entries' order.

        Args:
            query: a vector of length 1 of the same model, float32 `[dimension]`.
            top: limit of the results, at least 1.
            min_score: the least cosine.

        Raises:
            ValueError: the query has another dimension, or `top` is less than 1.

        """
        if query.shape != (self.dimension,):
            raise ValueError(f"the query has the shape {query.shape}: expected ({self.dimension},), as the index has")
        if top < 1:
            raise ValueError(f"top is {top}: expected at least 1")
        # not `@`: BLAS rounds rows differently by their place, so that copies of a picture would have unequal scores
        scores: Float32Array = np.einsum("ij,j->i", self.vectors, query)
        chosen = _best(scores, min(top, len(scores)))
        return [Hit(int(number), float(scores[number])) for number in chosen if scores[number] >= min_score]


def _best(scores: Float32Array, top: int) -> npt.NDArray[np.intp]:
    """Returns the numbers of the `top` highest scores, best first, equal ones by number, without sorting all."""
    if not top:
        return np.empty(0, np.intp)
    least = np.partition(scores, len(scores) - top)[len(scores) - top]
    above = np.flatnonzero(scores > least)
    chosen = np.concatenate([above, np.flatnonzero(scores == least)[: top - len(above)]])
    ranked: npt.NDArray[np.intp] = chosen[np.argsort(-scores[chosen], kind="stable")]
    return ranked


def shown_path(path: Path) -> str:
    """Returns the path relative to the working folder if it lies below it, else unchanged."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
