"""Results that are written from arrays, against the same written as objects."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.images.regions import Region
from framewatch_core.labels.label_scores import LabelNames, LabelScores, best_first
from framewatch_core.labels.labels import LabelSet
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.stream.config import StreamConfig
from framewatch_core.stream.results import FrameResult, RegionScores, Scored, Timings
from framewatch_core.stream.sizes import result_bytes
from framewatch_wire.responses import response_to_proto
from framewatch_wire.results import large_frame_result_to_bytes
from tests.unit.framewatch_wire.values import FRAME_IDS, REGION_SCORES, SCORED, TEXTS, TIMES_NS, TIMINGS

FLOATS = st.floats(width=32, allow_nan=False) | st.sampled_from([0.0, -0.0, 1.0])
LONG_TEXTS = TEXTS | st.text("ä🎈", min_size=30, max_size=256)


@st.composite
def label_scores(draw: st.DrawFn) -> LabelScores:
    """Scores of some labels, in the set's order, or best first, or the first ones of these."""
    names = draw(st.lists(LONG_TEXTS, max_size=5, unique=True))
    columns = draw(st.sampled_from([2, 3]))
    values = np.array(
        draw(st.lists(st.lists(FLOATS, min_size=columns, max_size=columns), min_size=len(names), max_size=len(names))),
        np.float32,
    )
    scores = LabelScores(LabelNames(names), values.reshape(len(names), columns))
    return scores.best_first(draw(st.integers(0, 6))) if draw(st.booleans()) else scores


@st.composite
def regions(draw: st.DrawFn) -> RegionScores:
    scores = cast("tuple[LabelScore, ...]", draw(label_scores()))
    return replace(draw(REGION_SCORES), scores=scores)


ARRAYS = st.builds(Scored, st.lists(regions(), min_size=1, max_size=3).map(tuple), TIMINGS, st.none() | FRAME_IDS)


@given(FRAME_IDS, TIMES_NS, st.integers(0, 2**32 - 1), ARRAYS | SCORED)
def test_bytes_parse_to_what_objects_are(frame_id: int, time_ns: int, version: int, scored: Scored) -> None:
    result = FrameResult(frame_id, time_ns, version, scored)
    parsed = pb.StreamFramesResponse.FromString(large_frame_result_to_bytes(result))
    message = response_to_proto(result)
    assert parsed == message
    assert parsed.SerializeToString(deterministic=True) == message.SerializeToString(deterministic=True)


def test_the_largest_frame_is_written_as_objects_are() -> None:
    names = LabelNames([f"label {i} {'é' * (i % 200)}" for i in range(1000)])
    values = np.random.default_rng(0).random((16, 1000, 3)).astype(np.float32)
    scored = Scored(tuple(RegionScores(str(i), best_first(LabelScores(names, each))) for i, each in enumerate(values)))
    result = FrameResult(1, 2, 3, scored)
    assert pb.StreamFramesResponse.FromString(large_frame_result_to_bytes(result)) == response_to_proto(result)


@pytest.mark.parametrize("name", ["n", "ä" * 256, "🎈" * 256])
@pytest.mark.parametrize(("labels", "regions", "top_count"), [(1, 1, 0), (40, 3, 0), (40, 3, 7)])
def test_no_result_is_larger_than_a_config_allows(name: str, labels: int, regions: int, top_count: int) -> None:
    names = [f"{i}{name[:253]}" for i in range(labels)]
    config = StreamConfig(
        LabelSet.of(names),
        top_count=top_count,
        regions=tuple(Region(f"{i}{name}"[:256], 0, 0, 1, 1) for i in range(regions)),
    )
    values = np.random.default_rng(0).random((labels, 3)).astype(np.float32)
    best = best_first(LabelScores(LabelNames(names), values), top_count)
    outcome = Scored(
        tuple(RegionScores(region.id, best) for region in config.regions),
        Timings(10**12, 10**12, 10**12, 2**32 - 1),
        2**64 - 1,
    )
    sent = len(large_frame_result_to_bytes(FrameResult(2**64 - 1, 10**18, 2**32 - 1, outcome)))
    assert sent <= result_bytes(config) <= 1.5 * sent + 300
