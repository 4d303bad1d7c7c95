"""Files of scores: lines of JSON as `framewatch watch --json` prints them, which `replay` reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from framewatch_cli.rules.recording import ItemSink, Recording
from framewatch_client import StreamResult
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.rules.replay import RecordedFrame
from framewatch_core.time import NS_PER_S, Moment
from framewatch_wire.json_lines import response_json

SCORES_SUFFIX = ".jsonl"
_DURATION = re.compile(r"(?P<seconds>\d{1,12}(?:\.\d{1,9})?)s", re.ASCII)


class ScoresFileError(ValueError):
    """Error of a file of scores that can't be read; the message has the line's number."""


def take_nothing(_item: StreamResult) -> None:
    """Drops an item: an ItemSink that keeps nothing."""


@contextmanager
def scores_writer(path: Path | None) -> Iterator[ItemSink]:
    """Yields a sink that writes items to a file, as lines of JSON; of None, one that drops them. Raises OSError."""
    if path is None:
        yield take_nothing
        return
    with path.open("w", encoding="utf-8") as file:

        def write(item: StreamResult) -> None:
            file.write(response_json(item) + "\n")

        yield write


def read_recording(path: Path) -> Recording:
    """Returns the frames of a file of scores. Raises OSError, ScoresFileError."""
    return Recording(tuple(iter_recording(path)))


def iter_recording(path: Path) -> Iterator[RecordedFrame]:
    """Yields the frames of a file of scores, one at a time. Raises OSError, ScoresFileError."""
    count = 0
    with path.open(encoding="utf-8") as lines:
        try:
            for frame in parse_frames(lines):
                count += 1
                yield frame
        except UnicodeDecodeError as error:
            raise ScoresFileError(f"{path}: this is no text in UTF-8: {error.reason}") from error
        except ScoresFileError as error:
            raise ScoresFileError(f"{path}: {error}") from error
    if not count:
        raise ScoresFileError(f"{path}: there is no scored frame in it: expected what framewatch watch --json prints")


def parse_frames(lines: Iterable[str]) -> Iterator[RecordedFrame]:
    """Yields the scored frames among lines of `StreamFramesResponse` in JSON; skips other lines and blank ones.

    Raises:
        ScoresFileError: with the line's number.

    """
    last_ns = -1
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            frame = _frame(_object(json.loads(line), "the line"))
        except (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
            raise ScoresFileError(f"line {number}: {_what(error)}") from error
        if frame is None:
            continue
        if frame.at.time_ns < last_ns:
            raise ScoresFileError(
                f"line {number}: the frame's time, {frame.at.time_ns / NS_PER_S:g} s, lies before that of the frame "
                "before it: expected one recording in a file"
            )
        last_ns = frame.at.time_ns
        yield frame


def _what(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"this is no JSON: {error.msg} (column {error.colno})"
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)


def _frame(message: Mapping[str, Any]) -> RecordedFrame | None:
    """Returns a scored frame; None: the message is something else."""
    result = message.get("result")
    if result is None or "scores" not in _object(result, "result"):
        return None
    regions = [_object(region, "a region") for region in _object(result["scores"], "scores").get("regions", ())]
    return RecordedFrame(
        Moment(int(result.get("frame_id", 0)), _nanoseconds(result["time_offset"])),
        {region.get("region_id", ""): tuple(map(_score, region.get("scores", ()))) for region in regions},
        frozenset(region.get("region_id", "") for region in regions if region.get("suspended", False)),
    )


def _score(value: Any) -> LabelScore:
    score = _object(value, "a score")
    presence = score.get("presence")
    return LabelScore(
        str(score["label"]),
        float(score.get("probability", 0.0)),
        float(score.get("similarity", 0.0)),
        None if presence is None else float(presence),
    )


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is {value!r:.60}: expected an object")  # noqa: TRY004  reported with the line as the others are
    return value


def _nanoseconds(text: Any) -> int:
    """Returns the nanoseconds of a Duration in protobuf's JSON mapping, such as `1.5s`."""
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"time_offset is {text!r}: expected seconds such as '1.5s'")
    return int(Decimal(found["seconds"]) * NS_PER_S)
