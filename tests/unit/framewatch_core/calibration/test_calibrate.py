"""Rules from synthetic scores with known properties."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framewatch_core.arrays import Float64Array
from framewatch_core.calibration.calibrate import Calibration, calibrate, smooth
from framewatch_core.calibration.intervals import Interval
from framewatch_core.calibration.material import InvalidMaterial, Material
from framewatch_core.calibration.tally import tally_events
from framewatch_core.calibration.thresholds import from_axis, to_axis
from framewatch_core.errors import InvalidRequest
from framewatch_core.labels.scoring import LabelScore, ScoreKind
from framewatch_core.rules.events import EventKind
from framewatch_core.rules.replay import RecordedFrame, replay
from framewatch_core.time import NS_PER_S, Moment
from tests.intervals import interval

S = interval
GAP_NS = NS_PER_S // 10
PRESENT = (S(10, 20), S(30, 40))
ABSENT = (S(0, 10), S(20, 30), S(40, 50))


def logistic(logits: Float64Array) -> Float64Array:
    return 1 / (1 + np.exp(-logits))


def logit_series(
    absent: tuple[float, float], present: tuple[float, float], seed: int = 1, spans: tuple[Interval, ...] = PRESENT
) -> Float64Array:
    """500 frames, 10 a second; (mean, standard deviation) of each class."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=500)
    inside = np.array([any(i * GAP_NS in span for span in spans) for i in range(500)])
    return np.where(inside, present[0] + present[1] * noise, absent[0] + absent[1] * noise)


def material(
    presence: Float64Array | None = None,
    probability: Float64Array | None = None,
    similarity: Float64Array | None = None,
    present: tuple[Interval, ...] = PRESENT,
    absent: tuple[Interval, ...] = ABSENT,
) -> Material:
    given_scores = {
        ScoreKind.PRESENCE: presence,
        ScoreKind.PROBABILITY: probability,
        ScoreKind.SIMILARITY: similarity,
    }
    scores = {kind: values for kind, values in given_scores.items() if values is not None}
    return Material(np.arange(500, dtype=np.int64) * GAP_NS, scores, present, absent)


TIGHT = logit_series((-4, 0.06), (3, 0.6))


def rerun(calibration: Calibration, logits: Float64Array) -> list[tuple[str, int]]:
    """Kinds and tenths of seconds of the rule's events over other scores."""
    frames = [
        RecordedFrame(Moment(i, i * GAP_NS), {"": [LabelScore("box", 0.0, 0.0, float(score))]})
        for i, score in enumerate(logistic(logits))
    ]
    return [(e.kind.name, e.began.frame_id) for e in replay(frames, [calibration.rule])]


ALL_FOUR = [("ENTERED", 100), ("EXITED", 200), ("ENTERED", 300), ("EXITED", 400)]


def test_thresholds_lie_between_and_apart() -> None:
    found = calibrate(material(logistic(TIGHT)), "box", region_id="left", rule_id="r")
    enter, leave = to_axis(ScoreKind.PRESENCE, np.array([found.rule.enter_at, found.rule.exit_below]))
    assert -1.5 < enter < -0.5, "near the middle of -3.9 and 2.2, not at either"
    assert -3 < leave < -2, "well above all absent scores, well below enter"
    assert (found.rule.label, found.rule.region_id, found.rule.id) == ("box", "left", "r")
    assert (found.rule.min_present_ns, found.rule.min_absent_ns) == (2 * GAP_NS, 2 * GAP_NS)
    assert (found.searched, found.placement.separated, found.rule.smoothing_ns) == (False, True, 0)
    assert [(e.kind.name, e.began.frame_id) for e in found.events] == ALL_FOUR
    assert (found.estimates.precision.basis, found.estimates.recall.basis) == ("2 of 2", "2 of 2")
    assert found.estimates.recall.low == pytest.approx(0.158, abs=0.001), "two appearances don't prove much"
    assert found.held_out is not None
    assert found.held_out.recall.basis == "2 of 2"
    assert found.frame_auc is not None
    assert found.frame_auc.value == 1
    assert 0.5 < found.frame_auc.low < 1


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lambda logits: logits, id="the same"),
        pytest.param(lambda logits: logits + 0.5, id="all higher"),
        pytest.param(lambda logits: logits - 1.0, id="all lower"),
        pytest.param(lambda logits: logits * 0.7, id="flatter: other light"),
        pytest.param(lambda logits: np.where(np.arange(500) % 50 == 5, -1.5, logits), id="single frames in between"),
        pytest.param(lambda logits: np.where(np.arange(500) % 100 == 55, 3.0, logits), id="single frames of noise"),
        pytest.param(lambda logits: np.where((np.arange(500) > 320) & (np.arange(500) < 350), -1.5, logits), id="half gone for 3 s"),
    ],
)  # fmt: skip
def test_the_rule_holds_for_other_hours(other: Callable[[Float64Array], Float64Array]) -> None:
    found = calibrate(material(logistic(TIGHT)), "box")
    assert rerun(found, other(logit_series((-4, 0.06), (3, 0.6), seed=2))) == ALL_FOUR


