"""Reuse of embeddings: a frame that shows nothing new is scored by the embedding of an earlier frame of its stream.

That earlier frame, the source frame, is the last one that was embedded, or is about to be. A frame is decided as early
as possible: before it is decoded if its image is the source frame's to the byte, else after it by its content.

    expect → before_decode ─ same image ──────────────────────────────┐
                  └ decode → after_decode ─ nothing new ──────────────┤
                                 └ new: it is the source frame now    └→ reusing: at once if the source is resolved,
                                                                         else when `resolved` takes its embedding

Frames are decoded side by side but decided in the order in which they were expected, each once, so that the choice of
source frames depends on the frames alone. If a source frame fails, the frames that waited for it are embedded
themselves.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from framewatch_core.arrays import Float32Array, UInt8Array
from framewatch_core.images.image import Image
from framewatch_core.images.statistics import PictureStats
from framewatch_core.stream.reuse import ReusePolicy, Thumbnail
from framewatch_core.time import Moment
from framewatch_server.vision.pixels.thumbnail import thumbnail
from framewatch_server.vision.pixels.view import View

MAX_KEPT_BYTES = 1024 * 1024
"""Largest image that is compared byte by byte: each stream keeps its source frame's."""

JobT = TypeVar("JobT")


@dataclass(frozen=True, slots=True, eq=False)
class SourceEmbedding:
    """The embedding of a source frame, for the frames that reuse it.

    Attributes:
        frame_id: number of the source frame.
        vectors: the encoder's vectors of the view's inputs, `[inputs, vector_size]`.
        pictures: picture statistics by region id; empty if the frame's health is not assessed.

    """

    frame_id: int
    vectors: Float32Array
    pictures: Mapping[str, PictureStats]


@dataclass(frozen=True, slots=True, eq=False)
class Decided(Generic[JobT]):
    """Jobs that can go on. A job that waits for its source frame is in none of them: `resolved` returns it later.

    Attributes:
        to_embed: decoded source frames.
        reusing: jobs that have the embedding of their source frame.
        to_decode: jobs whose source frame failed: they are decoded and embedded by themselves.

    """

    to_embed: Sequence[JobT] = ()
    reusing: Sequence[tuple[JobT, SourceEmbedding]] = ()
    to_decode: Sequence[JobT] = ()


@dataclass(slots=True, eq=False)
class _Frame(Generic[JobT]):
    """A frame that is expected or is the source frame.

    Attributes:
        number: its place in the order of decisions.
        policy: the reuse policy of the config that it came under.
        moment: its number and time.
        view: its view; an embedding is reused under an equal one alone.
        image: its image, unless that is too large to be kept.
        thumbnail: its inputs' thumbnails; None: not decoded, or the policy doesn't compare them.
        pictures: its picture statistics, once it is decoded.
        vectors: its embedding, once it is resolved.
        waiting: jobs that reuse its embedding as soon as it is resolved.

    """

    number: int
    policy: ReusePolicy
    moment: Moment
    view: View
    image: Image | None
    thumbnail: Thumbnail | None = None
    pictures: Mapping[str, PictureStats] = field(default_factory=dict)
    vectors: Float32Array | None = None
    waiting: list[JobT] = field(default_factory=list)

    def may_reuse(self, source: _Frame[JobT]) -> bool:
        """True if the source's embedding is of the same view and not too old for this frame."""
        return self.view == source.view and self.policy.allows_age(self.moment.time_ns - source.moment.time_ns)

    def has_image_of(self, source: _Frame[JobT]) -> bool:
        """True if both images are known and the same to the byte."""
        return self.image is not None and self.image == source.image

    def shows_nothing_new(self, source: _Frame[JobT]) -> bool:
        """True if the change since the source is less than the policy's threshold."""
        if self.thumbnail is None or source.thumbnail is None:
            return False
        return self.policy.allows_change(source.thumbnail, self.thumbnail)


