"""The server's time for a request."""

from __future__ import annotations

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.stream.results import Timings
from framewatch_wire.durations import duration_from_proto, duration_to_proto


def timings_to_proto(timings: Timings) -> pb.Timings:
    """Returns timings as a message."""
    return pb.Timings(
        decode=duration_to_proto(timings.decode_ns),
        queue=duration_to_proto(timings.queue_ns),
        inference=duration_to_proto(timings.inference_ns),
        batch_size=timings.batch_size,
    )


def timings_from_proto(message: pb.Timings) -> Timings:
    """Returns timings; of an empty message zeros."""
    return Timings(
        duration_from_proto(message.decode),
        duration_from_proto(message.queue),
        duration_from_proto(message.inference),
        message.batch_size,
    )
