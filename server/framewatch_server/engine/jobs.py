"""Pictures under way, and what becomes of them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from framewatch_core.arrays import Float32Array, UInt8Array
from framewatch_core.errors import ServerUnavailable
from framewatch_core.images.image import Image
from framewatch_core.images.statistics import PictureStats
from framewatch_core.stream.messages import Timings
from framewatch_server.engine.reuse import Leader, Recall
from framewatch_server.vision.pixels.view import WHOLE, View


@dataclass(frozen=True, slots=True)
class Embedded:
    """A picture's vectors.

    Attributes:
        vectors: what the encoder gave for each of the view's inputs, `[inputs, vector_size]`.
        timings: where the time went.
        pictures: what the judgement of the picture's health needs, by region id; empty if it is not judged.
        reused_frame_id: of the earlier frame whose embedding it is; None: it is the picture's own.

    """

    vectors: Float32Array
    timings: Timings
    pictures: Mapping[str, PictureStats] = field(default_factory=dict)
    reused_frame_id: int | None = None


class Job:
    """A picture to embed, and who wants to know; subclasses say what happens with the result."""

    __slots__ = (
        "asked_ns",
        "cancelled",
        "decode_ns",
        "decoded_ns",
        "image",
        "pictures",
        "pixels",
        "recall",
        "view",
        "waited_ns",
    )

    def __init__(self, image: Image, view: View = WHOLE, recall: Recall[Job] | None = None) -> None:
        """Asks for a picture's vectors.

        Args:
            image: the picture.
            view: what is looked at of it.
            recall: how the picture's stream remembers it; None: the picture is embedded whatever it shows.

        """
        self.image: Image | None = image
        self.view = view
        self.recall = recall
        self.pixels: UInt8Array | None = None
        self.pictures: Mapping[str, PictureStats] = {}
        self.cancelled = False
        self.asked_ns = time.perf_counter_ns()
        self.waited_ns = 0
        self.decode_ns = 0
        self.decoded_ns = 0

    @property
    def decoded_pixels(self) -> UInt8Array:
        """The model's inputs, uint8 `[n, 3, height, width]`; they are there once the picture is decoded."""
        if self.pixels is None:
            msg = "a job on the device is decoded"
            raise AssertionError(msg)
        return self.pixels

    def done(self, result: Embedded | Exception) -> None:
        """Takes the embedding or why there is none; called once in the event loop, unless the job was cancelled."""
        raise NotImplementedError

    def cancel(self) -> None:
        """Nobody wants the result any more: the job costs no decoding and no device time from here on."""
        self.cancelled = True
        self.image = None

    def reused(self, leader: Leader) -> Embedded:
        """Its result, if that is the embedding of an earlier frame; one that was not decoded is the same picture."""
        if leader.vectors is None:
            msg = "the leader is embedded"
            raise AssertionError(msg)
        queue_ns = self.waited_ns + time.perf_counter_ns() - self.decoded_ns
        timings = Timings(self.decode_ns, queue_ns, inference_ns=0, batch_size=0)
        return Embedded(leader.vectors, timings, self.pictures or leader.pictures, leader.frame_id)


Finished: TypeAlias = list[tuple[Job, Embedded | Exception]]

CANCELLED = ServerUnavailable("the call was cancelled")
