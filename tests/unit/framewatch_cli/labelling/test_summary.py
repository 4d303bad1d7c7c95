"""Summaries of a labelling run, in figures and pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from framewatch_cli.labelling.plots import draw_labels
from framewatch_cli.labelling.sorting import PictureResult, Sorting, decide
from framewatch_cli.labelling.summary import BIN_COUNT, LabelSummary
from framewatch_core.labels.scoring import LabelScore, ScoreKind


def picture(name: str, probability: float, label: str = "a", draw: float = 0.5) -> PictureResult:
    other = "b" if label == "a" else "a"
    return PictureResult(
        name, name, (LabelScore(label, probability, 0.0), LabelScore(other, 1 - probability, 0.0)), "demo", draw
    )


def summary_of(*pictures: PictureResult, sorting: Sorting | None = None, doubtful_count: int = 0) -> LabelSummary:
    summary = LabelSummary(("a", "b"), sorting or Sorting(), doubtful_count)
    for one in pictures:
        summary.add(one, decide(one, summary.sorting))
    return summary


def test_the_most_uncertain_come_first_and_only_so_many_are_kept() -> None:
    pictures = [picture(f"{i}", 0.5 + i / 100) for i in (9, 3, 7, 1, 5, 1)] + [picture("sure", 0.95)]
    found = summary_of(*pictures, doubtful_count=4).doubtful
    assert [one.item for one, _ in found] == ["1", "1", "3", "5"]
    assert summary_of(*pictures).doubtful == []


@pytest.mark.parametrize("kind", [ScoreKind.PROBABILITY, ScoreKind.PRESENCE])
@pytest.mark.parametrize(("score", "place"), [(0.0, 0), (0.01, 0), (1.0, BIN_COUNT - 1)])
def test_scores_at_the_ends_are_counted_too(kind: ScoreKind, score: float, place: int) -> None:
    summary = LabelSummary(("a",), Sorting(kind))
    one = PictureResult("x", "x", (LabelScore("a", score, 0.0, score),))
    summary.add(one, decide(one, summary.sorting))
    assert summary.labels["a"].histogram[place] == summary.labels["a"].histogram.sum() == 1


def test_classes_that_one_split_lacks() -> None:
    split = Sorting(validation_share=0.2)
    both = [picture("1", 0.95), picture("2", 0.95, draw=0.1)]
    assert summary_of(*both, sorting=split).missing_classes == []
    assert summary_of(*both, picture("3", 0.95, "b"), sorting=split).missing_classes == ["b"]
    assert summary_of(*both, picture("3", 0.95, "b")).missing_classes == [], "there is no validation"


def test_figures() -> None:
    data = summary_of(picture("1", 0.95), picture("2", 0.75), PictureResult("3", "3", error="broken")).as_data()
    assert (data["labelled"], data["uncertain"], data["failed"], data["skipped"]) == (1, 1, 1, 0)
    assert data["labels"][0] == {"label": "a", "train": 1, "validation": 0, "uncertain": 1, "mean_score": 0.95}
    assert data["labels"][1]["mean_score"] is None
    assert data["failures"] == [{"source": "3", "error": "broken"}]


@pytest.mark.parametrize("labels", [1, 3, 40])
def test_plots_of_few_and_many_labels(tmp_path: Path, labels: int) -> None:
    names = tuple(f"${{label}} {i} of quite a long name" for i in range(labels))
    summary = LabelSummary(names, Sorting())
    for i in range(200):
        one = PictureResult("x", "x", (LabelScore(names[i % labels], 0.5 + i / 400, 0.0),))
        summary.add(one, decide(one, summary.sorting))
    draw_labels(tmp_path / "plot.png", summary)
    height, width = cv2.imread(str(tmp_path / "plot.png")).shape[:2]
    assert width > 1000
    assert height < 1600
