"""A rule's scores over time, with what is known and what was said: what reports and plots draw."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from framewatch_cli.rules.recording import Recording
from framewatch_core.calibration.calibrate import Calibration, smooth
from framewatch_core.calibration.emitted import EmittedEvent, presences
from framewatch_core.calibration.evaluation import Evaluation, RuleEvaluation
from framewatch_core.calibration.intervals import Interval
from framewatch_core.calibration.truth import VideoTruth
from framewatch_core.rules.rule import DEFAULT_MAX_FRAME_GAP_NS, EventRule


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """One rule's view of a recording.

    Attributes:
        rule: the rule.
        times_ns: of the frames that it saw, `[n]`.
        scores: as it saw them, smoothed, `[n]`.
        end_ns: where the recording ends.
        present: when its label is known to be there.
        absent: when it is known not to be; what lies outside of both is unknown.
        said: ENTERED and EXITED, in order.
        judged: which of these were right and what was missed; None: that was not asked.

    """

    rule: EventRule
    times_ns: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]
    end_ns: int
    present: tuple[Interval, ...]
    absent: tuple[Interval, ...]
    said: tuple[EmittedEvent, ...]
    judged: RuleEvaluation | None = None

    @property
    def said_present(self) -> list[Interval]:
        """When the rule took its label to be there."""
        return presences(self.said, self.end_ns)


def calibration_timeline(calibration: Calibration) -> Timeline:
    """The calibrated rule over its material."""
    material = calibration.material
    return Timeline(
        rule=calibration.rule,
        times_ns=material.times_ns,
        scores=calibration.scores,
        end_ns=int(material.times_ns[-1]) + material.frame_gap_ns,
        present=material.present,
        absent=material.absent,
        said=tuple(map(EmittedEvent.of, calibration.events)),
    )


def evaluation_timelines(
    evaluation: Evaluation, recording: Recording, rules: Iterable[EventRule], truth: VideoTruth
) -> list[Timeline]:
    """Every rule over a recording whose truth is known. Raises InvalidRequest: a rule's scores were not recorded."""
    tracks = {track.rule_region_id: track for track in truth.tracks}
    judged = {found.rule: found for found in evaluation.rules}
    return [
        Timeline(
            rule,
            *_scores(recording, rule),
            truth.end_ns,
            tracks[rule.region_id].present,
            (),
            tuple(said for said in recording.said if said.rule == rule.name),
            judged[rule.name],
        )
        for rule in rules
    ]


def _scores(recording: Recording, rule: EventRule) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    found = [
        (time_ns, score.value(rule.score_kind)) for time_ns, score in recording.scores_of(rule.label, rule.region_id)
    ]
    times_ns = np.array([time_ns for time_ns, _ in found], dtype=np.int64)
    scores = np.array([score for _, score in found], dtype=np.float64)
    return times_ns, smooth(scores, times_ns, rule.smoothing_ns, DEFAULT_MAX_FRAME_GAP_NS)
