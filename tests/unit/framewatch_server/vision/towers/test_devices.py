"""Choice of the engine that runs a model."""

from __future__ import annotations

import pytest
import torch

from framewatch_core.errors import ModelLoadError
from framewatch_server.vision.towers import devices
from framewatch_server.vision.towers.devices import pick_engine


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setattr(devices, "find_spec", lambda _: object() if request.param else None)


@pytest.mark.parametrize(
    ("installed", "engine", "dtype", "expected"),
    [
        (True, "auto", "auto", "openvino"),
        (True, "auto", "int8", "openvino"),
        (True, "auto", "float16", "torch"),
        (True, "torch", "bfloat16", "torch"),
        (True, "openvino", "float32", "openvino"),
        (False, "auto", "auto", "torch"),
        (False, "torch", "float32", "torch"),
    ],
    indirect=["installed"],
)
def test_the_engine_follows_from_the_packages_installed(
    installed: None, engine: str, dtype: str, expected: str
) -> None:
    assert pick_engine(engine, torch.device("cpu"), dtype) == expected


@pytest.mark.parametrize(
    ("installed", "engine", "dtype", "message"),
    [
        (False, "openvino", "auto", "install framewatch"),
        (False, "auto", "int8", "install framewatch"),
        (True, "openvino", "float16", "float32, bfloat16 or int8"),
        (True, "torch", "int8", "--engine openvino"),
    ],
    indirect=["installed"],
)
def test_an_engine_that_is_not_available_is_refused(installed: None, engine: str, dtype: str, message: str) -> None:
    with pytest.raises(ModelLoadError, match=message):
        pick_engine(engine, torch.device("cpu"), dtype)
