"""The model that a run goes on with: results of other weights can't be compared with those that are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from framewatch_cli.pictures.faults import ModelReplaced
from framewatch_client import Model, ModelNotFound


@dataclass(frozen=True, slots=True)
class UsedModel:
    """The model that made the results that are there.

    Attributes:
        name: its name then; the same weights may have another name now.
        weights_digest: of its weights; empty: unknown, as servers of earlier versions did not give it.

    """

    name: str
    weights_digest: str

    def __str__(self) -> str:
        return f"the model {self.name} (weights {self.weights_digest or 'unknown'})"

    def has_weights_of(self, model: Model) -> bool:
        """True if a server's model has the same weights, or the same name where the weights are unknown."""
        return model.weights_digest == self.weights_digest if self.weights_digest else model.name == self.name


def pick_model(models: Sequence[Model], name: str, used: UsedModel | None, *, results: str, remedy: str) -> Model:
    """Returns the model with the weights that were used; without results so far, the model that was asked for.

    Args:
        models: those of the server; the first is its default.
        name: of the model that was asked for; empty: any.
        used: the model of the results so far; None: there are no results.
        results: the results with a verb, for the error, such as "the pictures so far were scored by".
        remedy: what to do, for the error.

    Raises:
        ModelNotFound: the server has no such model.

    """
    named = models_named(models, name)
    if used is None:
        return named[0]
    fitting = [model for model in named if used.has_weights_of(model)]
    if not fitting:
        others = [model for model in models if not used.has_weights_of(model)]
        raise _not_found(f"{results} {used}, which is not loaded", others, f"; {remedy}")
    return next((model for model in fitting if model.name == used.name), fitting[0])


def models_named(models: Sequence[Model], name: str) -> list[Model]:
    """Returns the models of a server that a call may ask for by that name; for an empty name, all.

    Raises:
        ModelNotFound: there is none.

    """
    named = [model for model in models if name in {"", model.name}]
    if not named:
        raise _not_found(f"no model {name!r} is loaded", models)
    return named


def check_weights(model: str, before: str, now: str, *, results: str) -> None:
    """Raises ModelReplaced if an answer is of other weights than the model had at the beginning of the run.

    Args:
        model: name of the model.
        before: digest of its weights at the beginning.
        now: digest of the answer's weights.
        results: plural name of what the answer has, for the error: "vectors".

    """
    if now != before:
        raise ModelReplaced(
            f"the server's model {model} has other weights now ({now}, before {before}), and their {results} can't be "
            "compared: start again"
        )


def _not_found(what: str, models: Sequence[Model], remedy: str = "") -> ModelNotFound:
    """Returns the error with the models that there are and a remedy."""
    there = ", ".join(model.described for model in models) or "none"
    return ModelNotFound(f"{what}; there is: {there}{remedy}")
