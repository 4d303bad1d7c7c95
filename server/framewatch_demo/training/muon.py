"""Muon, an optimizer for the matrices inside a transformer, with which it learns from about half as many pictures.

Source: K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
kellerjordan.github.io/posts/muon.

torch.optim.Muon (torch 2.9 and later) has the same coefficients, momentum and learning-rate scaling, and its updates
differ from these by no more than bfloat16's rounding. It is not used because it always iterates in bfloat16 and takes
one matrix after the other. Measured with torch 2.13 on one thread, for the demo model's 36 matrices, per step:

| processor | torch.optim.Muon | this one | in |
| --- | --- | --- | --- |
| bfloat16 instructions (Zen 4) | 17 ms | 14 ms | bfloat16 |
| the same, limited to AVX-512 | 46 ms | 35 ms | float32 |
| the same, limited to AVX2 | 568 ms | 36 ms | float32 |

A whole training step takes about 0.2 s, so on a processor with AVX2 alone torch's would make training several times as
long.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

_QUINTIC = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_MOMENTUM = 0.95


class Muon(torch.optim.Optimizer):
    """An optimizer that steps along the momentum with all its singular values made about equal."""

    def __init__(self, parameters: Iterable[Tensor], lr: float, dtype: torch.dtype = torch.float32) -> None:
        """Prepares the optimizer.

        Args:
            parameters: matrices.
            lr: the learning rate; a matrix that is taller than wide gets sqrt(rows / columns) times as much.
            dtype: what the iteration computes in; the momentum keeps the parameters' dtype.

        """
        super().__init__(parameters, {"lr": lr})
        self._dtype = dtype

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Updates every matrix that has a gradient; `closure` is not used."""
        del closure
        for group in self.param_groups:
            # Many small products cost more in calls than in arithmetic, so matrices of one shape go together.
            alike: defaultdict[torch.Size, list[tuple[Tensor, Tensor]]] = defaultdict(list)
            for matrix in group["params"]:
                if matrix.grad is not None:
                    alike[matrix.shape].append((matrix, self._momentum(matrix, matrix.grad)))
            for shape, pairs in alike.items():
                directions = orthogonalise(torch.stack([momentum for _, momentum in pairs]).to(self._dtype))
                tallness = max(1.0, shape[0] / shape[1]) ** 0.5
                for (matrix, _), direction in zip(pairs, directions, strict=True):
                    matrix.add_(direction, alpha=-group["lr"] * tallness)

    def _momentum(self, matrix: Tensor, gradient: Tensor) -> Tensor:
        """Nesterov momentum: the running mean of the gradients, moved one step ahead."""
        average: Tensor = self.state[matrix].setdefault("average", torch.zeros_like(matrix))
        average.lerp_(gradient, 1 - _MOMENTUM)
        return gradient.lerp(average, _MOMENTUM)


def orthogonalise(matrices: Tensor) -> Tensor:
    """Brings the singular values of matrices, shape (N, rows, columns), to about 0.7 to 1.2, by Newton-Schulz."""
    tall = matrices.shape[1] > matrices.shape[2]
    wide: Tensor = matrices.mT if tall else matrices
    wide = wide / (wide.norm(dim=(1, 2), keepdim=True) + 1e-7)
    first, third, fifth = _QUINTIC
    for _ in range(_ITERATIONS):
        gram = wide @ wide.mT
        wide = first * wide + (third * gram + fifth * gram @ gram) @ wide
    return wide.mT if tall else wide
