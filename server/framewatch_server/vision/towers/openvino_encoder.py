"""An image tower through OpenVINO, which on CPUs is quicker than torch; texts stay with torch.

Only imported where the extra `openvino` is installed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rich
import structlog
import torch
from openvino_telemetry.utils import opt_in_checker
from transformers.utils import logging as transformers_logging

from framewatch_core.arrays import Float32Array
from framewatch_core.labels.scoring import ScoreHead
from framewatch_server.vision.pixels.preprocess import PreprocessSpec
from framewatch_server.vision.towers.calibration import LEAST_COSINE, Calibration
from framewatch_server.vision.towers.encoder import BlockingEncoder, ModelInfo
from framewatch_server.vision.towers.torch_encoder import TorchEncoder

# Importing openvino reports to its makers. A server in front of people's cameras reports to nobody.
opt_in_checker.OptInChecker.check = lambda *_, **__: opt_in_checker.ConsentCheckResult.DECLINED

import nncf  # noqa: E402
import openvino  # noqa: E402

nncf.set_log_level(logging.ERROR)  # it sets its own level when it is imported

_PRECISIONS = {"float32": "f32", "bfloat16": "bf16", "int8": "bf16"}  # int8: of what is not in int8

# Counts up when the tower computes something else from the same weights, so that none is taken from the cache.
_TOWER_VERSION = 2

_log = structlog.get_logger()


class OpenVinoEncoder(BlockingEncoder):
    """A checkpoint whose image tower OpenVINO runs; see `framewatch_server.vision.towers.encoder.Encoder`.

    Attributes:
        refusal: why it isn't int8, where that was asked for; else empty.

    """

    def __init__(self, exact: TorchEncoder, tower: openvino.Model, dtype: str, refusal: str = "") -> None:
        """Compiles a tower.

        Args:
            exact: the checkpoint in float32, on the CPU; it embeds the texts.
            tower: from uint8 pixels `[n, 3, height, width]` to vectors `[n, vector_size]`.
            dtype: float32, bfloat16 or int8.
            refusal: why it isn't int8, where that was asked for.

        """
        self.refusal = refusal
        self._exact = exact
        settings = {"INFERENCE_PRECISION_HINT": _PRECISIONS[dtype], "PERFORMANCE_HINT": "LATENCY"}
        self._request = openvino.Core().compile_model(tower, "CPU", settings).create_infer_request()
        self.info: ModelInfo = dataclasses.replace(exact.info, dtype=dtype, engine="openvino")

    @property
    def preprocess(self) -> PreprocessSpec:
        """How pictures become inputs."""
        return self._exact.preprocess

    @property
    def head(self) -> ScoreHead:
        """How cosines become probabilities."""
        return self._exact.head

    def encode_images(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        """Vectors `[n, vector_size]` of RGB inputs `[n, 3, height, width]`."""
        # a copy: the next batch is written over the output
        return np.array(self._request.infer({0: pixels}, share_inputs=True)[0], np.float32)

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """L2-normalised embeddings `[n, dimension]`; texts longer than the model's context are cut off."""
        return self._exact.encode_texts(texts)

    def cut_off(self, texts: Sequence[str]) -> frozenset[str]:
        """Those of the texts that are longer than the model's context."""
        return self._exact.cut_off(texts)


def load_openvino(exact: TorchEncoder, dtype: str, calibration: Calibration, cache: Path) -> OpenVinoEncoder:
    """Brings a checkpoint's image tower to OpenVINO.

    Args:
        exact: the checkpoint in float32, on the CPU.
        dtype: float32, bfloat16 or int8. Where int8 loses too much, bfloat16 takes its place and the log says why.
        calibration: for int8.
        cache: folder that keeps towers in int8, which take a minute to make.

    """
    tower = _convert(exact)
    if dtype != "int8":
        return OpenVinoEncoder(exact, tower, dtype)
    path = cache / f"{fingerprint(exact, calibration)}.xml"
    refused = path.with_suffix(".refused")
    if refused.exists():
        _log.warning("int8 would change this model's embeddings too much: bfloat16 instead", known_from=str(refused))
        return OpenVinoEncoder(exact, tower, "bfloat16", refused.read_text().strip())
    quantised = openvino.Core().read_model(path) if path.exists() else _quantise(tower, calibration)
    encoder = OpenVinoEncoder(exact, quantised, "int8")
    cosine = mean_cosine(encoder, OpenVinoEncoder(exact, tower, "float32"), calibration.check())
    if cosine < LEAST_COSINE:
        _log.warning(
            "int8 would change this model's embeddings too much: bfloat16 instead",
            cosine=round(cosine, 5),
            needed=LEAST_COSINE,
            pictures=calibration.source,
        )
        cache.mkdir(parents=True, exist_ok=True)
        refusal = f"cosine {cosine:.5f}, needed {LEAST_COSINE}, with {calibration.source}"
        refused.write_text(f"{refusal}\n")
        return OpenVinoEncoder(exact, tower, "bfloat16", refusal)
    _log.info("int8 accepted", cosine=round(cosine, 5), needed=LEAST_COSINE, cached=path.exists())
    if not path.exists():
        _save(quantised, path)
    return encoder


def fingerprint(exact: TorchEncoder, calibration: Calibration) -> str:
    """Names a tower in int8 by its weights and by the pictures and libraries that make it: 32 hexadecimal digits."""
    made_with = f"{openvino.__version__} {nncf.__version__} {calibration.key} {_TOWER_VERSION}"
    digest = hashlib.blake2b(made_with.encode(), digest_size=16)
    for name, weight in exact.image_weights().items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(weight).data)
    return digest.hexdigest()


def mean_cosine(encoder: OpenVinoEncoder, exact: OpenVinoEncoder, pixels: npt.NDArray[np.uint8]) -> float:
    """Mean cosine between the embeddings that two encoders make of the same pictures `[n, 3, height, width]`."""
    embedding = slice(exact.info.dimension)
    cosines = [
        float(encoder.encode_images(part)[0, embedding] @ exact.encode_images(part)[0, embedding])
        for part in np.split(pixels, len(pixels))
    ]
    return float(np.mean(cosines))


def _convert(exact: TorchEncoder) -> openvino.Model:
    height, width = exact.info.image_size
    example = torch.zeros(2, 3, height, width, dtype=torch.uint8)
    with torch.no_grad(), _quiet_transformers(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing: the sizes are fixed, as they should be
        tower = openvino.convert_model(exact.image_module(), example_input=example)
    tower.reshape([-1, 3, height, width])
    return tower


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    verbosity = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """Nncf draws its bars on rich's global console, which is standard output, and has no switch for them."""
    console = rich.get_console()
    was_quiet, console.quiet = console.quiet, True
    try:
        yield
    finally:
        console.quiet = was_quiet


def _quantise(tower: openvino.Model, calibration: Calibration) -> openvino.Model:
    pictures = calibration.fit()
    count = len(pictures)
    _log.info("making int8 of the model", pictures=calibration.source, count=count)
    dataset = nncf.Dataset(np.split(pictures, count))
    with _no_progress_bars():
        quantised: openvino.Model = nncf.quantize(
            tower, dataset, model_type=nncf.ModelType.TRANSFORMER, subset_size=count
        )
    return quantised


def _save(model: openvino.Model, path: Path) -> None:
    """Writes a model whole or not at all: the .xml, which is looked for, comes last."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial: Any = path.with_name(f".{path.stem}.partial.xml")
    openvino.save_model(model, partial, compress_to_fp16=False)
    partial.with_suffix(".bin").replace(path.with_suffix(".bin"))
    partial.replace(path)
