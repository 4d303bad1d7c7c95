"""Recordings of scores, for calibration and replay, and as lines of JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_cli.rules.recording import Collector, Recording, record
from framewatch_cli.rules.score_files import ScoresFileError, parse_frames, read_recording, scores_writer
from framewatch_client import Event, FrameResult, HealthEvent, open_source
from framewatch_client.aio import AsyncFramewatchClient
from framewatch_core.errors import InvalidRequest
from framewatch_core.labels.scoring import ScoreKind
from framewatch_core.rules.events import EventKind
from framewatch_core.stream.messages import StreamStarted
from framewatch_core.stream.results import Dropped
from framewatch_core.time import Moment
from framewatch_wire.durations import duration_to_proto
from framewatch_wire.json_lines import response_json
from framewatch_wire.responses import response_from_proto
from framewatch_wire.results import frame_result_from_proto
from tests.unit.framewatch_cli.rules.recordings import FRAME_NS, PRESENT, S, recording, result
from tests.unit.framewatch_client.fake_server import FakeService


def event(kind: pb.EventKind, frame_id: int) -> pb.StreamFramesResponse:
    seen = pb.Event(kind=kind, rule_id="box", frame_id=frame_id, time_offset=duration_to_proto(frame_id * FRAME_NS))
    return pb.StreamFramesResponse(event=seen)


def test_scored_frames_and_events_of_rules_are_kept() -> None:
    frames = recording().frames[:3]
    collector = Collector()
    for frame in frames:
        collector.add(result(frame))
    failed = pb.FrameResult(frame_id=3, error=pb.FrameError(message="broken"))
    collector.add(frame_result_from_proto(failed))
    suspended = pb.HealthEvent(kind=pb.HEALTH_EVENT_KIND_SUSPENDED, frame_id=4)
    for message in (pb.StreamFramesResponse(health_event=suspended), event(pb.EVENT_KIND_ENTERED, 4)):
        item = response_from_proto(message)
        assert isinstance(item, Event | HealthEvent)
        collector.add(item)
    found = collector.recording()
    assert [frame.at for frame in found.frames] == [frame.at for frame in frames]
    assert found.frames[1].scores[""][0].presence == pytest.approx(frames[1].scores[""][0].presence)
    assert [(e.kind, e.rule_id, e.at.time_ns, e.began.time_ns) for e in found.events] == [
        (EventKind.ENTERED, "box", 4 * FRAME_NS, 0)
    ]
    assert found.missing_count == 1


def test_material_leaves_out_what_rules_did_not_see() -> None:
    whole = recording()
    frames = tuple(replace(f, held=frozenset({""})) if 30 <= i < 40 else f for i, f in enumerate(whole.frames))
    material = Recording(frames).material("box", PRESENT, (S(0, 2),))
    assert len(material.times_ns) == 120
    assert not np.any((material.times_ns >= 3_000_000_000) & (material.times_ns < 4_000_000_000))
    assert set(material.scores) == set(ScoreKind)


def test_material_without_presence_has_the_other_scores() -> None:
    frames = recording().frames
    bare = tuple(
        replace(f, scores={"": tuple(replace(score, presence=None) for score in f.scores[""])}) for f in frames
    )
    material = Recording(bare).material("box", PRESENT, (S(0, 2),))
    assert set(material.scores) == {ScoreKind.PROBABILITY, ScoreKind.SIMILARITY}


@pytest.mark.parametrize(("label", "region"), [("dog", ""), ("box", "left")])
def test_what_was_not_scored_is_refused(label: str, region: str) -> None:
    with pytest.raises(InvalidRequest, match="frame 0 was not scored against"):
        recording().material(label, PRESENT, (S(0, 2),), region)


def test_a_recording_ends_a_frame_after_its_last() -> None:
    assert recording(count=20).end_ns == 2_000_000_000
    assert Recording(()).end_ns == 0


def test_a_lone_outlier_of_time_at_the_end_makes_a_recording_no_longer() -> None:
    frames = recording(count=20).frames
    far = replace(frames[-1], at=Moment(20, 900_000_000_000), held=frozenset({""}))
    assert Recording((*frames, far)).end_ns == 2_000_000_000
    next_one = replace(frames[-1], at=Moment(21, 900_100_000_000))
    assert Recording((*frames, far, next_one)).end_ns == 900_200_000_000, "the clock has moved"


async def test_record_streams_up_to_a_time(address: str, service: FakeService, make_video: Callable[..., Path]) -> None:
    items: list[object] = []
    async with AsyncFramewatchClient(address) as client:
        with open_source(str(make_video(20, 10.0))) as source:
            found = await record(client, source, ["box", "belt"], until_ns=700_000_000, on_item=items.append)
    assert [frame.at.frame_id for frame in found.frames] == list(range(7))
    assert len(items) == 7
    assert [frame.frame_id for frame in service.frames] == list(range(7))


def test_lines_of_json_are_read_again(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    written = recording(count=5, regions=("left", "right"))
    written = replace(written, frames=(*written.frames[:4], replace(written.frames[4], held=frozenset({"right"}))))
    with scores_writer(path) as write:
        for frame in written.frames:
            write(result(frame))
    found = read_recording(path)
    assert [frame.at for frame in found.frames] == [frame.at for frame in written.frames]
    assert [frame.held for frame in found.frames] == [frame.held for frame in written.frames]
    for ours, theirs in zip(written.frames, found.frames, strict=True):
        assert list(theirs.scores) == ["left", "right"]
        for mine, read in zip(ours.scores["left"], theirs.scores["left"], strict=True):
            assert (read.label, read.presence) == (mine.label, pytest.approx(mine.presence))
            assert (read.probability, read.similarity) == pytest.approx((mine.probability, mine.similarity))


def test_lines_that_are_no_scored_frames_are_passed_over() -> None:
    frame = recording().frames[0]
    lines = [
        response_json(StreamStarted(model="demo")),
        response_json(FrameResult(0, 0, 1, Dropped(None))),
        "",
        response_json(result(frame)),
        response_json(Event(kind=EventKind.ENTERED, rule_id="box", label="box", at=Moment(0, 0), began=Moment(0, 0))),
        '{"of a later version": {}}',
    ]
    assert [found.at for found in parse_frames(lines)] == [frame.at]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param("{", "no JSON", id="cut off"),
        pytest.param("[1]", "the line is .1.: expected an object", id="a list"),
        pytest.param('{"result": {"scores": {}}}', "'time_offset' is missing", id="no time"),
        pytest.param('{"result": {"time_offset": "soon", "scores": {}}}', "time_offset is 'soon'", id="no number"),
        pytest.param('{"result": {"time_offset": "xs", "scores": {}}}', "time_offset is 'xs'", id="no number at all"),
        pytest.param(
            '{"result": {"time_offset": "1s", "scores": {"regions": [{"scores": [{}]}]}}}', "'label'", id="no label"
        ),
        pytest.param('{"result": {"time_offset": "1s", "scores": 3}}', "scores is 3", id="no scores"),
        pytest.param(
            '{"result": {"frame_id": Infinity, "time_offset": "1s", "scores": {}}}', "infinity", id="no whole number"
        ),
        pytest.param("[" * 100_000, "recursion", id="nested too deep"),
    ],
)
def test_errors_name_the_line(line: str, message: str) -> None:
    good = response_json(result(recording().frames[0]))
    with pytest.raises(ScoresFileError, match=rf"^line 3: .*{message}"):
        list(parse_frames([good, "", line]))


def test_two_recordings_in_a_file_are_refused() -> None:
    lines = [response_json(result(frame)) for frame in recording().frames[:3]]
    with pytest.raises(ScoresFileError, match=r"line 4: .*one recording"):
        list(parse_frames([*lines, lines[0]]))


def test_a_file_without_frames_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    path.write_text("\n")
    with pytest.raises(ScoresFileError, match=r"scores\.jsonl: there is no scored frame"):
        read_recording(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ScoresFileError, match="no text in UTF-8"):
        read_recording(path)
