"""Whether a picture shows anything that rules can go by."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from framewatch_core.errors import InvalidRequest
from framewatch_core.rules import NS_PER_S, EventKind, Moment

DEFAULT_FROZEN_AFTER_NS = 10 * NS_PER_S
DEFAULT_SETTLE_NS = NS_PER_S


class HealthProblem(Enum):
    """What can be wrong with a picture; see `HealthProblem` in the .proto."""

    BLACK = auto()
    OVEREXPOSED = auto()
    FROZEN = auto()
    BLURRED = auto()
    COVERED = auto()
    SCENE_CHANGED = auto()


@dataclass(frozen=True, slots=True)
class HealthPolicy:
    """When pictures are not trusted; see `HealthPolicy` in the .proto.

    Attributes:
        disabled: pictures are not judged.
        ignored: problems that don't count.
        frozen_after_ns: how long a picture must stay the very same to be frozen; greater than 0.
        settle_ns: how long pictures must have a problem before SUSPENDED, and be good before RESUMED.

    Raises:
        InvalidRequest: with the field's path.

    """

    disabled: bool = False
    ignored: frozenset[HealthProblem] = frozenset()
    frozen_after_ns: int = DEFAULT_FROZEN_AFTER_NS
    settle_ns: int = DEFAULT_SETTLE_NS

    def __post_init__(self) -> None:
        if self.frozen_after_ns <= 0:
            after_s = self.frozen_after_ns / NS_PER_S
            raise InvalidRequest(f"frozen_after is {after_s:g} s: expected more than 0, or nothing", "frozen_after")
        if self.settle_ns < 0:
            raise InvalidRequest(f"settle_time is {self.settle_ns / NS_PER_S:g} s: expected 0 or more", "settle_time")


@dataclass(frozen=True, slots=True)
class HealthEvent:
    """Rules of a region were suspended or go on.

    Attributes:
        kind: SUSPENDED or RESUMED.
        region: the region's id.
        problem: SUSPENDED: what is wrong; else None.
        at: the frame that completed it.
        began: the first frame with the problem, or the first good one.

    """

    kind: EventKind
    region: str
    problem: HealthProblem | None
    at: Moment
    began: Moment
