"""Loading: from a model's name to its encoder."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import platformdirs
import torch

from framewatch_core.errors import ModelLoadError
from framewatch_server.library_output import python_output_on_stderr
from framewatch_server.vision.checkpoints.families import OPEN_CLIP, family_of
from framewatch_server.vision.checkpoints.files import EXPECTED_FILES, family, is_transformers, missing_files
from framewatch_server.vision.checkpoints.find import find_checkpoint
from framewatch_server.vision.checkpoints.hub.progress import LoggedProgress
from framewatch_server.vision.checkpoints.memory import ModelTooLarge, check_fits, free_bytes, needed_bytes
from framewatch_server.vision.checkpoints.source import Checkpoint, ModelSource, SourceKind
from framewatch_server.vision.checkpoints.torch_model import TorchModel
from framewatch_server.vision.checkpoints.transformers_loader import load_transformers
from framewatch_server.vision.checkpoints.weights import count_weights, weights_digest
from framewatch_server.vision.error_text import first_line, one_line
from framewatch_server.vision.towers.cuda.backend import CudaBackend
from framewatch_server.vision.towers.cuda.tower import CudaImageTower
from framewatch_server.vision.towers.devices import INT8, OPENVINO, Placement, choose_placement
from framewatch_server.vision.towers.encoder import Encoder, ImageTower, ModelInfo
from framewatch_server.vision.towers.image_module import ImageModule
from framewatch_server.vision.towers.null import null_encoder
from framewatch_server.vision.towers.quantisation_images import QuantisationImages, folder_images, rendered_images
from framewatch_server.vision.towers.torch_images import TorchImageTower
from framewatch_server.vision.towers.torch_texts import TorchTextTower


@python_output_on_stderr()
def load_encoder(
    name: str,
    *,
    device: str = "auto",
    dtype: str = "auto",
    engine: str = "auto",
    cache: Path | None = None,
    quantisation_images_dir: Path | None = None,
    offline: bool = False,
) -> Encoder:
    """Loads a model.

    Args:
        name: `[NAME=]WHERE[@REVISION]`, see `ModelSource`: a hub id, a folder with a checkpoint (safetensors), `demo`,
            or `null`, a model that computes nothing.
        device: `auto` (CUDA when there, else CPU) or torch's name of one.
        dtype: `auto` (bfloat16 where the processor has it, else float32), float32, bfloat16, float16; or int8, with
            OpenVINO only.
        engine: torch, openvino, or auto: OpenVINO where it is installed and the device is a CPU, else torch.
        cache: folder for models in int8, which take a while to make; the user's cache folder unless given.
        quantisation_images_dir: folder of images that int8 is made with; rendered scenes unless given.
        offline: never use the network.

    Raises:
        ModelLoadError: with what failed and how to go on.

    """
    source = ModelSource.parse(name)
    if source.kind is SourceKind.NULL:
        return null_encoder(source.name)
    if quantisation_images_dir is not None and dtype != INT8:
        raise ModelLoadError("quantisation images are for int8: add --dtype int8, or leave --quantisation-images out")
    checkpoint = find_checkpoint(source, offline=offline, progress=LoggedProgress())
    _require_complete(checkpoint)
    placement = choose_placement(device, dtype, engine)
    memory_bytes = _require_memory(checkpoint, placement)
    digest = weights_digest(checkpoint.folder)
    loaded = _load(checkpoint, placement)
    images = _image_tower(loaded, placement, quantisation_images_dir, cache)
    info = ModelInfo(
        name=source.name,
        family=family(checkpoint.folder),
        image_size=loaded.preprocess.output_size,
        dimension=loaded.dimension,
        feature_dimension=loaded.feature_dimension,
        device=str(placement.device),
        dtype=images.dtype,
        engine=placement.engine,
        is_demo=source.kind is SourceKind.DEMO,
        max_text_tokens=loaded.reader.max_tokens,
        revision=checkpoint.commit,
        weights_digest=digest,
        memory_bytes=memory_bytes,
    )
    texts = TorchTextTower(loaded.model, loaded.reader, placement.device)
    return Encoder(info, loaded.preprocess, loaded.head, images.tower, texts, images.refusal)


class _Images(NamedTuple):
    """An image tower, the dtype that it came to run in, and the reason if that isn't the int8 that was asked for."""

    tower: ImageTower
    dtype: str
    refusal: str = ""


