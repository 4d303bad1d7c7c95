"""An index: vectors of pictures, to be searched by the vector of a picture or a text.

Searched exactly, by the product of each vector with the query. That takes about 0.2 s for a million vectors of 512
numbers; an approximate index such as those of faiss pays off only beyond that, and misses some.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from framewatch_core.arrays import Float32Array

OUTDATED_NS = -(2**63)
"""In the place of a file's time: its vectors were made otherwise than the index's are now, and are to be made again."""


class Entry(NamedTuple):
    """A picture of an index: a file, or a frame of a video.

    Attributes:
        path: the file, absolute.
        time_s: the frame's time in seconds; None: the file is a picture.
        size: the file's, in bytes, when it was read.
        mtime_ns: when it had been changed last, in nanoseconds since the epoch; or OUTDATED_NS.

    """

    path: Path
    time_s: float | None
    size: int
    mtime_ns: int

    @property
    def name(self) -> str:
        """The path, from the working folder if it lies below that, and the time: `belt.mp4@12.50s`."""
        return self.named(shown_path(self.path))

    def named(self, file: str) -> str:
        """The file's name, with the frame's time if it is one."""
        return file if self.time_s is None else f"{file}@{self.time_s:.2f}s"


class Hit(NamedTuple):
    """What a search found: the entry's number, and its cosine to the query, in [-1, 1]."""

    number: int
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class VectorIndex:
    """Pictures with their vectors.

    Attributes:
        entries: the pictures.
        vectors: float32 `[entry count, dimension]` of length 1, in the entries' order.
        model: name of the model that made them.
        weights_digest: names its weights; vectors of others can't be compared with these.
        fps: of videos, how many frames a second it has at most; None: it was made without videos.
        sources: folders that it was made of, absolute.

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
        """How many numbers a vector has."""
        return int(self.vectors.shape[1])

    def search(self, query: Float32Array, *, top: int, min_score: float = -1.0) -> list[Hit]:
        """The entries nearest to a query, best first, equals in the entries' order.

        Args:
            query: a vector of length 1, float32 `[dimension]`, of the same model.
            top: how many at most; at least 1.
            min_score: the least cosine.

        Raises:
            ValueError: the query has another dimension, or `top` is less than 1.

        """
        if query.shape != (self.dimension,):
            raise ValueError(f"the query has the shape {query.shape}: expected ({self.dimension},), as the index has")
        if top < 1:
            raise ValueError(f"top is {top}: expected at least 1")
        # not `@`: BLAS rounds rows differently by where they stand, so that copies of a picture would not be equals
        scores: Float32Array = np.einsum("ij,j->i", self.vectors, query)
        chosen = _best(scores, min(top, len(scores)))
        return [Hit(int(number), float(scores[number])) for number in chosen if scores[number] >= min_score]


def _best(scores: Float32Array, top: int) -> npt.NDArray[np.intp]:
    """Numbers of the `top` highest scores, best first, equals by number; without sorting all of them."""
    if not top:
        return np.empty(0, np.intp)
    least = np.partition(scores, len(scores) - top)[len(scores) - top]
    above = np.flatnonzero(scores > least)
    chosen = np.concatenate([above, np.flatnonzero(scores == least)[: top - len(above)]])
    ranked: npt.NDArray[np.intp] = chosen[np.argsort(-scores[chosen], kind="stable")]
    return ranked


def shown_path(path: Path) -> str:
    """The path from the working folder if it lies below that, else as it is."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
