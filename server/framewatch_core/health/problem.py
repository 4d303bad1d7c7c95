"""Problems that a picture can have."""

from __future__ import annotations

from enum import Enum, auto


class HealthProblem(Enum):
    """Problem of a picture; see `HealthProblem` in the .proto."""

    BLACK = auto()
    OVEREXPOSED = auto()
    FROZEN = auto()
    BLURRED = auto()
    COVERED = auto()
    SCENE_CHANGED = auto()
