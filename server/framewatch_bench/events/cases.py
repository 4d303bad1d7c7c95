"""Events against the truth on real video, and on the same video as bad light, bad lines and bad cameras deliver it.

The rules are calibrated on the first part of each video as it is; all cases are then watched by these rules.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from framewatch_bench.events.disturbances import Kind, Pixels, brightened, spliced, with_noise
from framewatch_cli.rules.calibrating import CalibrationPlan, CalibrationRun, calibrate_source
from framewatch_cli.rules.recording import record
from framewatch_client import (
    AsyncFramewatchClient,
    Frame,
    HealthEvent,
    HealthEventKind,
    Label,
    Region,
    StreamResult,
    open_source,
)
from framewatch_core.calibration.evaluation import Evaluation, evaluate
from framewatch_core.calibration.intervals import Interval
from framewatch_core.calibration.truth import InvalidTruth, Track, VideoTruth, load_truth
from framewatch_core.images.regions import WHOLE_FRAME_ID
from framewatch_core.time import NS_PER_S

SPLICE_S = 30.0
SPLICES = (Kind.FREEZE, Kind.BLACK, Kind.COVERED, Kind.INFRARED, Kind.RAIN)
_UNSUSPENDED = frozenset({Kind.RAIN})
_SHARE = 1 / 3

Transform = Callable[[Iterable[Frame]], Iterator[Frame]]


@dataclass(frozen=True, slots=True)
class Case:
    """A variant of a video.

    Attributes:
        name: name of the case.
        change: transform of the frames, whose images are BGR pixels.
        truth: truth about the changed video.
        fps: frames per second that are sent; None: all.
        suspension_count: number of times that each region's rules must be suspended, and resumed.

    """

    name: str
    change: Transform
    truth: VideoTruth
    fps: float | None = None
    suspension_count: int = 0


@dataclass(frozen=True, slots=True)
class CaseResult:
    """Events of a case beside its truth.

    Attributes:
        video: the file's name.
        case: the case.
        evaluation: evaluation of ENTERED and EXITED.
        suspended: number of SUSPENDED.
        resumed: number of RESUMED.

    """

    video: str
    case: Case
    evaluation: Evaluation
    suspended: int
    resumed: int

    @property
    def is_right(self) -> bool:
        """True if every event was emitted once and no other, and rules were suspended as often as they had to be."""
        due = self.case.suspension_count * len(self.evaluation.rules)
        return self.evaluation.is_perfect and self.suspended == self.resumed == due


@dataclass(frozen=True, slots=True)
class Video:
    """A video with its truth, and the part that its rules are calibrated on.

    Attributes:
        path: path of the file.
        truth: truth about the whole video.
        until_ns: frame time at which that part ends.

    """

    path: Path
    truth: VideoTruth
    until_ns: int

    @property
    def track(self) -> Track:
        """Track of the region that rules are calibrated on: the first."""
        return self.truth.tracks[0]

    @property
    def regions(self) -> tuple[Region, ...]:
        """Regions that are watched; none: the whole frame."""
        return tuple(track.region for track in self.truth.tracks if track.rule_region_id != WHOLE_FRAME_ID)

    def plan(self, label: str) -> CalibrationPlan:
        """Returns a plan that calibrates on the first region in the first part, for the rules of all regions."""
        known = next(track for track in self.truth.until(self.until_ns).tracks if track.region == self.track.region)
        return CalibrationPlan(
            source=str(self.path),
            labels=(Label(label), Label("something else")),
            present=known.present,
            regions=self.regions,
            until_ns=self.until_ns,
        )


def load_videos(truth_path: Path, share: float | None = None) -> list[Video]:
    """Returns the videos of a file of truth that lie beside it.

    Args:
        truth_path: path of the file, in the form of `load_truth`.
        share: share of each video that the rules are calibrated on, in (0, 1); None: the file's, or else a third.

    Raises:
        InvalidTruth: the file can't be read, or none of its videos exists.

    """
    try:
        data = json.loads(truth_path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidTruth(f"{truth_path} can't be read as JSON: {error}") from error
    names = list(data) if isinstance(data, dict) else []
    found = [(truth_path.parent / name, load_truth(data, name)) for name in names]
    videos = [
        Video(path, truth, round(truth.end_ns * (share or truth.share or _SHARE)))
        for path, truth in found
        if path.exists()
    ]
    if not videos:
        raise InvalidTruth(f"{truth_path} names no video that lies beside it")
    return videos


def cases_of(truth: VideoTruth) -> list[Case]:
    """Returns the video as it is, thinned out, smaller, darker, brighter, noisy, compressed, and with disturbances."""
    changes: dict[str, Transform] = {
        "half the resolution": partial(_each, _halved),
        "0.4 × brightness": partial(_each, partial(brightened, factor=0.4)),
        "1.8 × brightness": partial(_each, partial(brightened, factor=1.8)),
        "noise, σ = 12": _noisy,
        "JPEG quality 30": partial(_each, _compressed),
    }
    thinned = [Case(f"{fps} frames/s", iter, truth.tolerant_of(round(NS_PER_S / fps)), fps) for fps in (5, 2)]
    return [
        Case("as it is", iter, truth),
        *thinned,
        *(Case(name, change, truth) for name, change in changes.items()),
        *_spliced_cases(truth),
    ]


def _spliced_cases(truth: VideoTruth) -> Iterator[Case]:
    for kind, is_present in itertools.product(SPLICES, (False, True)):
        at_ns = quiet_moment(truth, is_present=is_present)
        if at_ns is None:
            continue
        yield Case(
            f"{kind.value}, {SPLICE_S:g} s, {'present' if is_present else 'absent'}",
            partial(_with_splice, kind, at_ns / NS_PER_S),
            stretched(truth, at_ns, round(SPLICE_S * NS_PER_S)),
            suspension_count=0 if kind in _UNSUSPENDED else 1,
        )


def quiet_moment(truth: VideoTruth, *, is_present: bool) -> int | None:
    """Returns the middle, ns, of the longest interval in which nothing appears or disappears in any region.

    `is_present` chooses intervals in which the thing is, or is not, in the first region. None: there is none.
    """
    edges = {edge for track in truth.tracks for span in track.present for edge in (span.start_ns, span.end_ns)}
    times = sorted({0, truth.end_ns, *(edge for edge in edges if edge < truth.end_ns)})
    middles = {(start + end) // 2: end - start for start, end in itertools.pairwise(times)}
    fitting = [middle for middle in middles if _is_present(truth.tracks[0], middle) is is_present]
    return max(fitting, key=middles.__getitem__, default=None)


def _is_present(track: Track, time_ns: int) -> bool:
    return any(span.start_ns <= time_ns < span.end_ns for span in track.present)


def stretched(truth: VideoTruth, at_ns: int, by_ns: int) -> VideoTruth:
    """Returns the truth about a video into which `by_ns` were inserted at a quiet moment."""

    def moved(time_ns: int) -> int:
        return time_ns + by_ns if time_ns > at_ns else time_ns

    def longer(span: Interval) -> Interval:
        return Interval(moved(span.start_ns), moved(span.end_ns))

    tracks = (
        replace(track, present=tuple(map(longer, track.present)), fuzzy=tuple(map(longer, track.fuzzy)))
        for track in truth.tracks
    )
    return replace(truth, end_ns=moved(truth.end_ns), tracks=tuple(tracks))


async def find_rules(client: AsyncFramewatchClient, video: Video, label: str) -> CalibrationRun:
    """Calibrates rules on the video's first part."""
    return await calibrate_source(client, video.plan(label))


