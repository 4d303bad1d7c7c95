"""Loaded models."""

from __future__ import annotations

from collections.abc import Iterable

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.models import Model
from framewatch_wire.enums import SCORE_FUNCTIONS


def models_to_proto(models: Iterable[Model]) -> pb.ListModelsResponse:
    """Returns loaded models as a response; the first is the default."""
    return pb.ListModelsResponse(models=map(_model_to_proto, models))


def models_from_proto(message: pb.ListModelsResponse) -> tuple[Model, ...]:
    """Returns the models of a response; the first is the default."""
    return tuple(map(_model_from_proto, message.models))


def _model_to_proto(model: Model) -> pb.Model:
    return pb.Model(
        name=model.name,
        family=model.family,
        image_width=model.image_width,
        image_height=model.image_height,
        dimension=model.dimension,
        device=model.device,
        dtype=model.dtype,
        engine=model.engine,
        score_function=SCORE_FUNCTIONS.to_proto(model.score_function),
        max_text_tokens=model.max_text_tokens,
        revision=model.revision,
        weights_digest=model.weights_digest,
        memory_bytes=model.memory_bytes,
        demo=model.is_demo,
    )


def _model_from_proto(message: pb.Model) -> Model:
    return Model(
        name=message.name,
        family=message.family,
        image_width=message.image_width,
        image_height=message.image_height,
        dimension=message.dimension,
        device=message.device,
        dtype=message.dtype,
        engine=message.engine,
        score_function=SCORE_FUNCTIONS.from_proto(message.score_function),
        max_text_tokens=message.max_text_tokens,
        revision=message.revision,
        weights_digest=message.weights_digest,
        memory_bytes=message.memory_bytes,
        is_demo=message.demo,
    )
