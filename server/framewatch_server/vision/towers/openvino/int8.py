"""int8: made once of a model's image tower, checked against float32, and kept if it is close enough."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nncf
import numpy as np
import numpy.typing as npt
import openvino
import rich
import structlog

from framewatch_server.vision.error_text import first_line
from framewatch_server.vision.towers.encoder import ImageTower
from framewatch_server.vision.towers.image_module import ImageModule
from framewatch_server.vision.towers.openvino.kept import KeptTower
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
    making = _Making(convert(module, image_size), image_size, dimension, images)
    kept = KeptTower(cache, fingerprint(module, images))
    found = _kept(kept, making)
    if found is None:
        with kept.locked():
            # while this one waited for the lock, another server may have made it
            found = _kept(kept, making) or _made(kept, making)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Making:
    """All that a tower in int8 is made of and checked with; see `int8_tower`."""

    model: openvino.Model
    image_size: tuple[int, int]
    dimension: int
    images: QuantisationImages

    def tower(self, quantised: openvino.Model) -> tuple[OpenVinoImageTower, float]:
        """Returns the tower of a quantised model, and its mean cosine to float32."""
        tower = OpenVinoImageTower(quantised, self.image_size, "int8")
        exact = OpenVinoImageTower(self.model, self.image_size, "float32")
        return tower, mean_cosine(tower, exact, self.images.check(), self.dimension)

    def instead(self) -> OpenVinoImageTower:
        """Returns the tower in bfloat16, for a model that int8 changes too much."""
        return OpenVinoImageTower(self.model, self.image_size, "bfloat16")


def _kept(kept: KeptTower, making: _Making) -> tuple[OpenVinoImageTower, str] | None:
    """Returns the tower that is kept, or the kept reason with the one instead; None: nothing usable is kept."""
    if refusal := kept.refusal():
        _log.warning("int8 would change this model's embeddings too much: bfloat16 instead", known=refusal)
        return making.instead(), refusal
    if (quantised := kept.model()) is None:
        return None
    try:
        tower, cosine = making.tower(quantised)
    except (RuntimeError, ValueError) as error:
        _log.warning("the model kept in int8 does not run: making it anew", because=first_line(error))
        return None
    if not cosine >= LEAST_COSINE:
        _log.warning("the model kept in int8 is not the one that was made: making it anew", cosine=round(cosine, 5))
        return None
    _log.info("int8 accepted", cosine=round(cosine, 5), needed=LEAST_COSINE, cached=True)
    return tower, ""


def _made(kept: KeptTower, making: _Making) -> tuple[OpenVinoImageTower, str]:
    """Makes the tower and keeps it, or the reason why bfloat16 is taken instead."""
    quantised = _quantise(making.model, making.images)
    tower, cosine = making.tower(quantised)
    source = making.images.source
    if not cosine >= LEAST_COSINE:
        _log.warning(
            "int8 would change this model's embeddings too much: bfloat16 instead",
            cosine=round(cosine, 5),
            needed=LEAST_COSINE,
            images=source,
        )
        refusal = f"cosine {cosine:.5f}, needed {LEAST_COSINE}, with {source}"
        kept.keep_refusal(refusal)
        return making.instead(), refusal
    _log.info("int8 accepted", cosine=round(cosine, 5), needed=LEAST_COSINE, cached=False)
    kept.keep(quantised)
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
