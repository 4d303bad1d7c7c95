"""CUDA graphs of the image tower. A graph takes a batch of one size only: batches are padded to the next size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import structlog
import torch

from framewatch_server.vision.error_text import first_line
from framewatch_server.vision.towers.cuda.backend import Backend, Work

Module: TypeAlias = Callable[[torch.Tensor], torch.Tensor]

_WARM_UPS = 3
"""Runs before a capture, as in torch's own make_graphed_callables: libraries set themselves up in the first."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Graphs:
    """Graphs for batches of several sizes, which share their input and output.

    Attributes:
        sizes: of the batches, ascending.
        pixels: the input, uint8 `[largest size, 3, height, width]`.
        vectors: the output, float32 `[largest size, vector_size]`.
        by_size: the functions that run the graphs; a size whose graph could not be captured is missing.

    """

    sizes: tuple[int, ...]
    pixels: torch.Tensor
    vectors: torch.Tensor
    by_size: dict[int, Work]

    def find(self, count: int) -> Work | None:
        """Returns the graph of the smallest size that so many inputs fit into; None: there is none."""
        if count > self.sizes[-1]:
            return None
        return self.by_size.get(next(size for size in self.sizes if size >= count))


def batch_sizes(max_batch_size: int) -> tuple[int, ...]:
    """Returns the powers of two below the largest batch, and the largest batch; ascending."""
    return (*(2**i for i in range((max_batch_size - 1).bit_length())), max_batch_size)


def capture_graphs(
    module: Module, backend: Backend, sizes: tuple[int, ...], input_shape: tuple[int, ...], vector_size: int
) -> Graphs:
    """Captures a graph for each size; logs a warning with the sizes whose capture fails.

    Raises torch.OutOfMemoryError if the largest size does not fit.

    Args:
        module: the tower, from pixels to vectors on the device.
        backend: the device.
        sizes: ascending.
        input_shape: of one input.
        vector_size: of one vector.

    """
    graphs = Graphs(
        sizes=sizes,
        pixels=backend.empty(sizes[-1], *input_shape, dtype=torch.uint8),
        vectors=backend.empty(sizes[-1], vector_size, dtype=torch.float32),
        by_size={},
    )
    failed: dict[int, str] = {}
    # the largest first, so that the others find room in its memory
    for size in reversed(sizes):
        work = partial(_run, graphs.pixels[:size], graphs.vectors[:size], module)
        for _ in range(_WARM_UPS):
            backend.submit(backend.compute, work)
        try:
            graphs.by_size[size] = backend.capture(work)
        except RuntimeError as error:
            failed[size] = first_line(error)
    if failed:
        backend.reclaim()
        _log.warning(
            "CUDA graphs could not be captured: batches up to these sizes run without, which is slower",
            sizes=sorted(failed),
            error=next(iter(failed.values())),
        )
    return graphs


def _run(pixels: torch.Tensor, vectors: torch.Tensor, module: Module) -> None:
    vectors.copy_(module(pixels))
