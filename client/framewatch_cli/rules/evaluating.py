"""Evaluates rules: the truth about a recording, the recording itself, and the figures as plain data."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from framewatch_cli.pictures.examples import load_example
from framewatch_cli.rules.file import RulesFile
from framewatch_cli.rules.recording import ItemSink, Recording, record
from framewatch_client import AsyncFramewatchClient, Thinner, open_source
from framewatch_core.calibration.estimates import Estimate
from framewatch_core.calibration.evaluation import Evaluation, RuleEvaluation
from framewatch_core.calibration.truth import InvalidTruth, VideoTruth, load_truth
from framewatch_core.rules.events import EventKind
from framewatch_core.rules.replay import replay
from framewatch_core.time import NS_PER_S


def read_truth(path: Path, video: str, *, fps: float | None = None, until_ns: int | None = None) -> VideoTruth:
    """Reads the truth about a video from a file in the form of `truth.load_truth`.

    Args:
        path: path of the JSON file.
        video: name of the video in the file; of a path, its last part is used.
        fps: frames a second that are scored; if that is fewer than the video has, the tolerance grows by the time
            between two of them. None: all frames.
        until_ns: end of the part that is evaluated; None: all of it.

    Raises:
        OSError: the file can't be read.
        InvalidTruth: the file can't be used; with the path of the value.

    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InvalidTruth(f"{path} is no JSON: {error}", "") from error
    name = video if isinstance(data, dict) and video in data else Path(video).name
    truth = load_truth(data, name)
    if until_ns is not None:
        truth = truth.until(until_ns)
    if fps is not None and fps < _fps_of(data, name):
        truth = truth.tolerant_of(round(NS_PER_S / fps))
    return truth


def _fps_of(data: Any, video: str) -> float:
    return float(data[video]["fps"])


def replayed(
    recording: Recording, file: RulesFile, *, fps: float | None = None, until_ns: int | None = None
) -> Recording:
    """Returns the recording at a lower frame rate and up to a time, with the events that the file's rules emit.

    Raises InvalidRule.
    """
    thinner = Thinner(fps)
    frames = tuple(
        frame
        for frame in recording.frames
        if (until_ns is None or frame.at.time_ns < until_ns) and thinner.takes(frame.at.time_ns / NS_PER_S)
    )
    return Recording(frames, tuple(replay(frames, file.rules)))


async def watch_recording(
    client: AsyncFramewatchClient,
    source: str,
    file: RulesFile,
    *,
    fps: float | None = None,
    until_ns: int | None = None,
    model: str = "",
    on_item: ItemSink | None = None,
) -> Recording:
    """Streams a recording with the labels and rules of a rules file. Raises as `record` and `load_example`."""
    label_set = await asyncio.to_thread(file.label_set, load_example)
    with await asyncio.to_thread(open_source, source, fps) as frames:
        return await record(client, frames, label_set, until_ns=until_ns, on_item=on_item, **file.watch_keywords(model))


def evaluation_summary(evaluation: Evaluation) -> dict[str, Any]:
    """Returns the figures as plain data, with times in seconds."""
    delay_ns = evaluation.median_delay_ns()
    longest_ns = evaluation.max_delay_ns()
    return {
        "perfect": evaluation.is_perfect,
        "precision": _estimate(evaluation.precision),
        "recall": _estimate(evaluation.recall),
        "median_delay_s": None if delay_ns is None else delay_ns / NS_PER_S,
        "max_delay_s": None if longest_ns is None else longest_ns / NS_PER_S,
        "flap_count": evaluation.flap_count,
        "rules": [_rule_summary(rule) for rule in evaluation.rules],
        "unwatched_regions": list(evaluation.unwatched),
    }


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high, "basis": estimate.basis}


def _rule_summary(rule: RuleEvaluation) -> dict[str, Any]:
    return {
        "rule": rule.rule,
        "region": rule.region_id,
        "right": [_moment(match.event.kind, match.event.began.time_ns) for match in rule.matches],
        "missed": [_moment(transition.kind, transition.time_ns) for transition in rule.missed],
        "false": [_moment(event.kind, event.began.time_ns) for event in rule.false],
        "doubled": [_moment(event.kind, event.began.time_ns) for event in rule.doubled],
        "unsure": [_moment(event.kind, event.began.time_ns) for event in rule.unsure],
    }


def _moment(kind: EventKind, time_ns: int) -> dict[str, Any]:
    return {"kind": kind.name, "time_s": time_ns / NS_PER_S}
