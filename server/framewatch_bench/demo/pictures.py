"""Pictures of the demo's results: the video with scores and events drawn in, and a plot of scores over time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from framewatch_bench.demo.belt import BeltVideo
from framewatch_client import Event, EventKind, EventRule, FrameResult

Frame = npt.NDArray[np.uint8]

_GREEN, _AMBER, _WHITE, _DARK = (90, 200, 60), (40, 170, 240), (240, 240, 240), (40, 40, 40)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_BANNER_S = 1.0


def score_of(result: FrameResult, label: str) -> float:
    """Returns the label's probability; NaN if the frame was not scored."""
    return next((score.probability for score in result.scores if score.label == label), float("nan"))


def write_annotated_video(
    path: Path, video: BeltVideo, results: Sequence[FrameResult], events: Sequence[Event], label: str, rule: EventRule
) -> None:
    """Writes the clip with a bar of the label's score, its thresholds, its presence and its events."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), video.fps, (video.width, video.height))
    present = presence_by_frame(len(results), events)
    try:
        for frame, result, is_present in zip(video.frames, results, present, strict=False):
            _draw_score(frame, result, label, rule, is_present=is_present)
            _draw_banner(frame, [e for e in events if 0 <= result.time_s - e.time_s < _BANNER_S], label)
            writer.write(frame)
    finally:
        writer.release()


def presence_by_frame(frame_count: int, events: Sequence[Event]) -> list[bool]:
    """Returns for each frame whether the label was present, by the events that were emitted until then."""
    changes = [0] * frame_count
    for event in events:
        changes[event.frame_id] += 1 if event.kind is EventKind.ENTERED else -1
    return [count > 0 for count in accumulate(changes)]


def _draw_score(frame: Frame, result: FrameResult, label: str, rule: EventRule, *, is_present: bool) -> None:
    height, width = frame.shape[:2]
    score = next((s.probability for s in result.scores if s.label == label), 0.0)
    colour = _GREEN if is_present else _AMBER
    left, right, top = 12, width - 12, height - 26
    cv2.rectangle(frame, (left, top), (right, top + 14), _DARK, cv2.FILLED)
    cv2.rectangle(frame, (left, top), (left + round((right - left) * score), top + 14), colour, cv2.FILLED)
    for threshold in (rule.enter_at, rule.exit_threshold):
        x = left + round((right - left) * threshold)
        cv2.line(frame, (x, top - 4), (x, top + 18), _WHITE, 1, cv2.LINE_AA)
    state = "present" if is_present else "absent"
    _write(frame, f"{label} {score:.2f}  {state}", (left, top - 8), 0.5, _WHITE)
    _write(frame, f"{result.time_s:5.1f} s", (right - 60, top - 8), 0.5, _WHITE)


def _draw_banner(frame: Frame, recent: Sequence[Event], label: str) -> None:
    if not recent:
        return
    kind = recent[-1].kind
    _write(frame, f"{label} {kind.name}", (12, 34), 0.9, _GREEN if kind is EventKind.ENTERED else _AMBER)


def _write(frame: Frame, text: str, at: tuple[int, int], size: float, colour: tuple[int, int, int]) -> None:
    """Writes text with a dark rim, legible on anything. The rim is moved text, since thick letters are wider."""
    for right, down in ((-1, 0), (1, 0), (0, -1), (0, 1), (1, 1)):
        cv2.putText(frame, text, (at[0] + right, at[1] + down), _FONT, size, _DARK, 1, cv2.LINE_AA)
    cv2.putText(frame, text, at, _FONT, size, colour, 1, cv2.LINE_AA)


def write_plot(
    path: Path,
    results: Sequence[FrameResult],
    events: Sequence[Event],
    truth: Sequence[tuple[float, float]],
    label: str,
    rule: EventRule,
) -> None:
    """Writes a plot of the label's score over frame time, with thresholds, events, and the true presence (seconds)."""
    times = [result.time_s for result in results]
    scores = [score_of(result, label) for result in results]
    with mpl.rc_context({"font.size": 10}):
        figure = Figure(figsize=(11, 4), dpi=110, layout="constrained")
        axes = figure.add_subplot()
        for number, (start, end) in enumerate(truth):
            axes.axvspan(start, end, color="#dfeee0", label="truly present" if number == 0 else None)
        axes.plot(times, scores, color="#225588", linewidth=1.4, label=f"probability of «{label}»")
        axes.axhline(rule.enter_at, color="#2a8a3a", linewidth=0.8, linestyle="--", label=f"enter at {rule.enter_at:g}")
        axes.axhline(
            rule.exit_threshold,
            color="#c07a10",
            linewidth=0.8,
            linestyle="--",
            label=f"exit below {rule.exit_threshold:g}",
        )
        for kind, colour, marker in ((EventKind.ENTERED, "#2a8a3a", "^"), (EventKind.EXITED, "#c07a10", "v")):
            chosen = [event for event in events if event.kind is kind]
            axes.scatter(
                [e.time_s for e in chosen], [e.score for e in chosen], color=colour, marker=marker, s=60, zorder=3,
                label=kind.name,
            )  # fmt: skip
        axes.set(xlabel="time in the video, s", ylabel="probability", ylim=(-0.03, 1.03), xlim=(0, times[-1]))
        axes.set_title("framewatch demo: a rendered conveyor belt, the embedded demo model", loc="left")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
        figure.savefig(path)
