"""The optimizer of the matrices inside the demo model."""

import pytest
import torch

from framewatch_demo.training.muon import Muon, orthogonalise


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 6, 20), (2, 20, 6)], ids=["square", "wide", "tall"])
def test_singular_values_become_about_one(shape: tuple[int, int, int]) -> None:
    torch.manual_seed(1)
    matrices = torch.randn(shape) * torch.tensor([0.01, 1.0, 100.0])[: shape[0], None, None]
    strengths = torch.linalg.svdvals(orthogonalise(matrices))
    assert float(strengths.min()) > 0.4
    assert float(strengths.max()) < 1.4


def test_matrices_of_one_shape_do_not_mix() -> None:
    torch.manual_seed(2)
    matrices = torch.randn(4, 5, 7)
    together = orthogonalise(matrices)
    alone = torch.cat([orthogonalise(matrix[None]) for matrix in matrices])
    assert torch.allclose(together, alone, atol=1e-5)


def test_it_finds_the_least_squares_solution() -> None:
    torch.manual_seed(3)
    inputs, wanted = torch.randn(64, 6), torch.randn(6, 4)
    found = torch.zeros(6, 4, requires_grad=True)
    idle = torch.ones(6, 4, requires_grad=True)
    optimizer = Muon([found, idle], lr=0.05)
    losses = []
    for step in range(200):
        optimizer.param_groups[0]["lr"] = 0.05 * (1 - step / 200)
        loss = (inputs @ (found - wanted)).square().mean()
        (found.grad,) = torch.autograd.grad(loss, [found])
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.01 * losses[0]
    assert bool((idle == 1).all())


def test_its_updates_are_those_of_torch() -> None:
    generator = torch.Generator().manual_seed(4)
    shapes = [(32, 32), (32, 32), (48, 16), (16, 48)]
    begin = [torch.randn(shape, generator=generator) for shape in shapes]
    gradients = [[torch.randn(shape, generator=generator) for shape in shapes] for _ in range(5)]
    ours, theirs = ([matrix.clone().requires_grad_() for matrix in begin] for _ in range(2))
    optimizers = [(ours, Muon(ours, lr=0.02)), (theirs, torch.optim.Muon(theirs, lr=0.02, weight_decay=0.0))]
    for step in gradients:
        for matrices, optimizer in optimizers:
            for matrix, gradient in zip(matrices, step, strict=True):
                matrix.grad = gradient.clone()
            optimizer.step()
    for start, one, other in zip(begin, ours, theirs, strict=True):
        # torch's iterates in bfloat16
        assert float((one - other).detach().norm()) < 0.02 * float((one - start).detach().norm())
