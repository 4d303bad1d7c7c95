from __future__ import annotations

from google.protobuf.duration_pb2 import Duration
from hypothesis import given
from hypothesis import strategies as st

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.errors import EmptyImage, FrameOutOfOrder
from framewatch_core.images.image import EncodedImage
from framewatch_core.stream.messages import ReceivedFrame
from framewatch_core.stream.results import FrameError, FrameErrorReason
from framewatch_wire.frames import frame_from_proto, frame_to_proto
from tests.unit.framewatch_wire.sent import sent
from tests.unit.framewatch_wire.values import FRAME_IDS, TIMES_NS


@given(FRAME_IDS, st.none() | TIMES_NS)
def test_a_frame_arrives_as_it_was(frame_id: int, time_ns: int | None) -> None:
    message = sent(frame_to_proto(frame_id, time_ns, pb.Image(encoded=b"x")))
    assert frame_from_proto(message) == ReceivedFrame(frame_id, time_ns, EncodedImage(b"x"), image_bytes=1)


def test_a_broken_duration_of_a_frame_is_its_outcome() -> None:
    frame = frame_from_proto(pb.Frame(frame_id=3, time_offset=Duration(nanos=-(2**31)), image=pb.Image(encoded=b"x")))
    assert frame.frame_id == 3
    assert frame.image == EncodedImage(b"x")
    assert isinstance(frame.time_ns, FrameOutOfOrder)
    assert FrameError.of(frame.time_ns).reason is FrameErrorReason.OUT_OF_ORDER
    assert frame.time_ns.field == "frame.time_offset"


def test_a_missing_image_of_a_frame_is_its_outcome() -> None:
    frame = frame_from_proto(pb.Frame(frame_id=3))
    assert isinstance(frame.image, EmptyImage)
    assert frame.image.field == "frame.image"
