"""The label of a picture."""

from __future__ import annotations

import pytest

from framewatch_cli.labelling.sorting import (
    Decision,
    PictureResult,
    Pile,
    Sorting,
    Split,
    best_labels,
    decide,
    draw_of_content,
    draw_of_time,
)
from framewatch_core.errors import InvalidRule
from framewatch_core.labels.scoring import LabelScore, ScoreKind


def picture(*probabilities: float, presences: tuple[float, ...] = (), **fields: object) -> PictureResult:
    scores = tuple(
        LabelScore(name, probability, 0.0, presences[i] if presences else None)
        for i, (name, probability) in enumerate(zip("abc", probabilities, strict=False))
    )
    return PictureResult("x.jpg", "x.jpg", scores=scores, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scores", "sorting", "pile"),
    [
        pytest.param((0.9, 0.1), Sorting(min_score=0.9), Pile.LABELLED, id="at the threshold"),
        pytest.param((0.899, 0.101), Sorting(min_score=0.9), Pile.UNCERTAIN, id="below it"),
        pytest.param((0.75, 0.5), Sorting(min_score=0.5, min_margin=0.25), Pile.LABELLED, id="at the margin"),
        pytest.param((0.75, 0.625), Sorting(min_score=0.5, min_margin=0.25), Pile.UNCERTAIN, id="too near the next"),
        pytest.param((0.95,), Sorting(min_margin=1.0), Pile.LABELLED, id="one label has no next one"),
        pytest.param((0.0, 0.0), Sorting(min_score=0, min_margin=0), Pile.LABELLED, id="everything"),
    ],
)
def test_thresholds(scores: tuple[float, ...], sorting: Sorting, pile: Pile) -> None:
    assert decide(picture(*scores), sorting).pile is pile


def test_a_decision_has_its_grounds() -> None:
    found = decide(picture(0.25, 0.75), Sorting(min_score=0.5, min_margin=0.5))
    assert found == Decision(Pile.LABELLED, Split.TRAIN, "b", 0.75, "a", 0.5)


def test_presence_may_choose_another_label_than_probability() -> None:
    both = picture(0.9, 0.1, presences=(0.2, 0.95))
    assert decide(both, Sorting(ScoreKind.PROBABILITY)).label == "a"
    assert decide(both, Sorting(ScoreKind.PRESENCE)).label == "b"
    assert best_labels(both) == {"a", "b"}
    assert best_labels(picture(0.9, 0.1)) == {"a"}
    assert best_labels(picture(error="broken")) == set()


def test_presence_that_is_not_there_is_an_error() -> None:
    with pytest.raises(InvalidRule, match="have no presence"):
        decide(picture(0.9, 0.1), Sorting(ScoreKind.PRESENCE))


@pytest.mark.parametrize(
    ("fields", "pile"),
    [
        pytest.param({"error": "broken"}, Pile.FAILED, id="failed"),
        pytest.param({"skipped": True}, Pile.SKIPPED, id="skipped"),
    ],
)
def test_pictures_without_scores(fields: dict[str, object], pile: Pile) -> None:
    assert decide(picture(**fields), Sorting()) == Decision(pile)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param({"min_score": 1.1}, "min_score is 1.1", id="score"),
        pytest.param({"min_margin": -0.1}, "min_margin is -0.1", id="margin"),
        pytest.param({"validation_share": 1.0}, "validation share is 1", id="share"),
        pytest.param({"min_score": float("nan")}, "min_score is nan", id="nan"),
    ],
)
def test_thresholds_that_are_none(fields: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Sorting(**fields)  # type: ignore[arg-type]


def test_validation_gets_its_share_by_content() -> None:
    sorting = Sorting(validation_share=0.2)
    pictures = [picture(0.95, draw=draw_of_content(f"{i}".encode())) for i in range(2000)]
    splits = [decide(one, sorting).split for one in pictures]
    assert 330 < splits.count(Split.VALIDATION) < 470
    assert draw_of_content(b"same") == draw_of_content(b"same"), "copies are not parted"
    assert {decide(one, Sorting()).split for one in pictures} == {Split.TRAIN}


def test_frames_of_a_stretch_are_not_parted() -> None:
    assert draw_of_time("a.mp4", 0.0) == draw_of_time("a.mp4", 9.99)
    assert len({draw_of_time("a.mp4", 10.0 * i) for i in range(20)}) == 20
    assert draw_of_time("a.mp4", 0.0) != draw_of_time("b.mp4", 0.0)
