"""Loading a model: OpenVINO returns the same vectors as torch, and int8 is made, checked and kept."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors.torch import save_file

from framewatch_core.errors import ModelLoadError
from framewatch_demo.scenes import CONCEPTS, render, square
from framewatch_server.vision.checkpoints.load import load_encoder
from framewatch_server.vision.towers import quantisation_images
from framewatch_server.vision.towers.quantisation_images import rendered_images
from framewatch_server.vision.towers.torch_images import TorchImageTower
from tests.unit.framewatch_server.vision.towers.test_quantisation_images import write_pictures


def test_a_checkpoint_of_open_clip_without_the_extra_is_refused(tmp_path: Path) -> None:
    if find_spec("open_clip"):
        pytest.skip("the extra open-clip is installed")
    (tmp_path / "open_clip_config.json").write_text("{}")
    save_file({"visual.proj": torch.zeros(2, 3)}, tmp_path / "open_clip_model.safetensors")
    with pytest.raises(ModelLoadError, match=re.escape("install framewatch[open-clip]")):
        load_encoder(str(tmp_path), device="cpu")


@pytest.fixture
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantisation_images, "FIT_IMAGES", 6)
    monkeypatch.setattr(quantisation_images, "CHECK_IMAGES", 4)


def pictures() -> npt.NDArray[np.uint8]:
    """Scenes as the demo model's input."""
    images = [square(render(concept.name, 7).image, 80) for concept in CONCEPTS]
    return np.ascontiguousarray(np.stack(images)[..., ::-1].transpose(0, 3, 1, 2))


def cosines(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.asarray(np.sum(one * other, axis=1))


@pytest.mark.parametrize(("dtype", "least"), [("float32", 0.99999), ("bfloat16", 0.999)])
def test_openvino_gives_the_vectors_of_torch(dtype: str, least: float) -> None:
    pytest.importorskip("openvino")
    inputs = pictures()
    exact = load_encoder("demo", device="cpu", dtype="float32", engine="torch").images.encode(inputs)
    encoder = load_encoder("demo", engine="openvino", device="cpu", dtype=dtype)
    assert (encoder.info.engine, encoder.info.dtype) == ("openvino", dtype)
    assert cosines(exact, encoder.images.encode(inputs)).min() > least
    assert cosines(exact[:1], encoder.images.encode(inputs[:1])).min() > least
    # pictures differ from each other far more than the engines do
    assert cosines(exact[:-1], exact[1:]).min() < 0.9


@pytest.mark.usefixtures("few_images")
def test_int8_that_changes_the_model_too_much_is_refused_and_that_is_remembered(tmp_path: Path) -> None:
    pytest.importorskip("nncf")
    for _ in range(2):
        encoder = load_encoder("demo", dtype="int8", device="cpu", cache=tmp_path)
        assert encoder.info.dtype == "bfloat16"
        assert "needed 0.999, with rendered scenes" in encoder.refusal
    (refused,) = (tmp_path / "openvino").glob("[!.]*")
    assert refused.suffix == ".refused"


@pytest.mark.usefixtures("few_images")
def test_int8_is_made_once_and_without_progress_bars(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("nncf")
    from framewatch_server.vision.towers.openvino import int8

    monkeypatch.setattr(int8, "LEAST_COSINE", 0.9)
    first = load_encoder("demo", dtype="int8", device="cpu", cache=tmp_path)
    monkeypatch.setattr(int8, "_quantise", None)
    second = load_encoder("demo", dtype="int8", device="cpu", cache=tmp_path)
    assert first.info.dtype == second.info.dtype == "int8"
    inputs = pictures()
    assert cosines(first.images.encode(inputs), second.images.encode(inputs)).min() > 0.9999
    printed = capfd.readouterr()
    assert "100%" not in printed.out + printed.err


@pytest.mark.usefixtures("few_images")
def test_int8_is_made_again_with_the_images_of_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nncf")
    from framewatch_server.vision.towers.openvino import int8

    monkeypatch.setattr(quantisation_images, "LEAST_IMAGES", 8)
    monkeypatch.setattr(int8, "LEAST_COSINE", 1.1)
    folder = write_pictures(tmp_path / "pictures", 10)
    cache = tmp_path / "cache" / "openvino"
    for picture_count, refused_count in ((10, 1), (10, 1), (9, 2)):
        for path in sorted(folder.iterdir())[picture_count:]:
            path.unlink()
        load_encoder("demo", dtype="int8", device="cpu", cache=cache.parent, quantisation_images_dir=folder)
        refused = list(cache.glob("*.refused"))
        assert len(refused) == refused_count
        assert all(f"with {folder}" in path.read_text() for path in refused)


@pytest.mark.parametrize(("dtype", "message"), [("bfloat16", "add --dtype int8"), ("int8", "at least")])
def test_a_folder_that_is_of_no_use_is_refused(tmp_path: Path, dtype: str, message: str) -> None:
    pytest.importorskip("nncf")
    with pytest.raises(ModelLoadError, match=message):
        load_encoder("demo", dtype=dtype, device="cpu", quantisation_images_dir=tmp_path)


def test_other_weights_have_another_fingerprint() -> None:
    pytest.importorskip("nncf")
    from framewatch_server.vision.towers.openvino.int8 import fingerprint

    clip, again = (load_encoder("demo", device="cpu", dtype="float32", engine="torch") for _ in range(2))
    scenes = rendered_images(clip.preprocess)
    assert isinstance(clip.images, TorchImageTower)
    assert isinstance(again.images, TorchImageTower)
    before = fingerprint(clip.images.module, scenes)
    assert before == fingerprint(again.images.module, scenes)
    with torch.no_grad():
        clip.images.module._model.visual_projection.weight[0, 0] += 1
    assert fingerprint(clip.images.module, scenes) != before
