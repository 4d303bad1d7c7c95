"""Decisions on pictures, without I/O: which label a picture gets, and whether it is certain enough for training."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from framewatch_core.labels.scoring import LabelScore, ScoreKind

# Wrong labels harm a model more than missing ones, which a person can still add: of 420 rendered scenes of 7 kinds the
# demo model gets 2.9 % wrong if all are labelled, 2.7 % of those with 0.8 and more, 1.7 % of those with 0.9 and more,
# and these are still 97 % of all. Where two of the kinds have no label, it is 29, 16 and 13 %.
DEFAULT_MIN_SCORE = 0.9
# Probabilities of a set that sum up to 1 have it anyway. Presences don't, nor do those of models with a sigmoid: two
# labels that both apply are no answer. With 0.1 1.1 % of the scenes are wrong by presence, without 3.1 %.
DEFAULT_MIN_MARGIN = 0.1
VALIDATION_STRETCH_S = 10.0
"""Length of the stretches by which frames of a video go to training or to validation."""

_DIGEST_BYTES = 8


class Pile(StrEnum):
    """Fate of a picture. SKIPPED are frames of a video that show nothing new."""

    LABELLED = "labelled"
    UNCERTAIN = "uncertain"
    FAILED = "failed"
    SKIPPED = "skipped"


class Split(StrEnum):
    """Purpose of a labelled picture. `datasets` looks for folders of these names."""

    TRAIN = "train"
    VALIDATION = "validation"


@dataclass(frozen=True, slots=True)
class Sorting:
    """Rules by which scores become labels.

    Attributes:
        score: the kind of score that is compared: the probability among all labels, or each label's presence against
            its own contrast.
        min_score: least score of the best label, in [0, 1].
        min_margin: least distance of that score to the next label's, in [0, 1].
        validation_share: share of the labelled pictures that is kept for validation, in [0, 1).

    Raises:
        ValueError: a value lies outside its range.

    """

    score: ScoreKind = ScoreKind.PROBABILITY
    min_score: float = DEFAULT_MIN_SCORE
    min_margin: float = DEFAULT_MIN_MARGIN
    validation_share: float = 0.0

    def __post_init__(self) -> None:
        for name in ("min_score", "min_margin"):
            value = getattr(self, name)
            if not (math.isfinite(value) and 0 <= value <= 1):
                raise ValueError(f"{name} is {value:g}: expected 0 to 1")
        if not (math.isfinite(self.validation_share) and 0 <= self.validation_share < 1):
            raise ValueError(f"the validation share is {self.validation_share:g}: expected 0 or more and less than 1")


@dataclass(frozen=True, slots=True)
class PictureResult:
    """Scores of a picture or of a frame of a video, or the reason why there are none.

    Attributes:
        item: its name in the source: the path below the folder, or the frame.
        name: its file name among the labelled ones, unique in its source.
        scores: of all labels; none if it failed or was skipped.
        model: the model that scored it.
        draw: a number in [0, 1) that decides between training and validation, equal for pictures that must not be
            parted.
        frame_id, time_s: of a frame, its number and its time in seconds; else None.
        error: the reason why it failed; empty if it did not.
        skipped: True if it is a frame that shows nothing new.

    """

    item: str
    name: str
    scores: tuple[LabelScore, ...] = ()
    model: str = ""
    draw: float = 0.0
    frame_id: int | None = None
    time_s: float | None = None
    error: str = ""
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Decision on a picture.

    Attributes:
        pile: its fate.
        split: its purpose if it is LABELLED; else None.
        label: the best label; empty if there are no scores.
        score: of that label; None if there are no scores.
        runner_up: the next label; empty if there is none.
        margin: between their scores; None if there is no next label.

    """

    pile: Pile
    split: Split | None = None
    label: str = ""
    score: float | None = None
    runner_up: str = ""
    margin: float | None = None


ShowPicture = Callable[[PictureResult, Decision], None]
"""Called with each picture and the decision on it."""


def decide(picture: PictureResult, sorting: Sorting) -> Decision:
    """Decides on a picture. Of equal labels the first one in its scores is best.

    Raises:
        InvalidRule: the sorting compares presences, and the picture has none.

    """
    if picture.error:
        return Decision(Pile.FAILED)
    if picture.skipped:
        return Decision(Pile.SKIPPED)
    ranked = sorted(picture.scores, key=lambda score: -score.value(sorting.score))
    best, score = ranked[0].label, ranked[0].value(sorting.score)
    margin = score - ranked[1].value(sorting.score) if len(ranked) > 1 else None
    runner_up = ranked[1].label if len(ranked) > 1 else ""
    if score < sorting.min_score or (margin is not None and margin < sorting.min_margin):
        return Decision(Pile.UNCERTAIN, None, best, score, runner_up, margin)
    split = Split.VALIDATION if picture.draw < sorting.validation_share else Split.TRAIN
    return Decision(Pile.LABELLED, split, best, score, runner_up, margin)


def best_labels(picture: PictureResult) -> set[str]:
    """Returns the labels that any sorting may give to a picture, one for each kind of score; none without scores."""
    kinds = (ScoreKind.PROBABILITY, ScoreKind.PRESENCE)
    sortings = [Sorting(kind) for kind in kinds if _has(picture, kind)]
    return {decide(picture, sorting).label for sorting in sortings}


def _has(picture: PictureResult, kind: ScoreKind) -> bool:
    if not picture.scores:
        return False
    return kind is not ScoreKind.PRESENCE or all(score.presence is not None for score in picture.scores)


def draw_of_content(data: bytes) -> float:
    """Returns the draw of a picture file by its bytes, so that copies are not parted."""
    return _draw(data)


def draw_of_time(source: str, time_s: float) -> float:
    """Returns the draw of a video's frame by its stretch, since neighbouring frames show nearly the same."""
    return _draw(f"{math.floor(time_s / VALIDATION_STRETCH_S)} {source}".encode())


def _draw(data: bytes) -> float:
    digest = hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()
    # 53 bits: what a float holds exactly, so that the quotient stays below 1
    return (int.from_bytes(digest) >> 11) / 2**53
