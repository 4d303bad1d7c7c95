"""The example videos in the size in which health is assessed, and the reports of the monitor about them."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from framewatch_bench.events.disturbances import Frame, Pixels
from framewatch_core.health.events import HealthEvent, HealthEventKind
from framewatch_core.health.monitor import HealthMonitor, HealthPolicy, HealthProblem, HealthReport
from framewatch_core.images.regions import Region
from framewatch_core.time import NS_PER_S, Moment
from framewatch_server.vision.pixels.statistics import picture_stats
from tests.paths import SHARED_DATA

SIZE = (284, 160)

needs_videos = pytest.mark.skipif(
    not (SHARED_DATA / "ground_truth.json").is_file(), reason="the example videos are not there (../shared/data)"
)


@functools.cache
def pictures(name: str) -> npt.NDArray[np.uint8]:
    """Returns every second frame of bottles.mp4, or every frame of person.mp4, RGB `[n, 160, 284, 3]`."""
    capture = cv2.VideoCapture(str(SHARED_DATA / name))
    every = 2 if capture.get(cv2.CAP_PROP_FPS) > 20 else 1
    frames = []
    while capture.grab():
        if (round(capture.get(cv2.CAP_PROP_POS_FRAMES)) - 1) % every == 0:
            shrunk = cv2.resize(capture.retrieve()[1], SIZE, interpolation=cv2.INTER_AREA)
            frames.append(jpeg(cv2.cvtColor(shrunk, cv2.COLOR_BGR2RGB), 90))
    return np.stack(frames)


def native_rate(name: str) -> float:
    return 10.0 if name == "person.mp4" else 29.83 / 2


def jpeg(pixels: Pixels, quality: int) -> Pixels:
    encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)


def frames(
    name: str,
    rate: float | None = None,
    change: Callable[[Pixels], Pixels] = lambda pixels: pixels,
    span_s: tuple[float, float] = (0, 1000),
) -> Iterator[Frame]:
    """Yields frames at about `rate`, of the part of the video inside the span, with times from 0 s."""
    native = native_rate(name)
    step = native / rate if rate else 1
    first, last = span_s[0] * native, min(span_s[1] * native, len(pictures(name)))
    for i in np.arange(first, last, step):
        yield (float(i) - first) / native, change(pictures(name)[int(i)])


def regions(name: str) -> list[Region]:
    truth = json.loads((SHARED_DATA / "ground_truth.json").read_text())[name]["regions"]
    return [Region(name, *box) for name, box in truth.items() if box != [0, 0, 1, 1]]


def assess_health(
    video: Iterable[Frame], parts: Iterable[Region] = (), policy: HealthPolicy | None = None
) -> list[tuple[float, HealthReport]]:
    """Returns the monitor's report of each frame, with the frame's time in seconds."""
    monitor, reports = HealthMonitor(policy or HealthPolicy()), []
    for i, (time_s, pixels) in enumerate(video):
        stats = {"": picture_stats(pixels)}
        for part in parts:
            left, top, right, bottom = part.pixel_box(pixels.shape[1], pixels.shape[0])
            stats[part.id] = picture_stats(pixels[top:bottom, left:right])
        reports.append((time_s, monitor.update(Moment(i, round(time_s * NS_PER_S)), stats, stats.keys())))
    return reports


def events(reports: list[tuple[float, HealthReport]], region: str = "") -> list[HealthEvent]:
    return [event for _, report in reports for event in report.events if event.region_id == region]


def kinds(
    reports: list[tuple[float, HealthReport]], region: str = ""
) -> list[tuple[HealthEventKind, HealthProblem | None]]:
    return [(event.kind, event.problem) for event in events(reports, region)]


def once(problem: HealthProblem) -> list[tuple[HealthEventKind, HealthProblem | None]]:
    return [(HealthEventKind.SUSPENDED, problem), (HealthEventKind.RESUMED, None)]
