"""The files of a checkpoint that are needed, and those that a folder lacks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from framewatch_core.errors import ModelLoadError
from framewatch_demo import MODEL_DIR
from framewatch_server.vision.checkpoints.files import family, missing_files, small_files, weight_files

SHARDS = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
INDEX = "model.safetensors.index.json"
OPEN_CLIP = "open_clip_model.safetensors"


def test_small_files_are_the_known_ones_beside_the_configuration() -> None:
    wanted = ["README.md", "config.json", "merges.txt", "spiece.model", "tokenizer.json", "vocab.json"]
    others = [".gitattributes", "onnx/config.json", "pytorch_model.bin", "vocab.bin", "model.safetensors", "run.py"]
    assert small_files([*wanted, *others]) == wanted


@pytest.mark.parametrize(
    ("names", "in_transformers_format", "wanted"),
    [
        pytest.param(["model.safetensors", "pytorch_model.bin"], True, ["model.safetensors"], id="one file"),
        pytest.param([*SHARDS, INDEX], True, [*SHARDS, INDEX], id="shards"),
        pytest.param([*SHARDS, INDEX, "model.safetensors"], True, ["model.safetensors"], id="whole rather than shards"),
        pytest.param(["model.safetensors", OPEN_CLIP], True, ["model.safetensors"], id="both, transformers'"),
        pytest.param(["model.safetensors", OPEN_CLIP], False, [OPEN_CLIP], id="both, OpenCLIP's"),
        pytest.param([OPEN_CLIP], True, [OPEN_CLIP], id="only the other one"),
        pytest.param(["pytorch_model.bin", "adapter.safetensors", "x/model.safetensors"], True, [], id="none"),
    ],
)
def test_weights_come_once_and_never_as_pickles(
    names: list[str], in_transformers_format: bool, wanted: list[str]
) -> None:
    assert weight_files(names, in_transformers_format=in_transformers_format) == wanted


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(MODEL_DIR, tmp_path / "model"))


@pytest.mark.parametrize(
    ("removed", "missing"),
    [
        pytest.param([], [], id="complete"),
        pytest.param(["README.md", "tokenizer_config.json"], [], id="what isn't needed"),
        pytest.param(["config.json"], ["config.json"], id="no configuration"),
        pytest.param(
            ["model.safetensors", "tokenizer.json", "preprocessor_config.json"],
            ["preprocessor_config.json", "tokenizer.json", "model.safetensors"],
            id="all else",
        ),
    ],
)
def test_missing_files_are_named(folder: Path, removed: list[str], missing: list[str]) -> None:
    for name in removed:
        (folder / name).unlink()
    assert missing_files(folder) == missing


def test_shards_are_those_of_the_index(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / SHARDS[0])
    (folder / INDEX).write_text(json.dumps({"weight_map": {"a": SHARDS[0], "b": SHARDS[1]}}))
    assert missing_files(folder) == [SHARDS[1]]


def test_open_clip_needs_no_preprocessing_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "open_clip_config.json").write_text("{}")
    (tmp_path / "config.json").write_text('{"architecture": "vit"}')
    assert (family(tmp_path), missing_files(tmp_path)) == ("open_clip", [OPEN_CLIP])
    (tmp_path / OPEN_CLIP).touch()
    assert missing_files(tmp_path) == []


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_broken_configuration_is_refused(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content)
    with pytest.raises(ModelLoadError, match=r"config\.json.*again"):
        missing_files(folder)


@pytest.mark.parametrize(("config", "expected"), [('{"model_type": "siglip"}', "siglip"), ("{}", "")])
def test_the_family_is_the_configurations(tmp_path: Path, config: str, expected: str) -> None:
    (tmp_path / "config.json").write_text(config)
    assert family(tmp_path) == expected


@pytest.mark.parametrize(
    "name",
    [
        "../../elsewhere/model.safetensors",
        "/etc/passwd",
        "deeper/model.safetensors",
        "..",
        ".",
        "",
        "a\0b",
        3,
        None,
        ["model.safetensors"],
    ],
    ids=repr,
)
def test_an_index_that_names_files_outside_of_its_folder_is_refused(name: object, folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / INDEX).write_text(json.dumps({"weight_map": {"a": SHARDS[0], "b": name}}))
    with pytest.raises(ModelLoadError, match="own folder"):
        missing_files(folder)


@pytest.mark.parametrize("places", [[SHARDS[0]], "x/y", 4, None], ids=repr)
def test_an_index_that_is_no_mapping_is_refused(places: object, folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / INDEX).write_text(json.dumps({"weight_map": places}))
    with pytest.raises(ModelLoadError, match="own folder"):
        missing_files(folder)
