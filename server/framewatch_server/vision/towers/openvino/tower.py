"""An image tower that OpenVINO runs on the CPU."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import openvino
import torch
from transformers.utils import logging as transformers_logging

from framewatch_core.arrays import Float32Array
from framewatch_server.vision.towers.encoder import BlockingImageTower
from framewatch_server.vision.towers.image_module import ImageModule

_PRECISIONS = {"float32": "f32", "bfloat16": "bf16", "int8": "bf16"}  # int8: for the rest of the tower


class OpenVinoImageTower(BlockingImageTower):
    """A model's image tower, compiled by OpenVINO; see `ImageTower`.

    Attributes:
        dtype: of the computation: float32, bfloat16 or int8.

    """

    def __init__(self, model: openvino.Model, image_size: tuple[int, int], dtype: str) -> None:
        """Compiles a model from uint8 pixels `[n, 3, height, width]` to vectors `[n, vector_size]`."""
        self.image_size = image_size
        self.dtype = dtype
        settings = {"INFERENCE_PRECISION_HINT": _PRECISIONS[dtype], "PERFORMANCE_HINT": "LATENCY"}
        self._request = openvino.Core().compile_model(model, "CPU", settings).create_infer_request()

    def encode(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        """Returns vectors `[n, vector_size]` of RGB inputs `[n, 3, height, width]`."""
        # a copy: the next batch is written over the output
        return np.array(self._request.infer({0: pixels}, share_inputs=True)[0], np.float32)


def convert(module: ImageModule, image_size: tuple[int, int]) -> openvino.Model:
    """Converts a module in float32 on the CPU; the model takes batches of any size."""
    height, width = image_size
    example = torch.zeros(2, 3, height, width, dtype=torch.uint8)
    with torch.no_grad(), _quiet_transformers(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing: the sizes are fixed, as they should be
        model = openvino.convert_model(module, example_input=example)
    model.reshape([-1, 3, height, width])
    return model


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    verbosity = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