async def watch_case(client: AsyncFramewatchClient, video: Video, case: Case, run: CalibrationRun) -> CaseResult:
    """Watches a case by the rules of `run`, and compares the events with its truth."""
    counts: Counter[HealthEventKind] = Counter()

    def count(item: StreamResult) -> None:
        if isinstance(item, HealthEvent):
            counts[item.kind] += 1

    with open_source(str(video.path), case.fps) as source:
        recording = await record(
            client, case.change(source), run.label_set, regions=video.regions, rules=run.rules, on_item=count
        )
    evaluation = evaluate(recording.events, run.rules, case.truth)
    return CaseResult(
        video.path.name, case, evaluation, counts[HealthEventKind.SUSPENDED], counts[HealthEventKind.RESUMED]
    )


def _each(change: Callable[[Pixels], Pixels], frames: Iterable[Frame]) -> Iterator[Frame]:
    for frame in frames:
        yield replace(frame, image=change(_pixels(frame)))


def _noisy(frames: Iterable[Frame]) -> Iterator[Frame]:
    rng = np.random.default_rng(0)
    return _each(lambda pixels: with_noise(pixels, rng, 12.0), frames)


def _halved(pixels: Pixels) -> Pixels:
    return np.asarray(cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)


def _compressed(pixels: Pixels) -> Pixels:
    _, data = cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, 30))
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _with_splice(kind: Kind, at_s: float, frames: Iterable[Frame]) -> Iterator[Frame]:
    pictures = ((frame.time_s or 0.0, _swapped(_pixels(frame))) for frame in frames)
    for time_s, pixels in spliced(pictures, kind, at_s=at_s, lasting_s=SPLICE_S):
        yield Frame(_swapped(pixels), time_s)


def _pixels(frame: Frame) -> Pixels:
    if not isinstance(frame.image, np.ndarray):
        raise TypeError(f"a frame of a video is {type(frame.image).__name__}: expected pixels")
    return frame.image


def _swapped(pixels: Pixels) -> Pixels:
    """Converts BGR to RGB, and back."""
    return np.ascontiguousarray(pixels[..., ::-1])
