"""Frames of a stream."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.errors import FrameOutOfOrder, FramewatchError, InvalidRequest
from framewatch_core.images.image import Image
from framewatch_core.stream.messages import ReceivedFrame
from framewatch_wire.durations import checked_duration_from_proto, duration_to_proto
from framewatch_wire.fields import under
from framewatch_wire.images import image_from_proto


def frame_to_proto(frame_id: int, time_ns: int | None, image: pb.Image) -> pb.Frame:
    """Returns a frame as a message.

    Args:
        frame_id: its number.
        time_ns: its time since the client's origin, not negative; None: the server takes the time of arrival.
        image: its image, converted already: images are large and are not to be held twice.

    """
    time_offset = None if time_ns is None else duration_to_proto(time_ns)
    return pb.Frame(frame_id=frame_id, time_offset=time_offset, image=image)


def frame_from_proto(message: pb.Frame) -> ReceivedFrame[Image]:
    """Returns a frame. What is wrong with its time or its image comes in their place: it must not end the stream."""
    time_ns = _frame_time_from_proto(message.time_offset) if message.HasField("time_offset") else None
    try:
        with under("frame.image"):
            image = image_from_proto(message.image)
    except FramewatchError as error:
        # returned here: in a variable it would keep itself by its traceback, and the message with it
        return ReceivedFrame(message.frame_id, time_ns, error)
    return ReceivedFrame(message.frame_id, time_ns, image, len(image.data))


def _frame_time_from_proto(message: Duration) -> int | FrameOutOfOrder:
    try:
        return checked_duration_from_proto(message)
    except InvalidRequest as error:  # INVALID_FIELD is a reason of calls, which frames would report as INTERNAL
        return FrameOutOfOrder(error.message, "frame.time_offset")
