"""The scores of a label set from an image's vector, each against its formula computed by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from framewatch_core.arrays import Float32Array
from framewatch_core.images.image import EncodedImage
from framewatch_core.labels.label_scores import FEW_SCORES, LabelScores, best_first
from framewatch_core.labels.labels import DEFAULT_CONTRAST, Label, LabelSet
from framewatch_core.labels.presence import Discriminant
from framewatch_core.labels.scoring import LabelScore, ScoreFunction, ScoreHead
from framewatch_core.labels.vectors import LabelVectors, label_vectors, text_groups

HEAD = ScoreHead(10.0)
PICTURES = (EncodedImage(b"x"),)
FEATURES = np.array([0.6, 0.8], np.float32)
IMAGE = np.array([1, 0, 0, 0, 0, 0], np.float32)

BARE = Label("bare")
WORDS = Label("words", ("its words",), ("none of it", "nothing"))
SAME_WORDS = Label("same words", ("other words",), ("none of it", "nothing"))
SHOWN = Label("shown", examples=PICTURES, counter_examples=PICTURES)
BOTH = Label("both", (), ("nothing here",), PICTURES, PICTURES)


def vector(cosine: float) -> Float32Array:
    """An embedding of that cosine with the image's."""
    found = np.zeros(6, np.float32)
    found[:2] = cosine, math.sqrt(1 - cosine**2)
    return found


def sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def discriminant(logit: float) -> Discriminant:
    """Returns a discriminant that gives FEATURES that logit."""
    return Discriminant(np.array([logit, logit], np.float32), -0.4 * logit)


def scored(labels: LabelVectors, head: ScoreHead = HEAD) -> Sequence[LabelScore]:
    """Returns the scores of the one image."""
    (scores,) = labels.score(IMAGE[None], FEATURES[None], head)
    return scores


def vectors(labels: tuple[Label, ...], cosines: list[float], **logits: float) -> LabelVectors:
    label_set = LabelSet(labels)
    groups = text_groups(label_set)
    assert len(groups) == len(cosines)
    fitted = {name: discriminant(logit) for name, logit in logits.items()}
    return label_vectors(label_set, np.stack([vector(cosine) for cosine in cosines]), fitted)


@pytest.mark.parametrize(
    ("labels", "groups"),
    [
        pytest.param((BARE,), (("a photo of bare",), DEFAULT_CONTRAST), id="the default contrast"),
        pytest.param((WORDS,), (("its words",), ("none of it", "nothing")), id="its own contrast"),
        pytest.param(
            (WORDS, BARE, SAME_WORDS),
            (("its words",), ("a photo of bare",), ("other words",), ("none of it", "nothing"), DEFAULT_CONTRAST),
            id="a contrast that labels share is embedded once",
        ),
        pytest.param((SHOWN,), (("a photo of shown",),), id="examples alone need none"),
        pytest.param((BOTH,), (("a photo of both",), ("nothing here",)), id="examples and contrast"),
    ],
)
def test_which_texts_are_embedded(labels: tuple[Label, ...], groups: tuple[tuple[str, ...], ...]) -> None:
    assert text_groups(LabelSet(labels)) == groups


@pytest.mark.parametrize(
    ("labels", "cosines", "logits", "presences"),
    [
        pytest.param((WORDS,), [0.3, 0.2], {}, [sigmoid(10 * 0.1)], id="prompts: two-way softmax"),
        pytest.param((BARE,), [0.2, 0.3], {}, [sigmoid(-10 * 0.1)], id="the default contrast"),
        pytest.param((SHOWN,), [0.9], {"shown": 1.5}, [sigmoid(1.5)], id="examples alone"),
        pytest.param((BOTH,), [0.3, 0.1], {"both": 3.0}, [sigmoid((10 * 0.2 + 3) / 2)], id="both: the mean of the logits"),
        pytest.param(
            (WORDS, SHOWN, BARE, SAME_WORDS, BOTH),
            [0.1, 0.2, 0.3, 0.4, 0.5, 0.15, 0.25, 0.45],
            {"shown": -2.0, "both": 4.0},
            [
                sigmoid(10 * (0.1 - 0.15)),
                sigmoid(-2),
                sigmoid(10 * (0.3 - 0.25)),
                sigmoid(10 * (0.4 - 0.15)),
                sigmoid((10 * (0.5 - 0.45) + 4) / 2),
            ],
            id="each against its own",
        ),
    ],
)  # fmt: skip
def test_presence(
    labels: tuple[Label, ...], cosines: list[float], logits: dict[str, float], presences: list[float]
) -> None:
    scores = scored(vectors(labels, cosines, **logits))
    assert [score.label for score in scores] == [label.name for label in labels]
    assert [score.presence for score in scores] == pytest.approx(presences, abs=1e-5)


