"""Truth about videos, for evaluations: when the thing was in which region."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from framewatch_core.calibration.intervals import Interval, check_apart
from framewatch_core.errors import FieldError, InvalidRequest
from framewatch_core.images.regions import WHOLE_FRAME, WHOLE_FRAME_ID, Region
from framewatch_core.quoting import listed, quoted
from framewatch_core.time import NS_PER_S

_EXTENT = ("x", "y", "width", "height")


class InvalidTruth(InvalidRequest):
    """A file of truth that can't be used; `field` is the path in it."""

    reason = "INVALID_TRUTH"


@dataclass(frozen=True, slots=True)
class Track:
    """Intervals in which the thing is in a region.

    Attributes:
        region: the region; one that covers the whole frame belongs to rules without a region.
        present: when the thing is there, in order, apart. An end at the recording's end or later is no disappearance.
        fuzzy: when people would not agree whether it is there: no event that begins then is wrong.

    """

    region: Region
    present: tuple[Interval, ...]
    fuzzy: tuple[Interval, ...] = ()

    @property
    def rule_region_id(self) -> str:
        """The region's id in rules: empty if it is the whole frame."""
        region = self.region
        extent = (region.x, region.y, region.width, region.height)
        return WHOLE_FRAME_ID if extent == (WHOLE_FRAME.x, WHOLE_FRAME.y, 1.0, 1.0) else region.id


@dataclass(frozen=True, slots=True)
class VideoTruth:
    """Truth about one video.

    Attributes:
        end_ns: where the video, or the part that is evaluated, ends.
        tolerance_ns: how far a right event may be from the true moment.
        tracks: one for each region.
        label: what the thing is, in words; empty: not known.
        share: share of the video, from its begin, that rules are to be calibrated on, in (0, 1]; None: not known.

    """

    end_ns: int
    tolerance_ns: int
    tracks: tuple[Track, ...]
    label: str = ""
    share: float | None = None

    def until(self, end_ns: int) -> VideoTruth:
        """Returns the truth about the part before `end_ns`: a thing that is present then has no end in it."""
        if end_ns >= self.end_ns:
            return self
        tracks = (
            replace(track, present=_before(track.present, end_ns), fuzzy=_before(track.fuzzy, end_ns))
            for track in self.tracks
        )
        return replace(self, end_ns=end_ns, tracks=tuple(tracks))

    def tolerant_of(self, frame_gap_ns: int) -> VideoTruth:
        """Returns the same with one frame gap more of tolerance, for frames at a lower rate than the video's own."""
        return replace(self, tolerance_ns=self.tolerance_ns + frame_gap_ns)


def load_truth(data: object, video: str) -> VideoTruth:
    """Reads the truth about one video from a file of truth.

    Args:
        data: the file's JSON: for every video `fps`, `frames`, `regions` (`{id: [x, y, width, height]}`, fractions of
            the frame), `present` (`{region id: [[first, last], …]}`, frame numbers from 0, both inclusive) and
            `tolerance_frames`; perhaps `fuzzy` (as `present`, for some of the regions), `label` and `share`; other keys
            are ignored.
        video: the key.

    Returns:
        The truth, in which frame n is at n / fps and an interval ends with the frame after its last one.

    Raises:
        InvalidTruth: with the path of the value that is wrong.

    """
    videos = _mapping(data, "")
    if video not in videos:
        raise InvalidTruth(f"there is no truth about {quoted(video)}: known are {listed([*videos])}", video)
    return _video(_mapping(videos[video], video), video)


