"""int8: made once of a model's image tower, checked against float32, and kept if it is close enough."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nncf
import numpy as np
import numpy.typing as npt
import openvino
import rich
import structlog

from framewatch_server.vision.towers.encoder import ImageTower
from framewatch_server.vision.towers.image_module import ImageModule
from framewatch_server.vision.towers.openvino.tower import OpenVinoImageTower, convert
from framewatch_server.vision.towers.quantisation_images import LEAST_COSINE, QuantisationImages

nncf.set_log_level(logging.ERROR)  # it sets its own level when it is imported

# Counts up when the tower computes something else from the same weights, so that none is taken from the cache.
_TOWER_VERSION = 2

_log = structlog.get_logger()


def int8_tower(
    module: ImageModule, image_size: tuple[int, int], dimension: int, images: QuantisationImages, cache: Path
) -> tuple[OpenVinoImageTower, str]:
    """Returns a model's image tower in int8, or, if int8 loses too much, in bfloat16 with the reason for it.

    The log has the reason as well.

    Args:
        module: in float32, on the CPU.
        image_size: height and width of the input, in pixels.
        dimension: of the embeddings, which are compared.
        images: for the ranges of int8, and for the check.
        cache: folder that keeps towers in int8, which take a minute to make.

    """
    model = convert(module, image_size)
    path = cache / f"{fingerprint(module, images)}.xml"
    refused = path.with_suffix(".refused")
    if refused.exists():
        _log.warning("int8 would change this model's embeddings too much: bfloat16 instead", known_from=str(refused))
        return OpenVinoImageTower(model, image_size, "bfloat16"), refused.read_text().strip()
    quantised = openvino.Core().read_model(path) if path.exists() else _quantise(model, images)
    tower = OpenVinoImageTower(quantised, image_size, "int8")
    exact = OpenVinoImageTower(model, image_size, "float32")
    cosine = mean_cosine(tower, exact, images.check(), dimension)
    if cosine < LEAST_COSINE:
        _log.warning(
            "int8 would change this model's embeddings too much: bfloat16 instead",
            cosine=round(cosine, 5),
            needed=LEAST_COSINE,
            images=images.source,
        )
        cache.mkdir(parents=True, exist_ok=True)
        refusal = f"cosine {cosine:.5f}, needed {LEAST_COSINE}, with {images.source}"
        refused.write_text(f"{refusal}\n")
        return OpenVinoImageTower(model, image_size, "bfloat16"), refusal
    _log.info("int8 accepted", cosine=round(cosine, 5), needed=LEAST_COSINE, cached=path.exists())
    if not path.exists():
        _save(quantised, path)
    return tower, ""


def fingerprint(module: ImageModule, images: QuantisationImages) -> str:
    """Identifies an int8 tower by its weights and by the images and libraries that make it: 32 hexadecimal digits."""
    made_with = f"{openvino.__version__} {nncf.__version__} {images.key} {_TOWER_VERSION}"
    digest = hashlib.blake2b(made_with.encode(), digest_size=16)
    for name, weight in module.weights().items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(weight).data)
    return digest.hexdigest()


def mean_cosine(tower: ImageTower, exact: ImageTower, pixels: npt.NDArray[np.uint8], dimension: int) -> float:
    """Returns the mean cosine between two towers' embeddings of the same inputs `[n, 3, height, width]`."""
    embedding = slice(dimension)
    cosines = [
        float(tower.encode(part)[0, embedding] @ exact.encode(part)[0, embedding])
        for part in np.split(pixels, len(pixels))
    ]
    return float(np.mean(cosines))


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """Silences rich's global console, which nncf draws its bars on: it is standard output, and nncf has no switch."""
    console = rich.get_console()
    was_quiet, console.quiet = console.quiet, True
    try:
        yield
    finally:
        console.quiet = was_quiet


def _quantise(model: openvino.Model, images: QuantisationImages) -> openvino.Model:
    inputs = images.fit()
    count = len(inputs)
    _log.info("making int8 of the model", images=images.source, count=count)
    dataset = nncf.Dataset(np.split(inputs, count))
    with _no_progress_bars():
        quantised: openvino.Model = nncf.quantize(
            model, dataset, model_type=nncf.ModelType.TRANSFORMER, subset_size=count
        )
    return quantised


def _save(model: openvino.Model, path: Path) -> None:
    """Writes a model whole or not at all: the .xml, whose presence marks it as complete, comes last."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial: Any = path.with_name(f".{path.stem}.partial.xml")
    openvino.save_model(model, partial, compress_to_fp16=False)
    partial.with_suffix(".bin").replace(path.with_suffix(".bin"))
    partial.replace(path)
