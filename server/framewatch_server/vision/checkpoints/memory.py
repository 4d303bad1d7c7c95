"""Memory that a model needs and that is free, compared before the model is loaded.

Measured with random weights of ViT-B/32 and ViT-L/14, warmed with batches of 16: resident memory beyond that of the
libraries, in bytes per weight of the image tower and of everything else. torch: 4 and 4 in float32, 2 and 2 in
bfloat16. OpenVINO, beside which torch keeps the text tower: up to 12 and 4 in float32, up to 10 and 4 in bfloat16 and
int8. OpenCLIP's models are built in float32 first, and convolutional towers (MobileCLIP2-S0) need more for the
pictures that are being computed.
"""

from __future__ import annotations

from pathlib import Path

import psutil
import torch

from framewatch_core.errors import ModelLoadError
from framewatch_server.vision.checkpoints.families import OPEN_CLIP
from framewatch_server.vision.checkpoints.weights import WeightCounts

_CGROUP = Path("/sys/fs/cgroup")
_NO_LIMIT = 2**63
_WORKING_BYTES = {"cpu": 128 * 2**20, "cuda": 2**30}  # of a batch that is being computed
_TORCH_BYTES = {"float32": (4, 4), "bfloat16": (2, 2), "float16": (2, 2)}
_OPEN_CLIP_TORCH_BYTES = {"float32": (4, 4), "bfloat16": (6, 6), "float16": (6, 6)}
_OPEN_CLIP_WORKING = 3
_OPENVINO_BYTES = {"float32": (12, 4), "bfloat16": (10, 4), "int8": (10, 4)}


class ModelTooLarge(ModelLoadError):
    """A model does not fit into the free memory."""

    reason = "MODEL_TOO_LARGE"


def needed_bytes(counts: WeightCounts, engine: str, dtype: str, device: str, family: str) -> int:
    """Returns the bytes of memory that a model takes once it is loaded and warm.

    Args:
        counts: of its weights.
        engine: torch or openvino.
        dtype: that it computes in.
        device: the device's type, cpu or cuda.
        family: of the model.

    """
    torch_bytes = _OPEN_CLIP_TORCH_BYTES if family == OPEN_CLIP else _TORCH_BYTES
    each_image, each_text = (_OPENVINO_BYTES if engine == "openvino" else torch_bytes)[dtype]
    working = _WORKING_BYTES.get(device, _WORKING_BYTES["cuda"]) * (_OPEN_CLIP_WORKING if family == OPEN_CLIP else 1)
    return each_image * counts.images + each_text * counts.texts + working


def free_bytes(device: torch.device) -> int:
    """Returns the free bytes on a device; for the CPU, also within the container's limit."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return min(psutil.virtual_memory().available, container_free_bytes(_CGROUP))


def container_free_bytes(cgroup: Path) -> int:
    """Returns the free bytes in a control group (version 2), reclaimable cache included; 2**63 without a limit."""
    try:
        limit = (cgroup / "memory.max").read_text().strip()
        used = int((cgroup / "memory.current").read_text())
        stat = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
    except OSError:
        return _NO_LIMIT  # not in a container, or in one of version 1
    if limit == "max":
        return _NO_LIMIT
    return int(limit) - used + int(stat.get("inactive_file", 0)) + int(stat.get("active_file", 0))


def check_fits(name: str, needed: int, free: int, where: str) -> None:
    """Raises ModelTooLarge, with figures, if a model needs more bytes than are free."""
    if needed > free:
        raise ModelTooLarge(
            f"the model {name!r} needs about {_gib(needed)} of memory, and {_gib(free)} are free on {where}: leave "
            "another --model out, take a smaller one or a smaller --dtype, or give the machine or container more",
            needed_bytes=str(needed),
            free_bytes=str(free),
        )


def _gib(count: int) -> str:
    return f"{count / 2**30:,.1f} GiB"
