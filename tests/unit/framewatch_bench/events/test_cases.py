"""Cases of `bench events` that are made of a truth, without a server."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from framewatch_bench.events.cases import cases_of, load_videos, quiet_moment, stretched
from framewatch_client import Frame
from framewatch_core.calibration.intervals import Interval
from framewatch_core.calibration.truth import InvalidTruth, Track, VideoTruth
from framewatch_core.images.regions import WHOLE_FRAME, Region
from framewatch_core.time import NS_PER_S


def truth(*present: tuple[float, float], end_s: float = 100, other: tuple[tuple[float, float], ...] = ()) -> VideoTruth:
    """Seconds; `other` is a second region's."""

    def spans(of: tuple[tuple[float, float], ...]) -> tuple[Interval, ...]:
        return tuple(Interval(round(start * NS_PER_S), round(end * NS_PER_S)) for start, end in of)

    tracks = [Track(WHOLE_FRAME, spans(present))]
    if other:
        tracks.append(Track(Region("b", 0, 0, 0.5, 0.5), spans(other)))
    return VideoTruth(round(end_s * NS_PER_S), NS_PER_S, tuple(tracks))


@pytest.mark.parametrize(
    ("of", "is_present", "expected_s"),
    [
        pytest.param(truth((10, 20), (40, 70)), True, 55, id="longest appearance"),
        pytest.param(truth((10, 20), (40, 70)), False, 85, id="longest absence, to the end"),
        pytest.param(
            truth((10, 20), (40, 70), other=((30, 54),)), True, 62, id="nothing moves in other regions either"
        ),
        pytest.param(truth((0, 100)), False, None, id="never absent"),
        pytest.param(truth((0, 100)), True, 50, id="always present"),
    ],
)
def test_splices_come_at_quiet_moments(of: VideoTruth, is_present: bool, expected_s: float | None) -> None:
    moment = quiet_moment(of, is_present=is_present)
    assert moment == (None if expected_s is None else expected_s * NS_PER_S)


def test_a_splice_moves_what_comes_after_it() -> None:
    moved = stretched(truth((10, 20), (40, 70)), 55 * NS_PER_S, 30 * NS_PER_S)
    assert moved == truth((10, 20), (40, 100), end_s=130)


def test_cases_keep_the_number_of_frames_except_splices_and_thinned_ones() -> None:
    frames = [Frame(np.full((40, 60, 3), i, np.uint8), i / 10, i) for i in range(30)]
    for case in cases_of(truth((1, 2), end_s=3)):
        changed = list(case.change(iter(frames)))
        spliced_count = 300 if "30 s," in case.name else 0
        assert len(changed) == 30 + spliced_count, case.name
        times = [frame.time_s or 0.0 for frame in changed]
        assert times == sorted(times)
        assert case.truth.end_ns == (33 if spliced_count else 3) * NS_PER_S


def test_the_existing_videos_of_a_file_of_truth_are_loaded(tmp_path: Path) -> None:
    entry = {
        "fps": 10,
        "frames": 300,
        "regions": {"full": [0, 0, 1, 1]},
        "present": {"full": [[10, 50], [150, 250]]},
        "tolerance_frames": 5,
    }
    (tmp_path / "truth.json").write_text(json.dumps({"here.mp4": entry, "gone.mp4": entry}))
    (tmp_path / "here.mp4").touch()
    (video,) = load_videos(tmp_path / "truth.json", 1 / 3)
    assert video.until_ns == 10 * NS_PER_S
    plan = video.plan("thing")
    assert plan.regions == ()
    assert [(span.start_ns / NS_PER_S, span.end_ns / NS_PER_S) for span in plan.present] == [(1, 5.1)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(None, "No such file", id="no file"),
        pytest.param("{", "can't be read as JSON", id="no JSON"),
        pytest.param("[]", "names no video", id="no object"),
        pytest.param("{}", "names no video", id="empty"),
    ],
)
def test_an_unusable_file_of_truth_is_refused(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "truth.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InvalidTruth, match=words):
        load_videos(path, 0.5)
