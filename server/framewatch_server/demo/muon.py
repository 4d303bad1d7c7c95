"""Muon, an optimizer for the matrices inside a transformer, with which it learns from about half as many pictures.

Source: K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
kellerjordan.github.io/posts/muon.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

_QUINTIC = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5


class Muon(torch.optim.Optimizer):
    """Steps along the momentum with all its singular values made about equal."""

    def __init__(self, parameters: Iterable[Tensor], lr: float, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Updates every matrix that has a gradient; `closure` is not used."""
        del closure
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is not None:
                    direction = orthogonalise(self._momentum(matrix, matrix.grad, group["momentum"]))
                    tallness = max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5
                    matrix.add_(direction, alpha=-group["lr"] * tallness)

    def _momentum(self, matrix: Tensor, gradient: Tensor, momentum: float) -> Tensor:
        """Nesterov's look-ahead of the running mean of the gradients."""
        average: Tensor = self.state[matrix].setdefault("average", torch.zeros_like(matrix))
        average.lerp_(gradient, 1 - momentum)
        return gradient.lerp(average, momentum)


def orthogonalise(matrix: Tensor) -> Tensor:
    """The matrix with its singular values brought to about 0.7 to 1.2, by Newton-Schulz iterations."""
    tall = matrix.shape[0] > matrix.shape[1]
    wide: Tensor = matrix.T if tall else matrix
    wide = wide / (wide.norm() + 1e-7)
    first, third, fifth = _QUINTIC
    for _ in range(_ITERATIONS):
        gram = wide @ wide.T
        wide = first * wide + (third * gram + fifth * gram @ gram) @ wide
    return wide.T if tall else wide
