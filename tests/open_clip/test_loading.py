"""Checkpoints that are refused with a remedy, and weights in other files."""

from __future__ import annotations

import copy
import json
import logging
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from open_clip.tokenizer import HFTokenizer
from safetensors.torch import load_file, save_file

from framewatch_core.errors import ModelLoadError
from framewatch_core.labels.scoring import ScoreFunction
from framewatch_server.vision.checkpoints.load import load_encoder
from framewatch_server.vision.checkpoints.open_clip_adapters import OpenClipTextReader
from framewatch_server.vision.towers.encoder import Encoder
from tests.open_clip.checkpoints import CONFIGS

WEIGHTS = "open_clip_model.safetensors"


def load(folder: Path) -> Encoder:
    return load_encoder(str(folder), device="cpu", dtype="float32", engine="torch")


@pytest.fixture
def copied(checkpoints: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """Copies the folder of a checkpoint, so that a test may change it."""
    return lambda name: Path(shutil.copytree(checkpoints(name), tmp_path / name))


def changed(name: str, path: str, value: Any) -> str:
    """Returns the text of a config file with one value changed."""
    config = copy.deepcopy(CONFIGS[name])
    *parents, last = path.split(".")
    part = config
    for parent in parents:
        part = part[parent]
    part[last] = value
    return json.dumps(config)


@pytest.mark.parametrize(
    ("name", "path", "value", "message"),
    [
        pytest.param("ViT", "model_cfg", None, "describes no model: expected 'model_cfg'", id="no model"),
        pytest.param("ViT", "model_cfg.text_cfg", 7, "describes no model: expected 'model_cfg'", id="invalid text tower"),
        pytest.param("ViT", "model_cfg.text_cfg.colour", "red", "unexpected keyword argument 'colour'", id="option of another version"),
        pytest.param("ViT", "model_cfg.vision_cfg.width", 256, "size mismatch", id="other weights"),
        pytest.param("ViT", "model_cfg.text_cfg.tokenizer_kwargs", {"clean": "well"}, "Invalid clean function", id="unknown way to clean texts"),
        pytest.param("ViT", "model_cfg.text_cfg.tokenizer_kwargs", {"reduction_mask": "random"}, "expected only", id="texts cut at random"),
        pytest.param("SigLIP", "model_cfg.text_cfg.tokenizer_kwargs", {"trust_remote_code": True}, "expected only", id="code of a tokenizer"),
        pytest.param("MobileCLIP", "model_cfg.vision_cfg.timm_model_name", "hf-hub:someone/tower", "fetched from elsewhere", id="a tower on the hub"),
        pytest.param("MobileCLIP", "model_cfg.vision_cfg.timm_model_name", "fastvit_t8000", "Unknown model", id="unknown tower"),
        pytest.param("ViT", "model_cfg.text_cfg.hf_model_name", "roberta-base", "'roberta-base', which isn't in the folder", id="a text tower on the hub"),
        pytest.param("ViT", "model_cfg.text_cfg.hf_tokenizer_name", "roberta-base", "put the files of 'roberta-base' there", id="a tokenizer on the hub"),
        pytest.param("ViT", "preprocess_cfg.resize_mode", "longest", "'longest', which isn't supported", id="padded pictures"),
        pytest.param("ResNet", "preprocess_cfg.mean", [0.5], "can't be loaded", id="mean of one colour"),
        pytest.param("ResNet", "preprocess_cfg.resize_mode", "stretched", "expected the resize_mode 'squash'", id="unknown resize mode"),
    ],
)  # fmt: skip
def test_a_model_that_can_not_be_served_is_refused(
    copied: Callable[[str], Path], name: str, path: str, value: Any, message: str
) -> None:
    folder = copied(name)
    (folder / "open_clip_config.json").write_text(changed(name, path, value))
    with pytest.raises(ModelLoadError, match=message) as raised:
        load(folder)
    assert str(folder) in str(raised.value) or "preprocess" in path
    assert len(str(raised.value)) < 700


def test_weights_without_a_logit_scale_are_refused(copied: Callable[[str], Path]) -> None:
    folder = copied("ViT")
    weights = load_file(folder / WEIGHTS)
    del weights["logit_scale"]
    save_file(weights, folder / WEIGHTS)
    with pytest.raises(ModelLoadError, match="logit_scale"):
        load(folder)


@pytest.mark.parametrize(
    ("bias", "expected"),
    [(-10.0, ScoreFunction.SIGMOID), (0.0, ScoreFunction.SOFTMAX), (None, ScoreFunction.SOFTMAX)],
    ids=["trained with a sigmoid", "written by OpenCLIP", "absent"],
)
def test_the_weights_decide_the_score_function(
    copied: Callable[[str], Path], bias: float | None, expected: ScoreFunction
) -> None:
    folder = copied("ViT")
    weights = load_file(folder / WEIGHTS)
    weights |= {"logit_scale": torch.tensor([3.0], dtype=torch.float64).float()}
    weights |= {} if bias is None else {"logit_bias": torch.tensor([bias])}
    save_file(weights, folder / WEIGHTS)
    head = load(folder).head
    assert (head.score_function, head.logit_bias) == (expected, bias or 0.0)
    assert head.logit_scale == pytest.approx(np.exp(3.0), rel=1e-12)


@pytest.mark.parametrize(
    "layout", ["model.safetensors", "open_clip_pytorch_model.safetensors", "shards beside a pickle"]
)
def test_weights_in_other_files_are_loaded(copied: Callable[[str], Path], layout: str) -> None:
    folder = copied("MobileCLIP")
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 96, 96), dtype=np.uint8)
    expected = load(folder).images.encode(pixels)
    whole = folder / WEIGHTS
    if layout.endswith(".safetensors"):
        whole.rename(folder / layout)
    else:
        shard(whole)
        (folder / "open_clip_pytorch_model.bin").write_bytes(b"no pickle is ever read")
    assert np.array_equal(load(folder).images.encode(pixels), expected)


