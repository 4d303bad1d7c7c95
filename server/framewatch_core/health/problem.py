"""What can be wrong with a picture."""

from __future__ import annotations

from enum import Enum, auto


class HealthProblem(Enum):
    """What can be wrong with a picture; see `HealthProblem` in the .proto."""

    BLACK = auto()
    OVEREXPOSED = auto()
    FROZEN = auto()
    BLURRED = auto()
    COVERED = auto()
    SCENE_CHANGED = auto()
