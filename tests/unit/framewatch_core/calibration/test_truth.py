"""Files of truth, and the errors about them."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from framewatch_core.calibration.truth import InvalidTruth, load_truth
from tests.intervals import interval
from tests.paths import SHARED_DATA

DATA = SHARED_DATA / "ground_truth.json"
ENTRY: dict[str, Any] = {
    "fps": 10.0,
    "frames": 100,
    "width": 64,
    "regions": {"full": [0.0, 0.0, 1.0, 1.0], "left": [0, 0, 0.5, 1]},
    "present": {"full": [[0, 19], [50, 99]], "left": []},
    "tolerance_frames": 15,
    "what": "a room",
}


def test_frames_become_times() -> None:
    truth = load_truth({"a.mp4": ENTRY}, "a.mp4")
    assert (truth.end_ns, truth.tolerance_ns) == (10_000_000_000, 1_500_000_000)
    full, left = truth.tracks
    assert full.present == (interval(0, 2), interval(5, 10)), "an end is the first frame without"
    assert (left.region.id, left.present) == ("left", ())


def test_what_is_not_needed_is_read_too() -> None:
    entry = {**ENTRY, "fuzzy": {"full": [[20, 29], [45, 54]]}, "label": "a man", "share": 0.5}
    truth = load_truth({"a.mp4": entry}, "a.mp4")
    assert (truth.label, truth.share) == ("a man", 0.5)
    assert [track.fuzzy for track in truth.tracks] == [(interval(2, 3), interval(4.5, 5.5)), ()]
    part = truth.until(5_000_000_000)
    assert part.tracks[0].fuzzy == (interval(2, 3), interval(4.5, 5))
    assert (part.label, part.share) == ("a man", 0.5)


def test_a_part_of_the_video() -> None:
    truth = load_truth({"a.mp4": ENTRY}, "a.mp4").until(7_000_000_000)
    assert truth.end_ns == 7_000_000_000
    assert truth.tracks[0].present == (interval(0, 2), interval(5, 7))
    assert truth.until(5_000_000_000).tracks[0].present == (interval(0, 2),)
    assert truth.until(99_000_000_000) is truth


def test_sparser_frames_have_more_tolerance() -> None:
    assert load_truth({"a.mp4": ENTRY}, "a.mp4").tolerant_of(500_000_000).tolerance_ns == 2_000_000_000


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        pytest.param({"fps": 0}, "a.mp4.fps", "more than 0", id="no rate"),
        pytest.param({"fps": "10"}, "a.mp4.fps", "expected a number", id="rate as text"),
        pytest.param({"frames": None}, "a.mp4.frames", "missing", id="no frames"),
        pytest.param({"frames": True}, "a.mp4.frames", "whole number", id="true frames"),
        pytest.param({"tolerance_frames": -1}, "a.mp4.tolerance_frames", "at least 0", id="negative tolerance"),
        pytest.param({"regions": []}, "a.mp4.regions", "expected an object", id="regions as a list"),
        pytest.param({"regions": {"full": [0, 0, 1]}}, "a.mp4.regions.full", "list of 4", id="three numbers"),
        pytest.param({"regions": {"full": [0, 0, 2, 1]}}, "a.mp4.regions.full", "outside", id="too wide"),
        pytest.param({"present": {"full": [[5, 100]]}}, "a.mp4.present.full[0]", "last < frames", id="beyond the end"),
        pytest.param({"present": {"full": [[5, 4]]}}, "a.mp4.present.full[0]", "first ≤ last", id="backwards"),
        pytest.param({"present": {"full": [[5]]}}, "a.mp4.present.full[0]", "list of 2", id="one number"),
        pytest.param({"present": {"full": [[5, 9], [9, 12]]}}, "a.mp4.present.full", "without overlap", id="overlap"),
        pytest.param({"present": {"full": [], "top": []}}, "a.mp4.present.top", "regions lacks", id="unknown region"),
        pytest.param({"fuzzy": {"top": []}}, "a.mp4.fuzzy.top", "regions lacks", id="unknown fuzzy region"),
        pytest.param(
            {"fuzzy": {"full": [[0, 100]]}}, "a.mp4.fuzzy.full[0]", "last < frames", id="fuzzy beyond the end"
        ),
        pytest.param({"label": 3}, "a.mp4.label", "expected a text", id="label as a number"),
        pytest.param({"share": 1.5}, "a.mp4.share", "at most 1", id="more than all"),
        pytest.param({"share": 0}, "a.mp4.share", "more than 0", id="no share"),
        pytest.param({"present": {"left": []}}, "a.mp4.present.full", "missing", id="a region without intervals"),
    ],
)
def test_errors_name_their_place(changes: dict[str, Any], field: str, message: str) -> None:
    entry = {**copy.deepcopy(ENTRY), **changes}
    if "regions" in changes:
        entry["present"] = {"full": []}
    with pytest.raises(InvalidTruth, match=message) as caught:
        load_truth({"a.mp4": entry}, "a.mp4")
    assert caught.value.field == field


def test_an_unknown_video_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidTruth, match=r"known are 'a.mp4'"):
        load_truth({"a.mp4": ENTRY}, "b.mp4")
    with pytest.raises(InvalidTruth, match="expected an object"):
        load_truth([], "b.mp4")


@pytest.mark.skipif(not DATA.exists(), reason="the example videos' truth is not beside the checkout")
def test_the_example_videos() -> None:
    data = json.loads(DATA.read_text())
    assert [len(track.present) for track in load_truth(data, "person.mp4").tracks] == [6]
    assert [len(track.present) for track in load_truth(data, "bottles.mp4").tracks] == [3, 2, 2]