def shard(whole: Path) -> None:
    """Splits a file of weights in two, with an index, in transformers' layout."""
    weights = list(load_file(whole).items())
    half = len(weights) // 2
    index = {}
    for number, part in enumerate((dict(weights[:half]), dict(weights[half:])), start=1):
        name = whole.name.replace(".safetensors", f"-{number:05}-of-00002.safetensors")
        save_file(part, whole.with_name(name))
        index |= dict.fromkeys(part, name)
    whole.with_name(f"{whole.name}.index.json").write_text(json.dumps({"weight_map": index}))
    whole.unlink()


def test_training_branches_are_merged(checkpoints: Callable[[str], Path]) -> None:
    folder = checkpoints("MobileCLIP")
    merged: Any = load(folder)
    names = merged.images.module.weights()
    assert not [name for name in names if ".bn" in name and "identity" in name]
    assert sum(weight.size for weight in names.values()) < sum(
        weight.numel() for weight in load_file(folder / WEIGHTS).values()
    )


def test_loading_logs_no_warning_of_missing_weights(
    checkpoints: Callable[[str], Path], caplog: pytest.LogCaptureFixture
) -> None:
    handlers = list(logging.root.handlers)
    with caplog.at_level(logging.DEBUG):
        load(checkpoints("ViT"))
    assert [record for record in caplog.records if record.name == "root"] == []
    assert (logging.root.handlers, logging.root.filters) == (handlers, [])


def test_an_incomplete_extra_is_reported(checkpoints: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "framewatch_server.vision.checkpoints.open_clip_loader", None)
    with pytest.raises(ModelLoadError, match=r"can't be imported .* install framewatch\[open-clip\] again"):
        load(checkpoints("ViT"))


def test_the_special_tokens_of_a_tokenizer_count_towards_the_limit(checkpoints: Callable[[str], Path]) -> None:
    ends = {"bos_token": "<unk>", "cls_token": "<unk>"}
    tokenizer = HFTokenizer(str(checkpoints("SigLIP")), context_length=20, tokenizer_mode="clips", **ends)
    reader = OpenClipTextReader(tokenizer)
    # one token for the leading space, and three for beginning, end and class
    fits, too_long = "a" * 16, "a" * 17
    assert reader.cut_off([fits, too_long]) == {too_long}
    ids = reader.tokens([fits, too_long])["input_ids"]
    assert torch.equal(ids[0], ids[1]), "the surplus letter was cut off"
