"""Health events of regions: SUSPENDED and RESUMED."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from framewatch_core.health.problem import HealthProblem
from framewatch_core.rules.events import StreamEvent


class HealthEventKind(Enum):
    """Kinds of health events of a region."""

    SUSPENDED = auto()
    RESUMED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthEvent(StreamEvent):
    """The rules of a region were suspended, or go on.

    SUSPENDED and RESUMED of a region alternate, beginning with SUSPENDED. `began` is the first frame with a problem (of
    a frozen picture, the first one that was the same), or the first good frame.

    Attributes:
        kind: SUSPENDED or RESUMED.
        region_id: id of the region, all of whose rules are concerned; empty for the whole frame.
        problem: SUSPENDED: the problem; None: one that this version does not know. RESUMED: None.

    """

    kind: HealthEventKind
    region_id: str
    problem: HealthProblem | None = None
