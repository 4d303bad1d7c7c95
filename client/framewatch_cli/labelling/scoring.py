"""Scores of pictures: several calls at once for files, so that the server's batches fill; a stream for video."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from framewatch_cli.labelling.sorting import PictureResult
from framewatch_cli.labelling.sources import FrameFiles, PictureFiles
from framewatch_cli.pictures.calls import map_in_order
from framewatch_cli.pictures.faults import Fault, fault_of, fault_text, is_too_late
from framewatch_cli.pictures.folder import read_picture
from framewatch_cli.pictures.model import check_weights
from framewatch_cli.terminal.interrupts import Interrupt
from framewatch_client import (
    AsyncFramewatchClient,
    Classification,
    Frame,
    FrameResult,
    FrameStatus,
    FramewatchCallError,
    FramewatchError,
    InvalidResponse,
    LabelScore,
    RequestWarning,
    StreamStarted,
)
from framewatch_core.arrays import UInt8Array
from framewatch_core.labels.labels import LabelSet

Warn = Callable[[RequestWarning], object]
"""Called with a warning of the server."""

CALLS_AT_ONCE = 16
MAX_REUSE_AGE_S = 86_400.0
"""However long ago a picture was scored, one that shows the same is not worth a call."""


@dataclass(frozen=True, slots=True)
class Question:
    """Labels to score pictures with.

    Attributes:
        label_set: the labels.
        model: one of the server's; empty: its default.
        change_threshold: of video, see `AsyncFramewatchClient.stream`.
        weights_digest: of the model's weights, which must not change on the way; empty: unknown.

    """

    label_set: LabelSet
    model: str = ""
    change_threshold: float = 0.0
    weights_digest: str = ""

    def check_weights(self, weights_digest: str) -> None:
        """Raises ModelReplaced if an answer is of other weights. Servers of earlier versions don't give them."""
        if weights_digest and self.weights_digest:
            check_weights(self.model, self.weights_digest, weights_digest, results="scores")

    def check_scores(self, scores: Sequence[LabelScore]) -> None:
        """Raises InvalidResponse unless there is one score for each label."""
        names = self.label_set.names
        if sorted(score.label for score in scores) != sorted(names):
            raise InvalidResponse(f"{len(scores):,} scores, and not one for each of {len(names):,} labels")


@dataclass(frozen=True, slots=True)
class ScoredPicture:
    """A picture with its scores, and the content to keep.

    Attributes:
        result: the scores, or the reason why there are none.
        path: the file that it came from; None: it is a frame.
        content: the file's bytes, or a frame's BGR pixels `[height, width, 3]`; None: it failed or was skipped.

    """

    result: PictureResult
    path: Path | None = None
    content: bytes | UInt8Array | None = None


async def score_files(
    client: AsyncFramewatchClient,
    files: PictureFiles,
    question: Question,
    done: AbstractSet[str],
    interrupt: Interrupt,
    warn: Warn,
) -> AsyncGenerator[ScoredPicture, None]:
    """Yields the scores of pictures in their order, without those that are done. `warn`: called once with each warning.

    Raises:
        FramewatchCallError: a call failed for another reason than its picture.
        ModelReplaced: the model has other weights now.
        InvalidResponse: an answer does not fit its call.

    """

    async def todo() -> AsyncGenerator[PurePath, None]:
        for path in files.paths:
            if not interrupt.came and str(path) not in done:
                yield path

    score = _FileScorer(client, files, question, warn).score
    async with aclosing(map_in_order(score, todo(), CALLS_AT_ONCE)) as results:
        async for scored in results:
            yield scored


