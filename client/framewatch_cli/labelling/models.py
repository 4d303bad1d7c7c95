"""Which of a server's models a labelling run asks, so that all its scores are of the same weights."""

from __future__ import annotations

from collections.abc import Sequence

from framewatch_cli.labelling.log import LabelLog
from framewatch_client import Model, model_not_found, models_named


def pick_model(models: Sequence[Model], name: str, log: LabelLog) -> Model:
    """The model that scored the pictures so far, whatever it is called now; if there are none, the one asked for.

    Args:
        models: those of the server.
        name: of the one that was asked for; empty: the server's default, or whichever scored the pictures.
        log: with the pictures so far.

    Raises:
        ModelNotFound: the server has no such model.

    """
    named = models_named(models, name)
    fitting = [model for model in named if _fits(model, log)]
    if not fitting:
        raise model_not_found(
            f"the pictures so far were scored by the model {log.model} (weights {log.weights_digest or 'unknown'}), "
            "which is not loaded",
            named,
            "; start the server with that one, give another --out, or --restart to label all anew",
        )
    return next((model for model in fitting if model.name == log.model), fitting[0])


def _fits(model: Model, log: LabelLog) -> bool:
    """Where no weights are known, as of a server of an earlier version, by name."""
    if not log.model:
        return True
    return model.weights_digest == log.weights_digest if log.weights_digest else model.name == log.model