def test_a_single_appearance() -> None:
    found = calibrate(material(logistic(TIGHT), present=PRESENT[:1], absent=ABSENT[:1]), "box")
    assert rerun(found, TIGHT) == ALL_FOUR
    assert found.held_out is None
    assert found.estimates.recall.basis == "1 of 1"
    assert found.estimates.recall.low == pytest.approx(0.025)


def test_half_a_mark_beside_the_truth_moves_little() -> None:
    exact = calibrate(material(logistic(TIGHT)), "box").rule
    rough = calibrate(
        material(
            logistic(TIGHT), present=(S(9.4, 20.5), S(29.6, 39.5)), absent=(S(0, 9.4), S(20.5, 29.6), S(39.5, 50))
        ),
        "box",
    ).rule
    assert rough.enter_at == pytest.approx(exact.enter_at, abs=0.03)
    assert rough.exit_below == pytest.approx(exact.exit_below, abs=0.03)


def test_background_only() -> None:
    quiet = logistic(logit_series((-4, 0.06), (-4, 0.06)))
    found = calibrate(material(quiet, present=(), absent=(S(0, 50),)), "box")
    assert found.rule.score_kind is ScoreKind.PRESENCE
    assert found.rule.enter_at == 0.5, "the model's own middle: the tail ends far below"
    assert from_axis(ScoreKind.PRESENCE, -3.0) < (found.rule.exit_below or 0) < 0.5
    assert (found.frame_auc, found.held_out) == (None, None)
    assert found.estimates.recall.value is None, "nobody can know"
    assert found.estimates.false_per_hour.value == 0
    assert found.estimates.false_per_hour.high == pytest.approx(3.689 / 50 * 3600, rel=1e-3)
    assert rerun(found, TIGHT) == ALL_FOUR


def test_a_restless_background_lifts_the_threshold() -> None:
    restless = logistic(logit_series((0, 0.5), (0, 0.5)))
    found = calibrate(material(restless, present=(), absent=(S(0, 50),)), "box")
    assert found.rule.enter_at > restless.max()
    assert found.events == ()


def test_similarities_are_not_logits() -> None:
    rng = np.random.default_rng(3)
    inside = np.array([any(i * GAP_NS in span for span in PRESENT) for i in range(500)])
    similarity = np.where(inside, 0.29, 0.19) + 0.004 * rng.normal(size=500)
    found = calibrate(material(similarity=similarity), "box")
    assert found.rule.score_kind is ScoreKind.SIMILARITY
    assert 0.22 < found.rule.enter_at < 0.26
    assert 0.2 < (found.rule.exit_below or 0) < found.rule.enter_at
    assert found.estimates.precision.basis == "2 of 2"


def test_negative_similarities_keep_thresholds_allowed() -> None:
    inside = np.array([any(i * GAP_NS in span for span in PRESENT) for i in range(500)])
    found = calibrate(material(similarity=np.where(inside, -0.01, -0.2)), "box")
    assert 0 < (found.rule.exit_below or 0) <= found.rule.enter_at


@pytest.mark.parametrize(
    ("presence", "probability", "expected"),
    [
        pytest.param(TIGHT, TIGHT, ScoreKind.PRESENCE, id="as good: presence"),
        pytest.param(logit_series((-1, 1), (1, 1)), TIGHT, ScoreKind.PROBABILITY, id="presence overlaps"),
        pytest.param(logit_series((-2, 0.5), (2, 0.8)), TIGHT, ScoreKind.PRESENCE, id="a little narrower: presence"),
        pytest.param(logit_series((-1, 0.5), (1.6, 0.9)), TIGHT, ScoreKind.PROBABILITY, id="much narrower"),
    ],
)
def test_the_kind_that_separates(presence: Float64Array, probability: Float64Array, expected: ScoreKind) -> None:
    found = calibrate(material(logistic(presence), logistic(probability)), "box")
    assert found.rule.score_kind is expected
    assert set(found.separations) == {ScoreKind.PRESENCE, ScoreKind.PROBABILITY}


def test_overlap_is_searched_smoothed_and_reported() -> None:
    found = calibrate(material(logistic(logit_series((-0.8, 1), (0.8, 1)))), "box")
    assert found.rule.smoothing_ns > 0
    assert found.frame_auc is not None
    assert found.frame_auc.low < (found.frame_auc.value or 0) < 1
    tally = tally_events(found.events, PRESENT, ABSENT)
    assert tally.f1 >= 0.8, "replayed, the rule finds what can be found"


def test_a_clear_gap_is_not_left_for_a_better_fit() -> None:
    logits = TIGHT.copy()
    logits[200:300] = 2.0  # the thing marked as gone, and yet there: only thresholds next to the present scores fit
    found = calibrate(material(logistic(logits), absent=(S(0, 10), S(22, 24), S(40, 50))), "box")
    assert found.placement.separated
    assert found.estimates.precision.basis == "1 of 2", "and the estimate shows that it does not fit"
    low, high = found.placement.absent_high, found.placement.present_low or 0
    (enter,) = to_axis(ScoreKind.PRESENCE, np.array([found.rule.enter_at]))
    assert 0.2 < (enter - low) / (high - low) < 0.7


