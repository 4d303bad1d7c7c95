from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.labels.scoring import ScoreFunction
from framewatch_core.models import Model
from framewatch_wire.models import models_from_proto, models_to_proto
from tests.unit.framewatch_wire.sent import sent
from tests.unit.framewatch_wire.values import COUNTS, FRAME_IDS, TEXTS

MODELS = st.builds(
    Model,
    name=TEXTS,
    family=TEXTS,
    image_width=COUNTS,
    image_height=COUNTS,
    dimension=COUNTS,
    device=TEXTS,
    dtype=TEXTS,
    engine=TEXTS,
    score_function=st.none() | st.sampled_from(ScoreFunction),
    max_text_tokens=COUNTS,
    revision=TEXTS,
    weights_digest=TEXTS,
    memory_bytes=FRAME_IDS,
    is_demo=st.booleans(),
)


@given(st.lists(MODELS, max_size=3).map(tuple))
def test_models_arrive_as_they_were(models: tuple[Model, ...]) -> None:
    assert models_from_proto(sent(models_to_proto(models))) == models


def test_an_unknown_score_function_is_none() -> None:
    message = pb.ListModelsResponse(models=[pb.Model(name="new", score_function=99)])  # type: ignore[arg-type]
    assert models_from_proto(message)[0].score_function is None
