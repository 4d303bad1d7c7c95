"""The demo belt as the source of a stream, and a label with examples and rules for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from framewatch_bench.demo.belt import BeltVideo, render_belt_video
from framewatch_client import Event, EventKind, EventRule, Frame, Label, ScoreKind, event_rule, example_label

Pixels = npt.NDArray[np.uint8]


@cache
def belt() -> tuple[BeltVideo, tuple[Pixels, ...]]:
    """Returns a short clip and its frames, BGR."""
    video = render_belt_video(2, fps=8, seconds=20, width=320, height=180)
    return video, tuple(video.frames)


def box_label() -> Label:
    """Returns a label with four frames of the first box as examples, and four frames before it as counter-examples."""
    video, frames = belt()
    first, last = video.present[0]
    present = np.linspace(first, last, 4).round().astype(int)
    absent = np.linspace(0, first - 8, 4).round().astype(int)
    return example_label("box", [frames[i] for i in present], [frames[i] for i in absent])


def presence_rule(label: str, region: str = "", **fields: object) -> EventRule:
    """Returns a rule on the score PRESENCE."""
    times = {
        "min_present_s": 0.3,
        "min_absent_s": 0.3,
        "region_id": region,
        "id": region,
        "score_kind": ScoreKind.PRESENCE,
    }
    return event_rule(label, 0.5, 0.2, **{**times, **fields})  # type: ignore[arg-type]


def timed(frames: Iterable[tuple[float, Pixels]]) -> Iterator[Frame]:
    """Returns frames with their times in seconds."""
    return (Frame(pixels, time_s) for time_s, pixels in frames)


def belt_frames() -> Iterator[tuple[float, Pixels]]:
    """Returns the times and frames of the clip, BGR."""
    video, frames = belt()
    return ((i / video.fps, pixels) for i, pixels in enumerate(frames))


def passages(items: Iterable[object], rule_id: str = "box") -> list[tuple[float, float]]:
    """Returns the intervals between ENTERED and EXITED of a rule, in seconds."""
    own = [item for item in items if isinstance(item, Event) and item.rule_id == rule_id]
    assert [event.kind for event in own] == [EventKind.ENTERED, EventKind.EXITED] * (len(own) // 2)
    return [(own[i].began_time_s, own[i + 1].began_time_s) for i in range(0, len(own), 2)]


def assert_near(found: Sequence[tuple[float, float]], true: Sequence[tuple[float, float]], within_s: float) -> None:
    """Fails unless each true interval was found once, and no other."""
    assert len(found) == len(true), (found, true)
    for (begin_s, end_s), (true_begin_s, true_end_s) in zip(found, true, strict=True):
        assert abs(begin_s - true_begin_s) <= within_s, (found, true)
        assert abs(end_s - true_end_s) <= within_s, (found, true)
