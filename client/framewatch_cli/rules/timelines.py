"""Timelines for reports and plots: a rule's scores, the known stretches, and the events over time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from framewatch_cli.rules.recording import Recording
from framewatch_core.calibration.calibrate import Calibration, smooth
from framewatch_core.calibration.evaluation import Evaluation, RuleEvaluation
from framewatch_core.calibration.intervals import Interval
from framewatch_core.calibration.presences import presences
from framewatch_core.calibration.truth import VideoTruth
from framewatch_core.rules.events import Event
from framewatch_core.rules.rule import EventRule


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """A rule over a recording: its scores, its events and the known stretches.

    Attributes:
        rule: the rule.
        times_ns: times of the frames that the rule was given, int64 `[n]`.
        scores: scores of these frames as the rule compares them, smoothed, float64 `[n]`.
        end_ns: end of the recording.
        present: stretches in which the label is known to be there.
        absent: stretches in which it is known not to be there; all other time is unknown.
        events: ENTERED and EXITED, in order.
        evaluation: right, false and missed events; None: the events were not compared with a truth.

    """

    rule: EventRule
    times_ns: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]
    end_ns: int
    present: tuple[Interval, ...]
    absent: tuple[Interval, ...]
    events: tuple[Event, ...]
    evaluation: RuleEvaluation | None = None

    @property
    def presences(self) -> list[Interval]:
        """Intervals from an ENTERED to its EXITED."""
        return presences(self.events, self.end_ns)


def calibration_timeline(calibration: Calibration) -> Timeline:
    """Returns the calibrated rule over its material."""
    material = calibration.material
    return Timeline(
        rule=calibration.rule,
        times_ns=material.times_ns,
        scores=calibration.scores,
        end_ns=int(material.times_ns[-1]) + material.frame_gap_ns,
        present=material.present,
        absent=material.absent,
        events=calibration.events,
    )


def evaluation_timelines(
    evaluation: Evaluation, recording: Recording, rules: Iterable[EventRule], truth: VideoTruth
) -> list[Timeline]:
    """Returns every rule over a recording with a known truth.

    Raises:
        InvalidRequest: the recording has no scores that a rule needs.

    """
    tracks = {track.rule_region_id: track for track in truth.tracks}
    evaluations = {found.rule: found for found in evaluation.rules}
    return [
        Timeline(
            rule,
            *_scores(recording, rule),
            truth.end_ns,
            tracks[rule.region_id].present,
            (),
            tuple(event for event in recording.events if event.rule_id == rule.name),
            evaluations[rule.name],
        )
        for rule in rules
    ]


def _scores(recording: Recording, rule: EventRule) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    found = [
        (time_ns, score.value(rule.score_kind)) for time_ns, score in recording.scores_of(rule.label, rule.region_id)
    ]
    times_ns = np.array([time_ns for time_ns, _ in found], dtype=np.int64)
    scores = np.array([score for _, score in found], dtype=np.float64)
    return times_ns, smooth(scores, times_ns, rule.smoothing_ns)