class EmbeddingReuse(Generic[JobT]):
    """The reuse of embeddings within one stream; its methods may be called from any thread.

    Each expected job must come to `after_decode` or `skip` once, unless `before_decode` has decided it, and each job
    that is embedded or skipped comes to `resolved`. A job that is not expected (any more) is embedded by itself.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards everything below
        # frames that are not decided yet, and source frames that are not resolved
        self._frames: dict[JobT, _Frame[JobT]] = {}
        self._source: _Frame[JobT] | None = None
        self._expected_count = 0
        self._turn = 0  # number of the frame that is decided next
        self._early: dict[int, JobT | None] = {}  # by number: decoded before their turn; None: skipped

    def expect(self, job: JobT, policy: ReusePolicy, moment: Moment, image: Image, view: View) -> None:
        """Takes the stream's next frame into the order of decisions."""
        kept_image = image if len(image.data) <= MAX_KEPT_BYTES else None
        with self._lock:
            self._frames[job] = _Frame(self._expected_count, policy, moment, view, kept_image)
            self._expected_count += 1

    def before_decode(self, job: JobT) -> Decided[JobT] | None:
        """Decides a frame by its image alone; None: it has to be decoded, also because others are decided before it."""
        with self._lock:
            frame, source = self._frames.get(job), self._source
            if frame is None or source is None or frame.number != self._turn:
                return None
            if not (frame.may_reuse(source) and frame.has_image_of(source)):
                return None
            del self._frames[job]
            reusing = _reuse(job, source)
            return self._take_turns(frame.number, None, reusing)

    def after_decode(self, job: JobT, inputs: UInt8Array, pictures: Mapping[str, PictureStats]) -> Decided[JobT]:
        """Decides a decoded frame as soon as those before it are decided, and with it those that it has kept waiting.

        Args:
            job: the frame's job.
            inputs: the view's inputs, RGB uint8 `[inputs, 3, height, width]`.
            pictures: picture statistics by region id.

        """
        with self._lock:
            frame = self._frames.get(job)
        if frame is None:
            return Decided(to_embed=(job,))
        compared = thumbnail(inputs) if frame.policy.compares else None
        with self._lock:
            frame.thumbnail, frame.pictures = compared, pictures
            return self._take_turns(frame.number, job)

    def skip(self, job: JobT) -> Decided[JobT]:
        """Forgets a frame that has no inputs (cancelled or broken); decides those that it has kept waiting."""
        with self._lock:
            frame = self._frames.pop(job, None)
            return Decided() if frame is None else self._take_turns(frame.number, None)

    def resolved(self, job: JobT, vectors: Float32Array | None) -> Decided[JobT]:
        """Takes a job's own embedding, or None if there is none; returns the jobs that have waited for it."""
        with self._lock:
            frame = self._frames.pop(job, None)
            if frame is None:
                return Decided()
            waiting, frame.waiting = frame.waiting, []
            if vectors is None:
                if self._source is frame:
                    self._source = None
                return Decided(to_decode=waiting)
            frame.vectors = vectors = vectors.copy()  # they are rows of a batch, which must not be kept with them
            source = SourceEmbedding(frame.moment.frame_id, vectors, frame.pictures)
            return Decided(reusing=[(each, source) for each in waiting])

    # private; called with the lock held

    def _take_turns(
        self, number: int, early: JobT | None, reusing: Sequence[tuple[JobT, SourceEmbedding]] = ()
    ) -> Decided[JobT]:
        """Decides all frames whose turn has come, after `number` was decoded, or skipped or decided (None)."""
        self._early[number] = early
        to_embed: list[JobT] = []
        reusing = list(reusing)
        while self._turn in self._early:
            job = self._early.pop(self._turn)
            self._turn += 1
            if job is None:
                continue
            frame, source = self._frames[job], self._source
            if source is not None and _has_embedding_of(frame, source):
                del self._frames[job]
                reusing += _reuse(job, source)
            else:
                self._source = frame
                to_embed.append(job)
        return Decided(to_embed, reusing)


NO_REUSE: EmbeddingReuse[Any] = EmbeddingReuse()
"""The reuse of images that are no frames: it expects none, so that each is embedded by itself."""


def _has_embedding_of(frame: _Frame[JobT], source: _Frame[JobT]) -> bool:
    return frame.may_reuse(source) and (frame.has_image_of(source) or frame.shows_nothing_new(source))


def _reuse(job: JobT, source: _Frame[JobT]) -> list[tuple[JobT, SourceEmbedding]]:
    """The job with its source's embedding; empty while that is being computed: the job then waits for it."""
    if source.vectors is None:
        source.waiting.append(job)
        return []
    return [(job, SourceEmbedding(source.moment.frame_id, source.vectors, source.pictures))]
