"""Recorded scores, with stretches in which their label is known to be there or not to be there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from framewatch_core.arrays import BoolArray, Float64Array, Int64Array
from framewatch_core.calibration.intervals import Interval, check_apart
from framewatch_core.errors import InvalidRequest
from framewatch_core.labels.scoring import ScoreKind
from framewatch_core.time import NS_PER_S

# Frames this near to a stretch's end show the thing half in the picture, or are marked wrongly, since people mark
# moments roughly. They count in the estimates, but no threshold is derived from them.
EDGE_NS = NS_PER_S


class InvalidMaterial(InvalidRequest):
    """Recorded scores and stretches without what calibration needs; `field` names the part."""

    reason = "INVALID_MATERIAL"


def inner(stretch: Interval) -> Interval:
    """Returns a stretch without its ends, where things come and go: EDGE_NS at either, at most a quarter of it."""
    edge_ns = min(EDGE_NS, stretch.length_ns // 4)
    return Interval(stretch.start_ns + edge_ns, stretch.end_ns - edge_ns)


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Recorded scores of one label in one region, with known stretches.

    Attributes:
        times_ns: of the scored frames, `[n]`, never going back.
        scores: `[n]` for each kind: probability and presence in [0, 1], similarity in [-1, 1].
        present, absent: known stretches, each in order; what lies outside of them is unknown and not counted. Without a
            present one there is background only.

    Raises:
        InvalidMaterial: with what is missing.

    """

    times_ns: Int64Array
    scores: Mapping[ScoreKind, Float64Array]
    present: tuple[Interval, ...]
    absent: tuple[Interval, ...]

    def __post_init__(self) -> None:
        if not self.scores:
            raise InvalidMaterial("there are no scores: give those of one kind at least", "scores")
        if len(self.times_ns) < 2 or np.any(np.diff(self.times_ns) < 0):
            raise InvalidMaterial("expected two frames at least, with times that never go back", "times_ns")
        for kind, values in self.scores.items():
            if values.shape != self.times_ns.shape or not np.all(np.isfinite(values)):
                raise InvalidMaterial(f"expected a finite {kind.name.lower()} for every frame", f"scores[{kind.name}]")
        self._check_stretches()

    def _check_stretches(self) -> None:
        check_apart(self.present, "present")
        check_apart(self.absent, "absent")
        check_apart(tuple(sorted((*self.present, *self.absent))), "present and absent")
        if not self.absent:
            raise InvalidMaterial("no stretch is known to be without it: give one", "absent")
        for name in ("present", "absent"):
            for stretch in getattr(self, name):
                if not self.frames_in((stretch,)).any():
                    at_s = stretch.start_ns / NS_PER_S
                    raise InvalidMaterial(f"the {name} stretch from {at_s:g} s on holds no scored frame", name)

    def frames_in(self, stretches: Sequence[Interval]) -> BoolArray:
        """Returns True for each frame in one of the stretches, `[n]`."""
        inside = np.zeros(len(self.times_ns), dtype=np.bool_)
        for stretch in stretches:
            first, after = np.searchsorted(self.times_ns, (stretch.start_ns, stretch.end_ns))
            inside[first:after] = True
        return inside

    def inner_frames(self, stretches: Sequence[Interval]) -> BoolArray:
        """Returns True for each frame in one of the stretches without its ends, `[n]`; see `inner`."""
        inside = np.zeros(len(self.times_ns), dtype=np.bool_)
        for stretch in stretches:
            within = self.frames_in((inner(stretch),))
            inside |= within if within.any() else self.frames_in((stretch,))
        return inside

    @property
    def frame_gap_ns(self) -> int:
        """Median time from a frame to the next, in nanoseconds."""
        return int(np.median(np.diff(self.times_ns)))
