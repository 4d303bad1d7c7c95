"""Which of a server's models an index is made or searched with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from framewatch_cli.index.index import VectorIndex
from framewatch_client import Model, model_not_found, models_named


class ModelMismatch(ValueError):
    """A model that was asked for can't make vectors that fit the index's."""


def pick_model(models: Sequence[Model], name: str, index: VectorIndex | None, path: Path) -> Model:
    """The model for an index: the one that made it, else the one of that name, else the default.

    Args:
        models: those of the server.
        name: of the one that was asked for; empty: none in particular.
        index: None: it is to be made.
        path: the index's, for messages.

    Raises:
        ModelNotFound: the server has no such model.
        ModelMismatch: it is another than the index's.

    """
    named = models_named(models, name)
    if index is None:
        return named[0]
    fitting = [model for model in named if model.weights_digest == index.weights_digest]
    if fitting:
        return next((model for model in fitting if model.name == index.model), fitting[0])
    if name and any(model.weights_digest == index.weights_digest for model in models):
        raise ModelMismatch(
            f"{path} holds vectors of {_of_index(index)}, and {named[0].described} makes others, which can't be "
            "compared with them: leave out --model, or give a new file for that model's index"
        )
    raise model_not_found(f"{path} holds vectors of {_of_index(index)}, which is not loaded", models, _REMEDY)


_REMEDY = "; give a server that has it, or make an index in a new file"


def _of_index(index: VectorIndex) -> str:
    return f"the model {index.model} (weights {index.weights_digest})"
