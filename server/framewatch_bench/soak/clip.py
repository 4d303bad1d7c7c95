"""A clip with known events, as the frames that an honest camera sends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2

from framewatch_bench.demo.belt import render_belt_video
from framewatch_client import Event, EventKind, EventRule, event_rule

LABELS = ("box", "an empty conveyor belt")
FPS = 5.0
_SECONDS = 12.0
_SEED = 1
_TOLERANCE_FRAMES = 2.5  # half a second, as in `demo`

Happening = tuple[EventKind, int]
"""Kind of an event, and the frame of the clip at which it began."""


def rule() -> EventRule:
    """The rule under which the clip has its events."""
    return event_rule(LABELS[0], 0.8, 0.5, min_present_s=0.2, min_absent_s=0.2)


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip.

    Attributes:
        files: its frames as JPEG.
        truth: its events in order, at the frames where they begin.

    """

    files: tuple[bytes, ...]
    truth: tuple[Happening, ...]

    def wrong_events(self, events: Sequence[Event], rounds: int) -> int:
        """Counts the events that are missing, false or at a wrong time in a stream that shows the clip so many times.

        An event that is missing in the middle makes those after it wrong too.
        """
        length = len(self.files)
        expected = [(kind, frame + length * number) for number in range(rounds) for kind, frame in self.truth]
        pairs = zip(events, expected, strict=False)
        wrong = sum(
            event.kind is not kind or abs(event.began.frame_id - frame) > _TOLERANCE_FRAMES
            for event, (kind, frame) in pairs
        )
        return wrong + abs(len(events) - len(expected))


def belt_clip() -> Clip:
    """Renders boxes on a conveyor belt."""
    video = render_belt_video(_SEED, fps=FPS, seconds=_SECONDS)
    files = tuple(cv2.imencode(".jpg", frame)[1].tobytes() for frame in video.frames)
    truth = [
        happening
        for first, last in video.present
        for happening in ((EventKind.ENTERED, first), (EventKind.EXITED, last + 1))
    ]
    return Clip(files, tuple(truth))
