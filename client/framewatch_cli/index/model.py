"""The server's model that an index is made or searched with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from framewatch_cli.index.vector_index import VectorIndex
from framewatch_cli.pictures.model import UsedModel, models_named, pick_model
from framewatch_client import Model


class ModelMismatch(ValueError):
    """The model that was asked for makes vectors that can't be compared with the index's."""


def pick_index_model(models: Sequence[Model], name: str, index: VectorIndex | None, path: Path) -> Model:
    """Returns the model for an index: the one that made it; for a new index the one of that name, or the default.

    Args:
        models: those of the server; the first is its default.
        name: of the model that was asked for; empty: any.
        index: None: it does not exist yet.
        path: of the index, for errors.

    Raises:
        ModelNotFound: the server has no such model.
        ModelMismatch: the model that was asked for is another than the index's, which the server has too.

    """
    used = None if index is None else UsedModel(index.model, index.weights_digest)
    if used is not None and name:
        named = models_named(models, name)
        if not any(map(used.has_weights_of, named)) and any(map(used.has_weights_of, models)):
            raise ModelMismatch(
                f"{path} holds vectors of {used}, and {named[0].described} makes others, which can't be compared with "
                "them: leave out --model, or give a new file for that model's index"
            )
    remedy = "give a server that has it, or make an index in a new file"
    return pick_model(models, name, used, results=f"{path} holds vectors of", remedy=remedy)
