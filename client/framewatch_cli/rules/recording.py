"""What frames scored and what was said of them, kept for calibration, evaluation and replay."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import takewhile
from typing import Unpack

import numpy as np

from framewatch_client import AsyncFramewatchClient, Event, Frame, FrameResult, FrameStatus, LabelsLike, WatchKeywords
from framewatch_core.calibration.emitted import EmittedEvent
from framewatch_core.calibration.intervals import Interval
from framewatch_core.calibration.material import Material
from framewatch_core.errors import InvalidRequest
from framewatch_core.images.regions import WHOLE_FRAME_ID
from framewatch_core.labels.scoring import LabelScore, ScoreKind
from framewatch_core.rules.replay import RecordedFrame
from framewatch_core.rules.rule import EventKind
from framewatch_core.time import Moment, nanoseconds


@dataclass(frozen=True, slots=True)
class Recording:
    """What frames scored, and what rules said of them.

    Attributes:
        frames: those that were scored, in order.
        said: ENTERED and EXITED of the rules that ran with it, in order.
        missing_count: frames without scores: dropped or failed.

    """

    frames: tuple[RecordedFrame, ...]
    said: tuple[EmittedEvent, ...] = ()
    missing_count: int = 0

    @property
    def end_ns(self) -> int:
        """When it ends: one frame gap after its last frame."""
        times = [frame.at.time_ns for frame in self.frames[-2:]]
        return 2 * times[-1] - times[0] if times else 0

    def scores_of(self, label: str, region: str = WHOLE_FRAME_ID) -> Iterator[tuple[int, LabelScore]]:
        """Times and scores of a label in the frames that rules may see. Raises InvalidRequest: it was not scored."""
        for frame in self.frames:
            if region in frame.held:
                continue
            found = next((score for score in frame.scores.get(region, ()) if score.label == label), None)
            if found is None:
                where = f" in the region {region!r}" if region else ""
                raise InvalidRequest(f"frame {frame.at.frame_id} was not scored against {label!r}{where}", "label")
            yield frame.at.time_ns, found

    def material(
        self, label: str, present: Sequence[Interval], absent: Sequence[Interval], region: str = WHOLE_FRAME_ID
    ) -> Material:
        """A label's scores in a region with what is known of it. Raises InvalidRequest, InvalidMaterial."""
        times_and_scores = list(self.scores_of(label, region))
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
    on_item: Callable[[FrameResult | Event], object] | None = None,
    **options: Unpack[WatchKeywords],
) -> Recording:
    """Streams frames and keeps what comes back.

    Args:
        client: of the server.
        frames: each with its time.
        labels: as in `classify`.
        until_ns: frames from this time on are not sent; None: all are.
        on_item: is given every result and event as it comes.
        **options: see `WatchKeywords`.

    Raises:
        as `stream`.

    """
    items = client.stream(_before(frames, until_ns), labels, **options)
    async with aclosing(items):
        return await _collect(items, on_item)


async def _collect(
    items: AsyncIterator[FrameResult | Event], on_item: Callable[[FrameResult | Event], object] | None
) -> Recording:
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
    """Makes a Recording of a stream's results and events as they come."""

    def __init__(self) -> None:
        self._frames: list[RecordedFrame] = []
        self._said: list[EmittedEvent] = []
        self._missing_count = 0

    def add(self, item: FrameResult | Event) -> None:
        """Takes the next one."""
        if isinstance(item, Event):
            if item.kind in {EventKind.ENTERED, EventKind.EXITED}:
                self._said.append(said_of(item))
        elif item.status is FrameStatus.SCORED:
            self._frames.append(recorded_frame(item))
        else:
            self._missing_count += 1

    def recording(self) -> Recording:
        """What has come so far."""
        return Recording(tuple(self._frames), tuple(self._said), self._missing_count)


def recorded_frame(result: FrameResult) -> RecordedFrame:
    """A frame that was scored, as rules saw it."""
    return RecordedFrame(
        Moment(result.frame_id, nanoseconds(result.time_s)),
        {region.region_id: region.scores for region in result.regions},
        frozenset(region.region_id for region in result.regions if region.suspended),
    )


def said_of(event: Event) -> EmittedEvent:
    """What an event says."""
    return EmittedEvent(event.kind, event.rule_id, nanoseconds(event.time_s), nanoseconds(event.began_time_s))
