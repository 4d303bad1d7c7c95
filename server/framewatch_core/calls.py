"""Results of unary calls."""

from __future__ import annotations

from dataclasses import dataclass

from framewatch_core.arrays import Float32Array
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.labels.warnings import RequestWarning
from framewatch_core.stream.results import Timings


@dataclass(frozen=True, slots=True)
class Classification:
    """Scores of an image.

    Attributes:
        scores: best first, as many as asked for.
        model: name of the model that computed them.
        timings: the server's time.
        warnings: remarks on the request, such as labels that the model read only in part.
        weights_digest: of the model's weights; empty: unknown, as servers of earlier versions did not give it.

    """

    scores: tuple[LabelScore, ...]
    model: str
    timings: Timings
    warnings: tuple[RequestWarning, ...] = ()
    weights_digest: str = ""

    @property
    def best(self) -> LabelScore:
        """The most probable label's score."""
        return self.scores[0]

    @property
    def label(self) -> str:
        """The most probable label's name."""
        return self.best.label


@dataclass(frozen=True, slots=True)
class Similarity:
    """Similarities of images and one query.

    Attributes:
        similarities: one cosine per candidate, in the order given, in [-1, 1].
        model: name of the model that computed them.
        timings: the server's time.

    """

    similarities: tuple[float, ...]
    model: str
    timings: Timings

    @property
    def best_index(self) -> int:
        """Index of the candidate that is most similar to the query; the first of equals."""
        return self.similarities.index(max(self.similarities))


@dataclass(frozen=True, slots=True, eq=False)
class SimilarityMatrix:
    """Similarities of several queries and several candidates.

    Attributes:
        similarities: cosines in [-1, 1], float32 `[queries, candidates]`.
        model: name of the model that computed them.
        timings: the server's time.

    """

    similarities: Float32Array
    model: str
    timings: Timings


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """Vectors of length 1, in one space: the dot product of any two is their cosine.

    Attributes:
        images: float32 `[image count, dimension]`, in the order given.
        texts: float32 `[text count, dimension]`, in the order given.
        model: name of the model that computed them.
        weights_digest: identifies its weights, 16 hexadecimal digits: vectors of other weights can't be compared.
        dimension: numbers per vector.
        timings: the server's time for the images.
        warnings: remarks on the request, such as texts that the model read only in part.

    """

    images: Float32Array
    texts: Float32Array
    model: str
    weights_digest: str
    dimension: int
    timings: Timings
    warnings: tuple[RequestWarning, ...] = ()