def _require_complete(checkpoint: Checkpoint) -> None:
    """Raises ModelLoadError if the checkpoint can't be served, or lacks files."""
    folder = checkpoint.folder
    if is_transformers(folder):
        family_of(family(folder), checkpoint.source.name)  # another family may need other files
    if missing := missing_files(folder):
        raise ModelLoadError(f"the folder {str(folder)!r} lacks {', '.join(missing)}: expected {EXPECTED_FILES}")


def _require_memory(checkpoint: Checkpoint, placement: Placement) -> int:
    """Returns the bytes that a model will need. Raises ModelTooLarge if they are not free."""
    kind = family(checkpoint.folder)
    counts = count_weights(checkpoint.folder)
    needed = needed_bytes(counts, placement.engine, placement.dtype, placement.device.type, kind)
    check_fits(checkpoint.source.name, needed, free_bytes(placement.device), str(placement.device))
    return needed


def _load(checkpoint: Checkpoint, placement: Placement) -> TorchModel:
    """Loads a checkpoint, and states every failure of the libraries in one error."""
    folder, name = checkpoint.folder, checkpoint.source.name
    try:
        if family(folder) == OPEN_CLIP:
            return _load_open_clip(folder, name, placement)
        return load_transformers(folder, name, placement.device, placement.torch_dtype)
    except ModelLoadError:
        raise
    except torch.OutOfMemoryError as error:
        raise ModelTooLarge(
            f"the model {name!r} did not fit into the memory of {placement.device} ({first_line(error)}): take a "
            "smaller one or a smaller --dtype, or leave another --model out"
        ) from error
    except Exception as error:
        # files can be broken in any way, and the libraries that read them raise as many errors, and assert
        raise ModelLoadError(
            f"the checkpoint in {str(folder)!r} can't be loaded ({type(error).__name__}: {one_line(error)}): its "
            "configuration and its weights must be those of one model, from one revision; download them again "
            "(`framewatch-server models verify` checks a model from the hub)"
        ) from error


def _load_open_clip(folder: Path, name: str, placement: Placement) -> TorchModel:
    if find_spec("open_clip") is None:
        raise ModelLoadError(
            f"the model {name!r} is in OpenCLIP's format, and open_clip is not installed: install "
            "framewatch[open-clip], or take the model in transformers' format"
        )
    try:
        from framewatch_server.vision.checkpoints.open_clip_loader import load_open_clip  # noqa: PLC0415 an extra
    except ImportError as error:
        raise ModelLoadError(
            f"open_clip is installed and can't be imported ({first_line(error)}): install framewatch[open-clip] again, "
            "with all packages that it needs"
        ) from error
    return load_open_clip(folder, placement.device, placement.torch_dtype)


def _image_tower(
    loaded: TorchModel, placement: Placement, quantisation_images_dir: Path | None, cache: Path | None
) -> _Images:
    """Returns the image tower of the placement's engine and device."""
    spec, device = loaded.preprocess, placement.device
    module = ImageModule(loaded.model, spec, loaded.class_tokens, device)
    if placement.engine == OPENVINO:
        images = folder_images(quantisation_images_dir, spec) if quantisation_images_dir else rendered_images(spec)
        folder = (cache or platformdirs.user_cache_path("framewatch")) / "openvino"
        return _openvino_tower(module, loaded, placement.dtype, images, folder)
    vector_size = loaded.dimension + loaded.feature_dimension
    return _Images(_torch_tower(module, spec.output_size, vector_size, device), placement.dtype)


def _torch_tower(
    module: ImageModule, image_size: tuple[int, int], vector_size: int, device: torch.device
) -> ImageTower:
    if device.type == "cuda":
        return CudaImageTower(module, image_size, vector_size, CudaBackend(device))
    return TorchImageTower(module, image_size, device)


def _openvino_tower(
    module: ImageModule, loaded: TorchModel, dtype: str, images: QuantisationImages, cache: Path
) -> _Images:
    from framewatch_server.vision.towers.openvino.tower import OpenVinoImageTower, convert  # noqa: PLC0415 an extra

    image_size = loaded.preprocess.output_size
    if dtype != INT8:
        return _Images(OpenVinoImageTower(convert(module, image_size), image_size, dtype), dtype)
    from framewatch_server.vision.towers.openvino.int8 import int8_tower  # noqa: PLC0415 an extra

    tower, refusal = int8_tower(module, image_size, loaded.dimension, images, cache)
    return _Images(tower, tower.dtype, refusal)
