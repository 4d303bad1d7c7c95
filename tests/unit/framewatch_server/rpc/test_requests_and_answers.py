from __future__ import annotations

import pytest
from google.protobuf.duration_pb2 import Duration

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core import errors
from framewatch_core.errors import FramewatchError, InternalError, InvalidRequest
from framewatch_core.rules.rule import EventKind, EventRule, RuleEvent
from framewatch_core.stream.messages import Event
from framewatch_core.time import Moment
from framewatch_server.rpc import answers, requests

S = 1_000_000_000


@pytest.mark.parametrize(
    "time_ns", [0, 1, S - 1, S, S + 1, 123_456_789_012, -1, -S, -S - 1, -S + 1, 315_576_000_000 * S], ids=str
)
def test_durations_round_trip(time_ns: int) -> None:
    message = answers.duration(time_ns)
    assert message.seconds * message.nanos >= 0, "both parts have the same sign"
    assert requests.to_ns(message) == time_ns


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(Duration(seconds=1, nanos=-1), id="signs differ"),
        pytest.param(Duration(nanos=S), id="a second of nanos"),
        pytest.param(Duration(seconds=315_576_000_001), id="too long"),
    ],
)
def test_broken_durations_are_refused(message: Duration) -> None:
    with pytest.raises(InvalidRequest):
        requests.to_ns(message)


def test_a_broken_duration_of_a_frame_is_its_outcome() -> None:
    frame = requests.to_frame(pb.Frame(frame_id=3, time_offset=Duration(nanos=-(2**31)), image=pb.Image(encoded=b"x")))
    assert frame.frame_id == 3
    assert isinstance(frame.image, InvalidRequest)
    assert frame.image.field == "frame.time_offset"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (errors.EmptyImage(""), pb.FRAME_ERROR_REASON_EMPTY_IMAGE),
        (errors.UnsupportedFormat(""), pb.FRAME_ERROR_REASON_UNSUPPORTED_FORMAT),
        (errors.UndecodableImage(""), pb.FRAME_ERROR_REASON_UNDECODABLE_IMAGE),
        (errors.InvalidRawImage(""), pb.FRAME_ERROR_REASON_INVALID_RAW_IMAGE),
        (errors.ImageTooLarge("", limit="", maximum=1, actual=2), pb.FRAME_ERROR_REASON_IMAGE_TOO_LARGE),
        (errors.FrameOutOfOrder(""), pb.FRAME_ERROR_REASON_OUT_OF_ORDER),
        (errors.InternalError(""), pb.FRAME_ERROR_REASON_INTERNAL),
        (errors.ServerDraining(""), pb.FRAME_ERROR_REASON_INTERNAL),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, FramewatchError) else None,
)
def test_frame_errors_have_reasons(error: FramewatchError, reason: int) -> None:
    assert answers.frame_error_reason(error) == reason


def test_every_reason_of_the_contract_has_an_error() -> None:
    reasons = {error.reason for error in _descendants(FramewatchError)}
    names = {name.removeprefix("FRAME_ERROR_REASON_") for name in pb.FrameErrorReason.keys()}  # noqa: SIM118
    assert names - {"UNSPECIFIED"} <= reasons


def _descendants(kind: type[FramewatchError]) -> list[type[FramewatchError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _descendants(child))]


def test_internal_is_the_fallback_reason() -> None:
    assert InternalError.reason == FramewatchError.reason == "INTERNAL"


def test_wall_times_come_with_an_origin_only() -> None:
    seen = RuleEvent(EventKind.ENTERED, EventRule("a", 0.5), Moment(2, 3 * S), Moment(1, S), 0.9, 0.95)
    without = answers.event(Event("e", seen)).event
    assert not without.HasField("wall_time")
    message = answers.event(Event("e", seen, 100 * S + 1)).event
    assert (message.wall_time.seconds, message.wall_time.nanos, message.began_wall_time.seconds) == (103, 1, 101)


@pytest.mark.parametrize(
    "content", [pb.Image(), pb.Image(encoded=b""), pb.Image(raw=pb.RawImage())], ids=["none", "empty", "raw"]
)
def test_images_without_content_are_refused(content: pb.Image) -> None:
    with pytest.raises(InvalidRequest):
        requests.to_image(content)