def _video(entry: Mapping[str, Any], path: str) -> VideoTruth:
    fps = _number(entry, "fps", path)
    frame_count = _count(entry.get("frames"), f"{path}.frames")
    tolerance = _number(entry, "tolerance_frames", path, least=0)
    regions = _mapping(entry.get("regions"), f"{path}.regions")
    present = _mapping(entry.get("present"), f"{path}.present")
    fuzzy = _mapping(entry.get("fuzzy", {}), f"{path}.fuzzy")
    for key, named in (("present", present), ("fuzzy", fuzzy)):
        for name in named:
            if name not in regions:
                raise InvalidTruth(
                    f"{key} names the region {quoted(name)}, which regions lacks", f"{path}.{key}.{name}"
                )
    tracks = []
    for name, extent in regions.items():
        region = _region(name, extent, f"{path}.regions.{name}")
        there = _spans(present.get(name), frame_count, fps, f"{path}.present.{name}")
        try:
            check_apart(there, "present")
        except InvalidRequest as error:
            raise InvalidTruth(error.message, f"{path}.present.{name}") from error
        unsure = _spans(fuzzy.get(name, []), frame_count, fps, f"{path}.fuzzy.{name}")
        tracks.append(Track(region, there, unsure))
    return VideoTruth(
        _frame_time(frame_count, fps),
        round(tolerance / fps * NS_PER_S),
        tuple(tracks),
        _label(entry, path),
        _share(entry, path),
    )


def _label(entry: Mapping[str, Any], path: str) -> str:
    label = entry.get("label", "")
    if not isinstance(label, str):
        raise InvalidTruth(f"{path}.label is {_kind(label)}: expected a text", f"{path}.label")
    return label


def _share(entry: Mapping[str, Any], path: str) -> float | None:
    if "share" not in entry:
        return None
    share = _number(entry, "share", path)
    if share > 1:
        raise InvalidTruth(f"{path}.share is {share:g}: expected at most 1", f"{path}.share")
    return share


def _before(spans: Sequence[Interval], end_ns: int) -> tuple[Interval, ...]:
    return tuple(Interval(span.start_ns, min(span.end_ns, end_ns)) for span in spans if span.start_ns < end_ns)


def _spans(value: object, frame_count: int, fps: float, path: str) -> tuple[Interval, ...]:
    spans: list[Interval] = []
    for i, pair in enumerate(_list(value, path)):
        first, last = (_count(number, f"{path}[{i}]", least=0) for number in _list(pair, f"{path}[{i}]", 2))
        if not first <= last < frame_count:
            raise InvalidTruth(
                f"[{first}, {last}] are no first and last frame of {frame_count}: expected first ≤ last < frames",
                f"{path}[{i}]",
            )
        spans.append(Interval(_frame_time(first, fps), _frame_time(last + 1, fps)))
    return tuple(spans)


def _region(name: str, value: object, path: str) -> Region:
    extent = [_real(number, f"{path}[{i}]") for i, number in enumerate(_list(value, path, len(_EXTENT)))]
    try:
        return Region(name, *extent)
    except FieldError as error:
        raise InvalidTruth(error.message, path) from error


def _frame_time(number: int, fps: float) -> int:
    return round(number / fps * NS_PER_S)


def _mapping(value: object, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidTruth(f"{path or 'the file'} is {_kind(value)}: expected an object", path)
    return value


def _list(value: object, path: str, length: int | None = None) -> Sequence[object]:
    if not isinstance(value, list) or (length is not None and len(value) != length):
        raise InvalidTruth(f"{path} is {_kind(value)}: expected a list{f' of {length}' if length else ''}", path)
    return value


def _number(entry: Mapping[str, Any], key: str, path: str, least: float | None = None) -> float:
    """Returns a number greater than 0, or of at least `least`."""
    value = _real(entry.get(key), f"{path}.{key}")
    if value < least if least is not None else value <= 0:
        wanted = "more than 0" if least is None else f"at least {least:g}"
        raise InvalidTruth(f"{path}.{key} is {value:g}: expected {wanted}", f"{path}.{key}")
    return value


def _count(value: object, path: str, least: int = 1) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InvalidTruth(f"{path} is {_kind(value)}: expected a whole number of at least {least}", path)
    return value


def _real(value: object, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidTruth(f"{path} is {_kind(value)}: expected a number", path)
    return float(value)


def _kind(value: object) -> str:
    if value is None:
        return "missing"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "an object" if isinstance(value, Mapping) else repr(value)
