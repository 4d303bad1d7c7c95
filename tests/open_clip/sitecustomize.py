"""Lets a torchvision that was built for CUDA be imported beside the CPU build of torch.

Its compiled part can't be loaded then, and without the operators of that part the rest refuses to be imported. Nothing
that is tested here calls them. The Makefile puts this beside torchvision only where it is needed.
"""

from __future__ import annotations

import torch

_operators = torch.library.Library("torchvision", "DEF")
for _name in ("nms", "qnms"):
    _operators.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
