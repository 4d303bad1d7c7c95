"""What single calls return, and what all answers have in common."""

from __future__ import annotations

from dataclasses import dataclass, field

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.arrays import Float32Array
from framewatch_core.labels.scoring import LabelScore

"""Vectors `[count, dimension]`, a vector `[dimension]`, or cosines."""


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the server's time went, in seconds, and how many images the batch had (0: none was needed)."""

    decode_s: float
    queue_s: float
    inference_s: float
    batch_size: int


@dataclass(frozen=True, slots=True)
class ServerWarning:
    """Something that the server did, but perhaps not as it was meant.

    Attributes:
        reason: stable name, UPPER_SNAKE_CASE, such as `TEXT_TRUNCATED`.
        message: what it was and what to do, for a person.
        field: the path of the request's field that it is about; for a text that a template made, the label's name.

    """

    reason: str
    message: str
    field: str

    def __str__(self) -> str:
        where = f" ({self.field})" if self.field else ""
        return f"{self.message}{where} [{self.reason}]"


@dataclass(frozen=True, slots=True)
class Classification:
    """The scores of an image.

    Attributes:
        scores: best first, as many as asked for.
        model: the model that answered.
        timings: where the time went.
        message: the response as it came.
        warnings: what may not be as it was meant, such as labels that the model read only in part.

    """

    scores: tuple[LabelScore, ...]
    model: str
    timings: Timings
    message: pb.ClassifyResponse = field(repr=False, compare=False)
    warnings: tuple[ServerWarning, ...] = ()

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
    """How much images resemble a query.

    Attributes:
        similarities: one cosine per candidate, in the order given, in [-1, 1].
        model: the model that answered.
        timings: where the time went.
        message: the response as it came.

    """

    similarities: tuple[float, ...]
    model: str
    timings: Timings
    message: pb.SimilarityResponse = field(repr=False, compare=False)

    @property
    def best_index(self) -> int:
        """Which candidate resembles the query most; the first of equals."""
        return self.similarities.index(max(self.similarities))


@dataclass(frozen=True, slots=True, eq=False)
class SimilarityMatrix:
    """How much each of several images resembles each of others.

    Attributes:
        similarities: cosines in [-1, 1], float32 `[queries, candidates]`.
        model: the model that answered.
        timings: where the time went.
        message: the response as it came.

    """

    similarities: Float32Array
    model: str
    timings: Timings
    message: pb.SimilarityResponse = field(repr=False)
