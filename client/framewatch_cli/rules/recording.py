"""Recordings: the scores of a stream's frames and the events of its rules, for calibration, evaluation and replay."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import takewhile
from typing import Unpack

import numpy as np

from framewatch_client import (
    AsyncFramewatchClient,
    Event,
    Frame,
    FrameResult,
    FrameStatus,
    LabelsLike,
    StreamResult,
    WatchKeywords,
)
from framewatch_core.calibration.intervals import Interval
from framewatch_core.calibration.material import Material
from framewatch_core.errors import InvalidRequest
from framewatch_core.images.regions import WHOLE_FRAME_ID
from framewatch_core.labels.scoring import LabelScore, ScoreKind
from framewatch_core.rules.replay import RecordedFrame, SeenTimes
from framewatch_core.time import Moment, nanoseconds

ItemSink = Callable[[StreamResult], object]
"""Takes the results and events of a stream, one by one."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Scores of frames, and the events that rules emitted over them.

    Attributes:
        frames: the scored frames, in order.
        events: ENTERED and EXITED of the rules that ran with the frames, in order.
        missing_count: number of frames without scores: dropped or failed.

    """

    frames: tuple[RecordedFrame, ...]
    events: tuple[Event, ...] = ()
    missing_count: int = 0

    @property
    def end_ns(self) -> int:
        """End of the recording: one frame gap after its last frame whose time is no outlier."""
        seen = SeenTimes()
        for frame in self.frames:
            seen.has_seen(frame)
        return seen.end_ns

    def scores_of(self, label: str, region_id: str = WHOLE_FRAME_ID) -> Iterator[tuple[int, LabelScore]]:
        """Yields the times and scores of a label in a region, without held frames.

        Raises:
            InvalidRequest: a frame has no score of the label there.

        """
        for frame in self.frames:
            if region_id in frame.held:
                continue
            found = next((score for score in frame.scores.get(region_id, ()) if score.label == label), None)
            if found is None:
                where = f" in the region {region_id!r}" if region_id else ""
                raise InvalidRequest(f"frame {frame.at.frame_id} was not scored against {label!r}{where}", "label")
            yield frame.at.time_ns, found

    def material(
        self, label: str, present: Sequence[Interval], absent: Sequence[Interval], region_id: str = WHOLE_FRAME_ID
    ) -> Material:
        """Returns a label's scores in a region with the known stretches. Raises InvalidRequest, InvalidMaterial."""
        times_and_scores = list(self.scores_of(label, region_id))
        scores = [score for _, score in times_and_scores]
        kinds = [kind for kind in ScoreKind if kind is not ScoreKind.PRESENCE or _all_have_presence(scores)]
        return Material(
            times_ns=np.array([time_ns for time_ns, _ in times_and_scores], dtype=np.int64),
            scores={kind: np.array([score.value(kind) for score in scores], dtype=np.float64) for kind in kinds},
            present=tuple(present),
            absent=tuple(absent),
        )


def _all_have_presence(scores: Iterable[LabelScore]) -> bool:
    return all(score.presence is not None for score in scores)


async def record(
    client: AsyncFramewatchClient,
    frames: Iterable[Frame],
    labels: LabelsLike,
    *,
    until_ns: int | None = None,
    on_item: ItemSink | None = None,
    **options: Unpack[WatchKeywords],
) -> Recording:
    """Streams frames and returns their scores and events.

    Args:
        client: client of the server.
        frames: frames with times.
        labels: labels as `stream` takes them.
        until_ns: frames from this time on are not sent; None: all are sent.
        on_item: is called with every result and event as it comes.
        **options: see `WatchKeywords`.

    Raises:
        as `stream`.

    """
    items = client.stream(_before(frames, until_ns), labels, **options)
    async with aclosing(items):
        return await _collect(items, on_item)


async def _collect(items: AsyncIterator[StreamResult], on_item: ItemSink | None) -> Recording:
    collector = Collector()
    async for item in items:
        if on_item is not None:
            on_item(item)
        collector.add(item)
    return collector.recording()


def _before(frames: Iterable[Frame], until_ns: int | None) -> Iterator[Frame]:
    if until_ns is None:
        return iter(frames)
    return takewhile(lambda frame: nanoseconds(frame.time_s or 0.0) < until_ns, frames)


class Collector:
    """Builder of a Recording from a stream's results and events."""

    def __init__(self) -> None:
        self._frames: list[RecordedFrame] = []
        self._events: list[Event] = []
        self._missing_count = 0

    def add(self, item: StreamResult) -> None:
        """Adds the next result or event."""
        if isinstance(item, Event):
            self._events.append(item)
        elif isinstance(item, FrameResult):
            if item.status is FrameStatus.SCORED:
                self._frames.append(recorded_frame(item))
            else:
                self._missing_count += 1

    def recording(self) -> Recording:
        """Returns the recording of all that was added."""
        return Recording(tuple(self._frames), tuple(self._events), self._missing_count)


def recorded_frame(result: FrameResult) -> RecordedFrame:
    """Returns a scored frame as the rule engine takes it."""
    return RecordedFrame(
        Moment(result.frame_id, result.time_ns),
        {region.region_id: region.scores for region in result.regions},
        frozenset(region.region_id for region in result.regions if region.suspended),
    )
