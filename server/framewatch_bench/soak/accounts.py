"""Accounts of what honest clients sent and got."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from framewatch_client import FrameStatus


@dataclass(slots=True)
class Latencies:
    """Times of one kind of answer, with the moments at which they came."""

    values: list[tuple[float, float]] = field(default_factory=list)

    def add(self, seconds: float) -> None:
        """Takes a time."""
        self.values.append((time.monotonic(), seconds))

    def ms(self, percent: float, since: float = 0.0, until: float = float("inf")) -> float:
        """Returns a percentile in ms of the answers in a span of time; NaN if there was none."""
        chosen = [seconds for at, seconds in self.values if since <= at < until]
        return float(np.percentile(chosen, percent)) * 1000 if chosen else float("nan")


@dataclass(slots=True)
class Accounts:
    """Everything that honest clients did and got.

    Attributes:
        sent: number of frames sent.
        outcomes: number of frames by outcome: SCORED, or anything else, which is wrong.
        out_of_order: number of outcomes that came in another order than their frames.
        rounds: number of times that the clip was shown to its end.
        wrong_events: number of events that were missing, false or at a wrong time.
        statuses: number of calls, streams and health checks by how they ended.
        wrong_answers: number of answers that differ from the same question's answer in quiet.
        not_serving: number of health checks that said anything else than SERVING.
        latencies: by kind of answer: frame, Classify, Embed, health.

    """

    sent: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    out_of_order: int = 0
    rounds: int = 0
    wrong_events: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    wrong_answers: int = 0
    not_serving: int = 0
    latencies: dict[str, Latencies] = field(
        default_factory=lambda: {kind: Latencies() for kind in ("frame", "Classify", "Embed", "health")}
    )

    @property
    def unaccounted(self) -> int:
        """Number of frames that were sent and have no outcome."""
        return self.sent - self.outcomes.total()

    @property
    def not_scored(self) -> int:
        """Number of frames with any other outcome than scores."""
        return self.outcomes.total() - self.outcomes[FrameStatus.SCORED.name]
