"""Images on their way through the engine, and their results."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Self, TypeAlias

from framewatch_core.arrays import Float32Array, UInt8Array
from framewatch_core.errors import ServerUnavailable
from framewatch_core.images.image import Image
from framewatch_core.images.statistics import PictureStats
from framewatch_core.stream.results import Timings
from framewatch_server.engine.reuse import NO_REUSE, EmbeddingReuse, SourceEmbedding
from framewatch_server.vision.pixels.view import WHOLE, View

_DECODE_NS_PER_TURN = 5_000_000
_DECODE_NS_PER_PLACE = 20_000_000  # ordinary pictures take the places of their inputs, so that batches fill
_DECODE_NS_PER_BYTE = 10
_SCORES_PER_TURN = 10_000


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vectors of an image's view.

    Attributes:
        vectors: the encoder's vectors of the view's inputs, `[inputs, vector_size]`.
        timings: where the time went.
        pictures: picture statistics by region id; empty if the view's health is not assessed.
        reused_frame_id: number of the source frame whose embedding it is; None: it is the image's own.

    """

    vectors: Float32Array
    timings: Timings
    pictures: Mapping[str, PictureStats] = field(default_factory=dict)
    reused_frame_id: int | None = None


class Load(NamedTuple):
    """Work that an image makes, for turns: in inputs of the model, which take some milliseconds each.

    Attributes:
        input_count: inputs.
        decode_places: inputs that take as long as its decoding.
        cost: turns that it counts as: its inputs, its decoding and its scores.

    """

    input_count: int
    decode_places: int
    cost: float

    @classmethod
    def of(cls, input_count: int, decode_ns: int, score_count: int = 0) -> Self:
        """Returns the load of an image; `decode_ns`: the time that its decoding probably takes."""
        cost = input_count + decode_ns / _DECODE_NS_PER_TURN + score_count / _SCORES_PER_TURN
        return cls(input_count, decode_ns // _DECODE_NS_PER_PLACE, cost)

    def size(self, most_decode_places: int) -> int:
        """Returns the places that an image takes among those under way; at most so many of them for its decoding."""
        return max(self.input_count, min(self.decode_places, most_decode_places))

    @staticmethod
    def guessed_decode_ns(image: Image) -> int:
        """Returns the time that decoding an image may take, of which nothing but its bytes is known."""
        return len(image.data) * _DECODE_NS_PER_BYTE


class Job:
    """An image to embed; a subclass takes the result in `done`.

    A job belongs to one thread at a time: the event loop makes it, a decode thread sets `pixels` and times, the
    device thread reads those, and the event loop finishes it. `cancelled` alone may change at any moment.
    """

    __slots__ = (
        "asked_ns",
        "cancelled",
        "decode_ns",
        "decoded_ns",
        "image",
        "load",
        "pictures",
        "pixels",
        "reuse",
        "view",
        "waited_ns",
    )

    def __init__(
        self,
        image: Image,
        view: View = WHOLE,
        reuse: EmbeddingReuse[Job] = NO_REUSE,
        load: Load | None = None,
    ) -> None:
        """Makes a job.

        Args:
            image: the image as it was sent; let go once it is decoded.
            view: which inputs are made of it.
            reuse: its stream's reuse of embeddings; a job that it doesn't expect is always embedded.
            load: the work that it makes; None: a guess.

        """
        self.load = Load.of(view.input_count, Load.guessed_decode_ns(image)) if load is None else load
        self.image: Image | None = image
        self.view = view
        self.reuse = reuse
        self.pixels: UInt8Array | None = None
        self.pictures: Mapping[str, PictureStats] = {}
        self.cancelled = False
        self.asked_ns = time.perf_counter_ns()
        self.waited_ns = 0
        self.decode_ns = 0
        self.decoded_ns = 0

    @property
    def decoded_pixels(self) -> UInt8Array:
        """The view's inputs, RGB uint8 `[inputs, 3, height, width]`; only of a decoded job."""
        if self.pixels is None:
            msg = "a job on the device is decoded"
            raise AssertionError(msg)
        return self.pixels

    def done(self, result: Embedded | Exception) -> None:
        """Takes the result; called once, in the event loop, unless the job was cancelled."""
        raise NotImplementedError

    def cancel(self) -> None:
        """Gives the result up: the job costs no decoding and no device time from here on."""
        self.cancelled = True
        self.image = None

    def reusing(self, source: SourceEmbedding) -> Embedded:
        """The result if it is a source frame's embedding; a job that was not decoded has the source's picture too."""
        queue_ns = self.waited_ns + time.perf_counter_ns() - self.decoded_ns
        timings = Timings(self.decode_ns, queue_ns, inference_ns=0, batch_size=0)
        return Embedded(source.vectors, timings, self.pictures or source.pictures, source.frame_id)


Finished: TypeAlias = list[tuple[Job, Embedded | Exception]]

CANCELLED = ServerUnavailable("the call was cancelled")
"""The result of cancelled jobs; it reaches no caller, but frees the job's place."""
