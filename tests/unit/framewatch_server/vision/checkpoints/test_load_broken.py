"""Broken checkpoints are refused with the reason, whatever error the libraries raise."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from framewatch_core.errors import ModelLoadError
from framewatch_server.vision.checkpoints.load import load_encoder
from framewatch_server.vision.checkpoints.weights import weights_digest
from tests.checkpoints import make_family


def change_weights(change: Callable[[dict[str, torch.Tensor]], None]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        weights = load_file(folder / "model.safetensors")
        change(weights)
        save_file(weights, folder / "model.safetensors", {"format": "pt"})

    return apply


def change_json(name: str, **values: Any) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        config = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps({**config, **values}))

    return apply


def without_projection(weights: dict[str, torch.Tensor]) -> None:
    del weights["visual_projection.weight"]


def of_another_shape(weights: dict[str, torch.Tensor]) -> None:
    weights["visual_projection.weight"] = torch.zeros(3, 3)


def without_scale(weights: dict[str, torch.Tensor]) -> None:
    del weights["logit_scale"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param(change_weights(without_projection), "lack 1 tensors .*visual_projection.weight", id="a tensor missing"),
        pytest.param(change_weights(without_scale), "logit_scale", id="the scale missing"),
        pytest.param(change_weights(of_another_shape), "can't be loaded", id="another shape"),
        pytest.param(lambda f: (f / "tokenizer.json").write_text("{}"), "can't be loaded", id="a tokenizer that is none"),
        pytest.param(lambda f: (f / "model.safetensors").write_bytes(b"junk" * 9), "can't be read", id="weights that are none"),
        pytest.param(lambda f: (f / "config.json").write_text("{"), "can't be read as JSON", id="no JSON"),
        pytest.param(change_json("preprocessor_config.json", resample=None), "can't be loaded", id="no filter"),
        pytest.param(change_json("config.json", model_type="owlvit"), "known", id="another family"),
        pytest.param(lambda f: (f / "model.safetensors").unlink(), "lacks model.safetensors", id="no weights"),
    ],
)  # fmt: skip
def test_a_broken_checkpoint_is_refused_with_the_reason(
    tmp_path: Path, spoil: Callable[[Path], None], words: str
) -> None:
    folder = make_family(tmp_path / "model", "CLIP")
    spoil(folder)
    with pytest.raises(ModelLoadError, match=words):
        load_encoder(str(folder), device="cpu", engine="torch")


def test_shards_of_the_same_weights_have_the_same_digest(tmp_path: Path) -> None:
    whole = make_family(tmp_path / "whole", "CLIP")
    shards = tmp_path / "shards"
    shards.mkdir()
    for path in whole.iterdir():
        if path.suffix != ".safetensors":
            (shards / path.name).write_bytes(path.read_bytes())
    weights = load_file(whole / "model.safetensors")
    names = sorted(weights)
    parts = {f"model-0000{i + 1}-of-00002.safetensors": names[i::2] for i in range(2)}
    for file, kept in parts.items():
        save_file({name: weights[name] for name in kept}, shards / file, {"format": "pt"})
    index = {"metadata": {}, "weight_map": {name: file for file, kept in parts.items() for name in kept}}
    (shards / "model.safetensors.index.json").write_text(json.dumps(index))
    assert weights_digest(whole) == weights_digest(shards)
    one, other = (
        load_encoder(str(folder), device="cpu", engine="torch", dtype="float32") for folder in (whole, shards)
    )
    assert one.texts.encode(["a dog"]) == pytest.approx(other.texts.encode(["a dog"]), abs=1e-5)
