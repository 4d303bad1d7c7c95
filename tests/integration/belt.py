"""The demo belt as a stream's source, and what of it a label with examples needs."""

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
    """A short clip and its frames, BGR."""
    video = render_belt_video(2, fps=8, seconds=20, width=320, height=180)
    return video, tuple(video.frames)


def box_label() -> Label:
    """A box by four frames with it, from its first passage, and four without it, from before."""
    video, frames = belt()
    first, last = video.present[0]
    there = np.linspace(first, last, 4).round().astype(int)
    gone = np.linspace(0, first - 8, 4).round().astype(int)
    return example_label("box", [frames[i] for i in there], [frames[i] for i in gone])


def presence_rule(label: str, region: str = "", **fields: object) -> EventRule:
    """A rule that looks at presence."""
    times = {
        "min_present_s": 0.3,
        "min_absent_s": 0.3,
        "region_id": region,
        "id": region,
        "score_kind": ScoreKind.PRESENCE,
    }
    return event_rule(label, 0.5, 0.2, **{**times, **fields})  # type: ignore[arg-type]


def timed(frames: Iterable[tuple[float, Pixels]]) -> Iterator[Frame]:
    """Frames with their times in seconds."""
    return (Frame(pixels, time_s) for time_s, pixels in frames)


def belt_frames() -> Iterator[tuple[float, Pixels]]:
    """The clip's times and frames, BGR."""
    video, frames = belt()
    return ((i / video.fps, pixels) for i, pixels in enumerate(frames))


def passages(items: Iterable[object], rule_id: str = "box") -> list[tuple[float, float]]:
    """When ENTERED and EXITED of a rule say that a presence began and ended, in seconds."""
    own = [item for item in items if isinstance(item, Event) and item.rule_id == rule_id]
    assert [event.kind for event in own] == [EventKind.ENTERED, EventKind.EXITED] * (len(own) // 2)
    return [(own[i].began_time_s, own[i + 1].began_time_s) for i in range(0, len(own), 2)]


def assert_near(found: Sequence[tuple[float, float]], true: Sequence[tuple[float, float]], within_s: float) -> None:
    """Fails unless each true interval was said once, and none other."""
    assert len(found) == len(true), (found, true)
    for said, is_ in zip(found, true, strict=True):
        assert abs(said[0] - is_[0]) <= within_s, (found, true)
        assert abs(said[1] - is_[1]) <= within_s, (found, true)
