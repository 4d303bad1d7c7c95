"""The model of an index."""

from __future__ import annotations

from pathlib import Path

import pytest

from framewatch_cli.index.model import ModelMismatch, pick_index_model
from framewatch_client import ModelNotFound
from framewatch_core.models import Model
from tests.unit.framewatch_cli.index.test_builder import index_of
from tests.unit.framewatch_cli.index.test_embedding import model

OWN, OTHER = model(), model("other", "f" * 16)
RENAMED = model("renamed")


@pytest.mark.parametrize(
    ("there", "name", "has_index", "expected"),
    [
        ([OTHER, OWN], "", False, OTHER),
        ([OTHER, OWN], "fake", False, OWN),
        ([OTHER, OWN], "", True, OWN),
        ([OTHER, OWN], "fake", True, OWN),
        ([OTHER, RENAMED], "", True, RENAMED),
        ([RENAMED, OWN], "", True, OWN),
        ([RENAMED, OWN], "renamed", True, RENAMED),
    ],
    ids=[
        "default",
        "by name",
        "the index's",
        "the index's by name",
        "by weights",
        "by weights and name",
        "same weights",
    ],
)
def test_the_model_of_an_index(there: list[Model], name: str, has_index: bool, expected: Model) -> None:
    assert pick_index_model(there, name, index_of() if has_index else None, Path("i.npz")) is expected


@pytest.mark.parametrize(
    ("there", "name", "has_index", "error", "match"),
    [
        (
            [OWN],
            "x",
            False,
            ModelNotFound,
            r"no model 'x' is loaded; there is: fake \(weights 0123456789abcdef\)",
        ),
        (
            [OTHER],
            "",
            True,
            ModelNotFound,
            "i.npz holds vectors of the model fake .* not loaded; there is: other",
        ),
        ([OTHER], "other", True, ModelNotFound, "not loaded"),
        ([OTHER, OWN], "other", True, ModelMismatch, "can't be compared with them: leave out --model"),
    ],
    ids=["no such model", "not there", "asked for another alone", "asked for another"],
)
def test_models_that_do_not_do(
    there: list[Model], name: str, has_index: bool, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        pick_index_model(there, name, index_of() if has_index else None, Path("i.npz"))