def test_no_difference_is_reported_as_such() -> None:
    found = calibrate(material(logistic(logit_series((0, 1), (0, 1)))), "box")
    assert not found.placement.separated
    assert found.frame_auc is not None
    assert found.frame_auc.low < 0.5 < found.frame_auc.high
    assert (found.estimates.precision.value or 0) < 1


def test_minimum_times_outlast_false_runs() -> None:
    logits = TIGHT.copy()
    logits[240:247] = 3.0  # for 0.6 s in an absent stretch
    logits[150:156] = -4.0  # for 0.5 s in a present one
    found = calibrate(material(logistic(logits)), "box")
    assert (found.rule.min_present_ns, found.rule.min_absent_ns) == (9 * GAP_NS, 7.5 * GAP_NS)
    assert found.estimates.precision.basis == "2 of 2"


def test_minimum_times_leave_short_appearances() -> None:
    present = (S(10, 10.8), S(30, 40))
    logits = logit_series((-4, 0.06), (3, 0.6), spans=present)
    logits[240:247] = 3.0
    found = calibrate(material(logistic(logits), present=present, absent=(S(0, 10), S(11, 30), S(40, 50))), "box")
    assert found.rule.min_present_ns == GAP_NS * 2, "a quarter of 0.8 s"


def test_smoothing_is_the_rule_engines_formula() -> None:
    times = np.array([0, 1, 2, 20], dtype=np.int64) * NS_PER_S
    scores = np.array([0.0, 1.0, 1.0, 0.2])
    assert smooth(scores, times, NS_PER_S).tolist() == [0, 0.5, 0.75, 0.2], "halved, and anew after a gap"
    assert smooth(scores, times, 0) is scores


def test_histogram_counts_every_known_frame() -> None:
    found = calibrate(material(logistic(TIGHT), present=PRESENT[:1]), "box")
    histogram = found.histogram(20)
    assert (histogram.present.sum(), histogram.absent.sum()) == (100, 300)
    assert (len(histogram.edges), len(histogram.present)) == (21, 20)
    assert np.all(np.diff(histogram.edges) > 0)
    assert np.diff(histogram.axis_edges) == pytest.approx(histogram.axis_edges[1] - histogram.axis_edges[0])


SCORES = {ScoreKind.PRESENCE: logistic(TIGHT)}
TIMES = np.arange(500, dtype=np.int64) * GAP_NS


@pytest.mark.parametrize(
    ("times", "scores", "present", "absent", "message"),
    [
        pytest.param(TIMES, {}, PRESENT, ABSENT, "no scores", id="no scores"),
        pytest.param(TIMES[:1], SCORES, PRESENT, ABSENT, "two frames", id="one frame"),
        pytest.param(TIMES[::-1], SCORES, PRESENT, ABSENT, "never go back", id="backwards"),
        pytest.param(TIMES, {ScoreKind.PRESENCE: np.full(500, np.nan)}, PRESENT, ABSENT, "finite presence", id="NaN"),
        pytest.param(TIMES, {ScoreKind.PRESENCE: np.zeros(4)}, PRESENT, ABSENT, "every frame", id="too few"),
        pytest.param(TIMES, SCORES, PRESENT, (), "without it", id="no absence"),
        pytest.param(TIMES, SCORES, (S(60, 70),), ABSENT, "holds no scored frame", id="beyond the recording"),
        pytest.param(TIMES, SCORES, (S(5, 20),), ABSENT, "present and absent", id="both at once"),
        pytest.param(TIMES, SCORES, PRESENT[::-1], ABSENT, "in order", id="out of order"),
    ],
)  # fmt: skip
def test_material_that_teaches_nothing(
    times: np.ndarray, scores: dict[ScoreKind, Float64Array], present: tuple[Interval, ...], absent: tuple[Interval, ...], message: str
) -> None:  # fmt: skip
    with pytest.raises(InvalidRequest, match=message):
        Material(times, scores, present, absent)


def test_material_errors_name_the_part() -> None:
    with pytest.raises(InvalidMaterial) as caught:
        Material(TIMES, SCORES, PRESENT, ())
    assert caught.value.field == "absent"


@settings(max_examples=15, deadline=None)
@given(
    absent=st.floats(-6, 6), gap=st.floats(-1, 9), noise=st.floats(0, 3), seed=st.integers(0, 5), kinds=st.booleans()
)
def test_any_scores_make_an_allowed_rule(absent: float, gap: float, noise: float, seed: int, kinds: bool) -> None:
    scores = logistic(logit_series((absent, noise), (absent + gap, noise), seed))
    found = calibrate(material(presence=scores, similarity=scores * 2 - 1 if kinds else None), "box")
    assert 0 < (found.rule.exit_below or 0) <= found.rule.enter_at <= 1
    assert [e.kind for e in found.events] == [EventKind.ENTERED, EventKind.EXITED] * (len(found.events) // 2) + [
        EventKind.ENTERED
    ] * (len(found.events) % 2)
    assert found.estimates.recall.low <= (found.estimates.recall.value or 0) <= found.estimates.recall.high
