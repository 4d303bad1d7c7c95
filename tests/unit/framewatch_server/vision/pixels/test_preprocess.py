"""Preprocessing against transformers' own image processor, pixel by pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from framewatch_core.errors import ModelLoadError
from framewatch_server.vision.pixels.preprocess import PreprocessSpec, prepare
from tests.unit.framewatch_server.vision.pixels.test_decode import smooth

PROCESSORS: dict[str, dict[str, Any]] = {
    "CLIP": {},
    "CLIP at 336": {"size": {"shortest_edge": 336}, "crop_size": {"height": 336, "width": 336}},
    "square without crop": {"size": {"height": 96, "width": 96}, "do_center_crop": False},
    "crop larger than the resized picture": {"size": {"shortest_edge": 50}},
    "bilinear, other statistics": {"resample": 2, "image_mean": [0.5] * 3, "image_std": [0.25] * 3},
    "not normalised": {"do_normalize": False},
}


def normalised(pixels: npt.NDArray[np.uint8], spec: PreprocessSpec) -> npt.NDArray[np.float64]:
    mean, std = (np.array(values)[:, None, None] for values in (spec.mean, spec.std))
    return (pixels * spec.rescale - mean) / std


@pytest.mark.parametrize("name", PROCESSORS)
@pytest.mark.parametrize(
    "size", [(640, 480), (480, 640), (231, 229), (100, 80), (1, 1), (1000, 3), (1921, 1081)], ids=str
)
def test_inputs_are_the_processors_own(name: str, size: tuple[int, int]) -> None:
    processor = CLIPImageProcessorPil(**PROCESSORS[name])
    spec = PreprocessSpec.from_processor(processor.to_dict())
    pixels = smooth(*size)
    reference = processor(images=[Image.fromarray(pixels)], return_tensors="np")["pixel_values"][0]
    ours = normalised(prepare(pixels, spec, exact=True), spec)
    assert ours.shape == reference.shape
    levels = np.abs(ours - reference) / (spec.rescale / max(spec.std))
    assert levels.max() <= 2.5, "two of 255 levels at most, from rounding in each direction"
    assert levels.mean() <= 0.05


@pytest.mark.parametrize("name", PROCESSORS)
@pytest.mark.parametrize(
    "size", [(640, 480), (480, 640), (231, 229), (100, 80), (1, 1), (1000, 3), (3, 1000), (1921, 1081)], ids=str
)
@pytest.mark.parametrize("read_only", [False, True], ids=["writeable", "read-only"])
def test_the_quick_way_is_hardly_another(name: str, size: tuple[int, int], read_only: bool) -> None:
    spec = PreprocessSpec.from_processor(CLIPImageProcessorPil(**PROCESSORS[name]).to_dict())
    pixels = smooth(*size)
    pixels.flags.writeable = not read_only
    quick, exact = (prepare(pixels, spec, exact=e).astype(int) for e in (False, True))
    levels = np.abs(quick - exact)
    assert levels.max() <= 2, "of 255"
    assert levels.mean() <= 0.1


def test_the_quick_way_is_close_on_pure_noise() -> None:
    spec = PreprocessSpec.from_processor(CLIPImageProcessorPil().to_dict())
    pixels = np.random.default_rng(0).integers(0, 256, (2500, 3000, 3), dtype=np.uint8)
    quick, exact = (prepare(pixels, spec, exact=e).astype(int) for e in (False, True))
    assert np.abs(quick - exact).max() <= 2
    assert not np.array_equal(quick, exact), "it is another way"


def test_the_filters_that_torch_lacks_are_pillows() -> None:
    spec = PreprocessSpec.from_processor(CLIPImageProcessorPil(resample=Image.Resampling.LANCZOS).to_dict())
    quick, exact = (prepare(smooth(640, 480), spec, exact=e) for e in (False, True))
    assert np.array_equal(quick, exact)


@pytest.mark.parametrize(
    "config",
    [
        pytest.param({"do_pad": True}, id="pads"),
        pytest.param({"size": {"longest_edge": 100}}, id="longest edge"),
        pytest.param({"size": {"shortest_edge": 100}, "do_center_crop": False}, id="varying size"),
    ],
)
def test_processors_that_are_not_known_are_refused(config: dict[str, Any]) -> None:
    whole = {"size": {"height": 9, "width": 9}, "image_mean": [0] * 3, "image_std": [1] * 3, **config}
    with pytest.raises(ModelLoadError):
        _ = PreprocessSpec.from_processor(whole).output_size


OPEN_CLIP = {
    "size": (224, 224),
    "mean": [0.48] * 3,
    "std": [0.27] * 3,
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}


@pytest.mark.parametrize(
    ("config", "resize", "crop", "resample"),
    [
        pytest.param({}, 224, (224, 224), 3, id="shortest"),
        pytest.param({"size": 64, "interpolation": "bilinear"}, 64, (64, 64), 2, id="one number, bilinear"),
        pytest.param({"resize_mode": "squash", "interpolation": "random"}, (224, 224), None, 3, id="squash"),
        pytest.param({"resize_mode": "squash", "size": [96, 192]}, (96, 192), None, 3, id="oblong"),
    ],
)
def test_open_clips_preprocessing_is_read(config: dict[str, Any], resize: Any, crop: Any, resample: int) -> None:
    spec = PreprocessSpec.from_open_clip(OPEN_CLIP | config)
    assert (spec.resize, spec.crop, spec.resample) == (resize, crop, resample)
    assert (spec.mean, spec.std, spec.rescale) == ((0.48,) * 3, (0.27,) * 3, 1 / 255)


@pytest.mark.parametrize(
    "config",
    [
        pytest.param({"resize_mode": "longest"}, id="longest"),
        pytest.param({"size": (96, 192)}, id="oblong without squash"),
    ],
)
def test_open_clips_preprocessing_that_is_not_supported_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ModelLoadError, match="isn't supported: expected the resize_mode 'squash'"):
        PreprocessSpec.from_open_clip(OPEN_CLIP | config)


@pytest.mark.parametrize(("width", "transformers", "torchvision"), [(7, 1, 2), (9, 2, 2), (11, 3, 4), (6, 1, 1)])
def test_half_a_pixel_is_rounded_as_the_reference_does(width: int, transformers: int, torchvision: int) -> None:
    pixels = np.broadcast_to(np.arange(width, dtype=np.uint8)[None, :, None], (4, width, 3))
    for as_torchvision, first in ((False, transformers), (True, torchvision)):
        spec = PreprocessSpec(4, (4, 4), 3, (0.0,) * 3, (1.0,) * 3, crops_as_torchvision=as_torchvision)
        assert prepare(pixels, spec, exact=True)[0, 0].tolist() == list(range(first, first + 4))