def test_presence_is_the_heads_softmax_of_a_label_and_its_contrast() -> None:
    (score,) = scored(vectors((WORDS,), [0.31, 0.27]))
    two_way = HEAD.probabilities(np.array([0.31, 0.27], np.float32))
    assert score.presence == pytest.approx(two_way[0], abs=1e-6)


def test_a_contrast_does_not_bear_on_probabilities_nor_another_label_on_presence() -> None:
    (alone,) = scored(vectors((WORDS,), [0.3, 0.2]))
    first, second = scored(vectors((WORDS, SAME_WORDS), [0.3, 0.5, 0.2]))
    assert alone.probability == 1
    assert first.probability + second.probability == pytest.approx(1)
    assert first.probability == pytest.approx(sigmoid(-10 * 0.2), abs=1e-5)
    assert first.presence == pytest.approx(alone.presence, abs=1e-6)
    assert (first.similarity, second.similarity) == pytest.approx((0.3, 0.5))


def test_presence_of_a_sigmoid_model_knows_no_bias() -> None:
    (score,) = scored(vectors((WORDS,), [0.3, 0.2]), ScoreHead(10.0, -5.0, ScoreFunction.SIGMOID))
    assert score.presence == pytest.approx(sigmoid(10 * 0.1), abs=1e-6)
    assert score.probability == pytest.approx(sigmoid(10 * 0.3 - 5), abs=1e-6)


@pytest.mark.parametrize(("logit", "presence"), [(1e6, 1.0), (-1e6, 0.0)], ids=["sure", "sure that not"])
@pytest.mark.filterwarnings("error")
def test_large_logits_do_not_overflow(logit: float, presence: float) -> None:
    (score,) = scored(vectors((SHOWN,), [0.1], shown=logit))
    assert score.presence == presence


def test_a_thousand_labels_each_with_its_contrast() -> None:
    labels = tuple(Label(f"l{i}", contrast_prompts=(f"no l{i}",)) for i in range(1000))
    cosines = np.random.default_rng(0).uniform(-0.9, 0.9, 2000).tolist()
    scores = scored(vectors(labels, cosines))
    expected = [sigmoid(10 * (cosines[i] - cosines[1000 + i])) for i in range(1000)]
    assert [score.presence for score in scores] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("count", [1, FEW_SCORES // 3, FEW_SCORES // 3 + 1, 40])
def test_every_image_is_scored_as_if_it_were_alone(count: int) -> None:
    random = np.random.default_rng(count)
    names = [Label(str(i)) for i in range(count - 1)]
    labels = vectors((*names, SHOWN), random.uniform(-1, 1, count + (count > 1)).tolist(), shown=-2.0)
    images, features = (random.standard_normal((3, each)).astype(np.float32) for each in (6, 2))
    together = labels.score(images, features, HEAD)
    assert [isinstance(scores, LabelScores) for scores in together] == [3 * count > FEW_SCORES] * 3
    for i, scores in enumerate(together):
        (alone,) = labels.score(images[i : i + 1], features[i : i + 1], HEAD)
        assert tuple(scores) == tuple(alone), "to the bit"
        assert tuple(best_first(scores)) == tuple(sorted(alone, key=lambda score: -score.probability))


def test_scores_share_the_names() -> None:
    names = tuple(Label(f"label {i}") for i in range(FEW_SCORES + 1))
    labels = vectors(names, [0.1] * (len(names) + 1))
    one, other = labels.score(np.stack([IMAGE, IMAGE]), np.stack([FEATURES, FEATURES]), HEAD)
    assert isinstance(one, LabelScores)
    assert isinstance(other, LabelScores)
    assert one.names is other.names is labels.names
    assert one[1].label is names[1].name
