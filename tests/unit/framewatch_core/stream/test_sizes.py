"""Sizes of outputs, against what Python allocates for them."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from framewatch_core.errors import LimitExceeded
from framewatch_core.health.events import HealthEvent, HealthEventKind
from framewatch_core.images.regions import Region
from framewatch_core.labels.label_scores import FEW_SCORES, LabelNames, LabelScores, best_first, rank
from framewatch_core.labels.labels import LabelSet
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.labels.warnings import RequestWarning
from framewatch_core.rules.events import Event, EventKind, EventTrail, TrailPoint
from framewatch_core.rules.explanations import HeldBackBy, RuleExplanation
from framewatch_core.stream.config import StreamConfig
from framewatch_core.stream.messages import ConfigWarnings, Explanation, Output
from framewatch_core.stream.results import (
    Dropped,
    DropReason,
    Failed,
    FrameError,
    FrameErrorReason,
    FrameResult,
    RegionScores,
    Scored,
    Timings,
)
from framewatch_core.stream.sizes import check_sizes, frame_bytes, output_bytes, scores_bytes
from framewatch_core.time import Moment

BIG = 10**9
NAMES = {count: LabelNames([f"label {i}" for i in range(count)]) for count in (1, 5, 256, 1000)}
REGION_IDS = [f"region {i}" for i in range(64)]


def scored(labels: int, regions: int, top_count: int = 0) -> list[tuple[Sequence[LabelScore], tuple[LabelScore, ...]]]:
    values = np.random.default_rng(0).random((regions, labels, 3)).astype(np.float32)
    rankings = rank(values[..., 0])
    found = [LabelScores(NAMES[labels], values[i], None, rankings[i]) for i in range(regions)]
    return [(scores, best_first(scores, top_count)) for scores in found]


def result(i: int, labels: int, regions: int, top_count: int = 0) -> FrameResult:
    """Returns a result alone, without the scores that rules have read."""
    best = [best for _, best in scored(labels, regions, top_count)]
    outcome = Scored(tuple(RegionScores(id_, each) for id_, each in zip(REGION_IDS, best, strict=False)), timings(i))
    return FrameResult(BIG + i, BIG * i, 1, outcome, None)


def few(i: int, labels: int) -> FrameResult:
    """Returns a result with scores that are objects."""
    scores = tuple(LabelScore("x", i / 3 + j, i / 5 + j, i / 7 + j) for j in range(labels))
    return FrameResult(BIG + i, BIG * i, 1, Scored((RegionScores("", scores),), timings(i)))


def timings(i: int) -> Timings:
    return Timings(BIG + i, BIG + i + 1, BIG + i + 2, 1000 + i)


def moment(i: int) -> Moment:
    return Moment(BIG + i, BIG * BIG + i)


def event(i: int, points: int) -> Event:
    trail = EventTrail(
        tuple(TrailPoint(moment(i + j), i / 7 + j, i / 9 + j) for j in range(points)),
        LabelScore("x", i / 3, i / 5, i / 7),
        0.5,
        0.5,
    )
    return Event(
        kind=EventKind.ENTERED,
        rule_id="r",
        label="x",
        at=moment(i),
        began=moment(i),
        event_id=f"{'s' * 32}-{i}",
        origin_time_ns=BIG * BIG + i,
        score=i / 7,
        peak_score=i / 9,
        present_ns=BIG + i,
        trail=trail if points else None,
    )


def explanation(i: int) -> Explanation:
    rules = [
        RuleExplanation(
            "r", "x", "", EventKind.EXITED, BIG + i, i / 7, i / 9, moment(i), 0.5, BIG + i, BIG + 2 * i,
            HeldBackBy.MIN_TIME, f"{i} " * 40,
        )
        for _ in range(10)
    ]  # fmt: skip
    return Explanation(tuple(rules))


OUTPUTS: dict[str, Callable[[int], Output]] = {
    "five labels": lambda i: few(i, 5),
    "32 labels": lambda i: few(i, 32),
    "one label in 64 regions": lambda i: result(i, 1, 64),
    "256 labels in 64 regions": lambda i: result(i, 256, 64),
    "five of 1000 labels": lambda i: result(i, 1000, 16, 5),
    "dropped": lambda i: FrameResult(BIG + i, BIG * i, 1, Dropped(DropReason.OVERFLOW)),
    "failed": lambda i: FrameResult(
        BIG + i, BIG * i, 1, Failed(FrameError(FrameErrorReason.OUT_OF_ORDER, f"{i} " * 300))
    ),
    "an event": lambda i: event(i, 0),
    "an event with a trail": lambda i: event(i, 100),
    "a health event": lambda i: HealthEvent(
        kind=HealthEventKind.RESUMED, region_id="a", at=moment(i), began=moment(i), event_id=f"{'s' * 32}-{i}"
    ),
    "an explanation": explanation,
    "warnings": lambda i: ConfigWarnings(i, tuple(RequestWarning("R", f"{i} " * 50, f"f{i}") for _ in range(20))),
}


def allocated(make: Callable[[int], object], count: int) -> float:
    """Returns the bytes that Python allocates for each of what is made and kept."""
    make(0)
    gc.collect()
    tracemalloc.start()
    kept = [make(i) for i in range(count)]
    gc.collect()
    found, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return found / len(kept)


@pytest.mark.parametrize("name", OUTPUTS)
def test_no_output_takes_more_than_is_counted(name: str) -> None:
    make = OUTPUTS[name]
    actual, counted = allocated(make, 20), output_bytes(make(7))
    assert actual <= counted <= 3 * actual + 1000


@pytest.mark.parametrize(("labels", "regions", "top_count"), [(5, 1, 0), (256, 64, 0), (1000, 16, 5), (1, 1, 9)])
def test_a_frame_on_its_way_takes_no_more_than_is_counted_when_it_starts(
    labels: int, regions: int, top_count: int
) -> None:
    config = StreamConfig(
        LabelSet.of([f"label {i}" for i in range(labels)]),
        top_count=top_count,
        regions=tuple(Region(REGION_IDS[i], 0, 0, 1, 1) for i in range(regions)),
    )
    found = scored(labels, regions, top_count)
    if labels * regions <= FEW_SCORES:
        found = [((), tuple(best)) for _, best in found]  # the outcome has the objects that the rules have
    outcome = Scored(tuple(RegionScores("", best) for _, best in found))
    actual = output_bytes(FrameResult(1, 1, 1, outcome)) + sum(scores_bytes(scores) for scores, _ in found)
    assert actual <= frame_bytes(config) <= 1.5 * actual


@pytest.mark.parametrize(
    ("regions", "top_count", "max_scores", "max_bytes", "expected"),
    [
        pytest.param(0, 0, 10, 10_000, None, id="at the limit"),
        pytest.param(0, 0, 9, 10_000, ("max_scores_per_frame", "label_set.labels"), id="labels alone"),
        pytest.param(3, 0, 30, 10_000, None, id="at the limit with regions"),
        pytest.param(3, 0, 29, 10_000, ("max_scores_per_frame", "regions"), id="labels times regions"),
        pytest.param(3, 1, 29, 10_000, ("max_scores_per_frame", "regions"), id="a top count does not matter"),
        pytest.param(3, 0, 30, 600, ("max_result_bytes", "regions"), id="long results"),
        pytest.param(3, 1, 30, 600, None, id="a top count makes them shorter"),
    ],
)
def test_configs_with_too_many_scores_are_refused(
    regions: int, top_count: int, max_scores: int, max_bytes: int, expected: tuple[str, str] | None
) -> None:
    config = StreamConfig(
        LabelSet.of(list(map(str, range(10)))),
        top_count=top_count,
        regions=tuple(Region(str(i), 0, 0, 1, 1) for i in range(regions)),
    )
    if expected is None:
        check_sizes(config, max_scores, max_bytes)
        return
    with pytest.raises(LimitExceeded) as caught:
        check_sizes(config, max_scores, max_bytes)
    assert (caught.value.metadata["limit"], caught.value.field) == expected
