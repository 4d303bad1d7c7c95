"""Which of a server's models a labelling run asks, so that all its scores are of the same weights."""

from __future__ import annotations

from collections.abc import Sequence

import grpc

from framewatch_client.errors import FramewatchCallError
from framewatch_client.label_log import LabelLog
from framewatch_client.models import Model


def require_model(models: Sequence[Model], name: str) -> list[Model]:
    """Those of the server's models that a run may ask. Raises FramewatchCallError: there is none of that name."""
    named = [model for model in models if name in {"", model.name}]
    if not named:
        raise _missing(f"no model {name!r} is loaded", models)
    return named


def pick_model(models: Sequence[Model], name: str, log: LabelLog) -> Model:
    """The model that scored the pictures so far, whatever it is called now; if there are none, the one asked for.

    Args:
        models: those of the server.
        name: of the one that was asked for; empty: the server's default, or whichever scored the pictures.
        log: with the pictures so far.

    Raises:
        FramewatchCallError: the server has no such model.

    """
    named = require_model(models, name)
    fitting = [model for model in named if _fits(model, log)]
    if not fitting:
        raise _missing(
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


def _missing(what: str, models: Sequence[Model], remedy: str = "") -> FramewatchCallError:
    there = ", ".join(f"{model.name} (weights {model.weights_digest})" for model in models) or "none"
    return FramewatchCallError(grpc.StatusCode.NOT_FOUND, "MODEL_NOT_FOUND", f"{what}; there is: {there}{remedy}")
