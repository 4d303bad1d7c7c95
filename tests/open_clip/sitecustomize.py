"""Makes a torchvision that was built for CUDA importable beside the CPU build of torch.

Its compiled part can't be loaded there, and the rest can't be imported without the operators of that part. No test
here calls them. The Makefile copies this file beside torchvision only where it is needed.
"""

from __future__ import annotations

import torch

_operators = torch.library.Library("torchvision", "DEF")
for _name in ("nms", "qnms"):
    _operators.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
