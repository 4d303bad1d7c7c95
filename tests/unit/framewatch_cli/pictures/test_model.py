"""The model that a run goes on with."""

from __future__ import annotations

import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_cli.pictures.model import UsedModel, pick_model
from framewatch_client import ModelNotFound
from framewatch_core.models import Model
from framewatch_wire.models import models_from_proto
from tests.unit.framewatch_client.fake_server import fake_model

A1, A2, B1 = models_from_proto(
    pb.ListModelsResponse(models=[fake_model("a", "1111"), fake_model("a", "2222"), fake_model("b", "1111")])
)


def pick(there: list[Model], name: str, weights: str | None) -> Model:
    """`weights`: those that scored the pictures so far; "": unknown; None: there are no pictures."""
    used = None if weights is None else UsedModel("a", weights)
    return pick_model(
        there, name, used, results="the pictures so far were scored by", remedy="start the server with it, or --restart"
    )


@pytest.mark.parametrize(
    ("there", "name", "weights", "expected"),
    [
        pytest.param([A1, B1], "", None, A1, id="the default"),
        pytest.param([A1, B1], "b", None, B1, id="the one asked for"),
        pytest.param([A2, A1], "", "1111", A1, id="the same weights"),
        pytest.param([A2, A1], "a", "1111", A1, id="the same weights of that name"),
        pytest.param([B1, A1], "", "1111", A1, id="the same weights and name"),
        pytest.param([A2, B1], "", "1111", B1, id="the same weights under another name"),
        pytest.param([B1, A2], "", "", A2, id="the same name, weights unknown"),
    ],
)
def test_which_model_is_asked(there: list, name: str, weights: str | None, expected: object) -> None:
    assert pick(there, name, weights) is expected


@pytest.mark.parametrize(
    ("there", "name", "weights", "words"),
    [
        pytest.param([A1], "c", None, r"no model 'c' is loaded; there is: a \(weights 1111\)", id="no such model"),
        pytest.param([], "", None, "no model '' is loaded; there is: none", id="none"),
        pytest.param([A2], "", "1111", r"the model a \(weights 1111\), which is not loaded; there is: a \(weights 2222\); start the server", id="other weights"),
        pytest.param([A2, B1], "a", "1111", r"which is not loaded.*--restart", id="other weights of that name"),
        pytest.param([B1], "", "", r"a \(weights unknown\), which is not loaded", id="another name, weights unknown"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_an_error(there: list, name: str, weights: str | None, words: str) -> None:
    with pytest.raises(ModelNotFound, match=words) as caught:
        pick(there, name, weights)
    assert caught.value.reason == "MODEL_NOT_FOUND"