class _FileScorer:
    def __init__(self, client: AsyncFramewatchClient, files: PictureFiles, question: Question, warn: Warn) -> None:
        self._client = client
        self._files = files
        self._question = question
        self._warn = warn
        self._warned: set[RequestWarning] = set()
        self._answer_count = 0

    async def score(self, relative: PurePath) -> ScoredPicture:
        path, answers_before = self._files.root / relative, self._answer_count
        try:
            data = await asyncio.to_thread(read_picture, path)
        except (OSError, FramewatchError) as error:
            return self._failed(relative, b"", error)
        try:
            answer = await self._classify(data)
        except FramewatchCallError as error:
            # a single call that is too late is the fault of its picture; if no other was answered, of the server
            is_servers = is_too_late(error) and self._answer_count == answers_before
            if fault_of(error) is Fault.SHARED or is_servers:
                raise
            self._answer_count += not is_too_late(error)
            return self._failed(relative, data, error)
        self._answer_count += 1
        self._question.check_weights(answer.weights_digest)
        self._question.check_scores(answer.scores)
        result = self._files.result(relative, data)
        return ScoredPicture(replace(result, scores=answer.scores, model=answer.model), path, data)

    def _failed(self, relative: PurePath, data: bytes, error: Exception) -> ScoredPicture:
        result = replace(self._files.result(relative, data), error=fault_text(error))
        return ScoredPicture(result, self._files.root / relative)

    async def _classify(self, data: bytes) -> Classification:
        answer = await self._client.classify(data, self._question.label_set, model=self._question.model)
        for warning in answer.warnings:
            if warning not in self._warned:
                self._warned.add(warning)
                self._warn(warning)
        return answer


async def score_frames(
    client: AsyncFramewatchClient,
    files: FrameFiles,
    question: Question,
    done: AbstractSet[str],
    interrupt: Interrupt,
    warn: Warn,
    *,
    last_scored: int | None = None,
) -> AsyncGenerator[ScoredPicture, None]:
    """Yields the scores of a video's frames in their order, without those that are done.

    Frames that show nothing new are skipped. Frames of a live source that the server dropped are left out.

    Args:
        client: of the server.
        files: the frames.
        question: the labels.
        done: items that are left out.
        interrupt: ends the stream.
        warn: called once with each warning.
        last_scored: the frame that an earlier run scored last. It is sent once more, so that the next ones are compared
            with it.

    Raises:
        ModelReplaced: the model has other weights now.
        InvalidResponse: an answer does not fit its frame.
        FramewatchError: as `AsyncFramewatchClient.stream`.

    """
    scorer = _FrameScorer(files, question, done, interrupt, last_scored if question.change_threshold else None)
    items = client.stream(
        scorer.frames(),
        question.label_set,
        overflow=files.source.overflow,
        model=question.model,
        change_threshold=question.change_threshold,
        max_reuse_age_s=MAX_REUSE_AGE_S,
        on_started=scorer.started,
        on_reconnect=lambda reconnected: scorer.started(reconnected.started),
        on_warning=warn,
    )
    async with aclosing(items):
        async for item in items:
            if isinstance(item, FrameResult) and (scored := scorer.take(item)) is not None:
                yield scored


class _FrameScorer:
    """Keeps the pixels of frames that are on their way: no more than the stream's window."""

    def __init__(
        self,
        files: FrameFiles,
        question: Question,
        done: AbstractSet[str],
        interrupt: Interrupt,
        last_scored: int | None,
    ) -> None:
        self._files = files
        self._question = question
        self._done = done
        self._interrupt = interrupt
        self._last_scored = last_scored
        self._under_way: dict[int, tuple[PictureResult, Any]] = {}
        self._model = ""

    def started(self, started: StreamStarted) -> None:
        """Takes the start of a call of the stream, the first one or one after a loss. Raises ModelReplaced."""
        self._question.check_weights(started.weights_digest)
        self._model = started.model

    def frames(self) -> Iterator[Frame]:
        """Yields the frames to send, on the stream's own thread."""
        for frame in self._files:
            if self._interrupt.came:
                return
            number = frame.frame_id or 0
            result = self._files.result(number, frame.time_s or 0.0)
            if result.item not in self._done or number == self._last_scored:
                self._under_way[number] = result, frame.image
                yield frame

    def take(self, item: FrameResult) -> ScoredPicture | None:
        """Returns the scores of a frame; None: there is nothing to keep. Raises InvalidResponse."""
        result, pixels = self._under_way.pop(item.frame_id)
        if result.item in self._done:
            return None
        if item.status is FrameStatus.FAILED and item.error is not None:
            return ScoredPicture(replace(result, error=item.error.message))
        if item.status is not FrameStatus.SCORED:
            return None
        if item.reused_frame_id is not None:
            return ScoredPicture(replace(result, skipped=True))
        self._question.check_scores(item.scores)
        return ScoredPicture(replace(result, scores=item.scores, model=self._model), None, pixels)
