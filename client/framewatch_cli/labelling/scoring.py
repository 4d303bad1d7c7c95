"""What pictures score: several calls at a time for files, so that the server's batches fill; a stream for video."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any, TypeVar

import grpc

from framewatch_cli.labelling.decisions import Picture
from framewatch_cli.labelling.sources import FrameFiles, PictureFiles
from framewatch_cli.terminal.interrupts import Interrupt
from framewatch_client import (
    MAX_MESSAGE_BYTES,
    AsyncFramewatchClient,
    Classification,
    Event,
    Frame,
    FrameResult,
    FrameStatus,
    FramewatchCallError,
    ServerWarning,
    StreamStarted,
)
from framewatch_core.arrays import UInt8Array
from framewatch_core.errors import FramewatchError, ImageTooLarge
from framewatch_core.labels.labels import LabelSet

T = TypeVar("T")
U = TypeVar("U")

Warn = Callable[[ServerWarning], object]
"""Is told what the server finds questionable."""

CALLS_AT_A_TIME = 16
MAX_REUSE_AGE_S = 86_400.0
"""A picture that has not changed is not worth another one, however long ago it was."""

_FAULTS_OF_ALL_CALLS = frozenset(
    {
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.FAILED_PRECONDITION,
    }
)


@dataclass(frozen=True, slots=True)
class Question:
    """What pictures are asked for.

    Attributes:
        label_set: the labels.
        model: one of the server's; empty: its default.
        change_threshold: of video, see `AsyncFramewatchClient.stream`.

    """

    label_set: LabelSet
    model: str = ""
    change_threshold: float = 0.0


@dataclass(frozen=True, slots=True)
class Scored:
    """A picture with its scores, and what there is of it to keep.

    Attributes:
        picture: what is known of it.
        path: the file that it came from; None: it is a frame.
        content: the file's bytes, or a frame's BGR pixels; None: it failed or was skipped.

    """

    picture: Picture
    path: Path | None = None
    content: bytes | UInt8Array | None = None


async def score_files(
    client: AsyncFramewatchClient,
    files: PictureFiles,
    question: Question,
    done: AbstractSet[str],
    interrupt: Interrupt,
    warn: Warn,
) -> AsyncGenerator[Scored, None]:
    """Scores pictures in their order, but for those that are done. `warn`: told each warning once.

    Raises:
        FramewatchCallError: a call failed for a reason that is none of its picture's.

    """
    score = _FileScorer(client, files, question, warn).score
    todo = (path for path in files.paths if not interrupt.came and str(path) not in done)
    async with aclosing(map_in_order(score, todo, CALLS_AT_A_TIME)) as results:
        async for scored in results:
            yield scored


async def map_in_order(
    function: Callable[[T], Awaitable[U]], items: Iterable[T], width: int
) -> AsyncGenerator[U, None]:
    """Calls a function for each item, at most `width` at a time; gives results in the order of the items."""
    waiting: deque[asyncio.Future[U]] = deque()
    try:
        for item in items:
            if len(waiting) == width:
                yield await waiting.popleft()
            waiting.append(asyncio.ensure_future(function(item)))
        while waiting:
            yield await waiting.popleft()
    finally:
        for future in waiting:
            future.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


class _FileScorer:
    def __init__(self, client: AsyncFramewatchClient, files: PictureFiles, question: Question, warn: Warn) -> None:
        self._client = client
        self._files = files
        self._question = question
        self._warn = warn
        self._warned: set[ServerWarning] = set()
        self._answer_count = 0

    async def score(self, relative: PurePath) -> Scored:
        path, data, answers_before = self._files.root / relative, b"", self._answer_count
        try:
            data = await asyncio.to_thread(_read, path)
            answer = await self._classify(data)
        except (OSError, FramewatchError, FramewatchCallError) as error:
            # one that alone is too late is at fault itself; if no other was answered meanwhile, the server is
            if is_of_all_calls(error) or (_is_too_late(error) and self._answer_count == answers_before):
                raise
            self._answer_count += _is_answer(error)
            return Scored(replace(self._files.picture(relative, data), error=_sentence(error)), path)
        self._answer_count += 1
        picture = self._files.picture(relative, data)
        return Scored(replace(picture, scores=answer.scores, model=answer.model), path, data)

    async def _classify(self, data: bytes) -> Classification:
        answer = await self._client.classify(data, self._question.label_set, model=self._question.model)
        for warning in answer.warnings:
            if warning not in self._warned:
                self._warned.add(warning)
                self._warn(warning)
        return answer


def _read(path: Path) -> bytes:
    """The file's bytes. Raises OSError, ImageTooLarge."""
    size = path.stat().st_size
    if size > MAX_MESSAGE_BYTES:
        raise ImageTooLarge(
            "bytes of an image", limit="max_message_bytes", maximum=MAX_MESSAGE_BYTES, actual=size, field="image"
        )
    return path.read_bytes()


def is_of_all_calls(error: Exception) -> bool:
    """Whether every other picture would fail by it too: no server, no such model, labels that it does not take."""
    if not isinstance(error, FramewatchCallError):
        return False
    if error.transient or error.code in _FAULTS_OF_ALL_CALLS:
        return True
    return bool(error.fields) and not any(field.startswith("image") for field in error.fields)


def _is_too_late(error: Exception) -> bool:
    return isinstance(error, FramewatchCallError) and error.code is grpc.StatusCode.DEADLINE_EXCEEDED


def _is_answer(error: Exception) -> bool:
    return isinstance(error, FramewatchCallError) and not _is_too_late(error)


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    reason = getattr(error, "reason", "")
    return f"{getattr(error, 'message', error)}{f' [{reason}]' if reason else ''}"


async def score_frames(
    client: AsyncFramewatchClient,
    files: FrameFiles,
    question: Question,
    done: AbstractSet[str],
    interrupt: Interrupt,
    warn: Warn,
    *,
    seen_last: int | None = None,
) -> AsyncGenerator[Scored, None]:
    """Scores a video's frames in their order, but for those that are done; what shows nothing new is skipped.

    Frames that a live source's server had no time for are left out. `seen_last`: the frame that was scored last before:
    it is sent once more, so that the next ones are compared with it. `warn`: told each warning once.

    Raises:
        as `AsyncFramewatchClient.stream`.

    """
    scorer = _FrameScorer(files, done, interrupt, seen_last if question.change_threshold else None)
    items = client.stream(
        scorer.frames(),
        question.label_set,
        overflow=files.source.overflow,
        model=question.model,
        change_threshold=question.change_threshold,
        max_reuse_age_s=MAX_REUSE_AGE_S,
        on_started=scorer.started,
        on_warning=warn,
    )
    async with aclosing(items):
        async for item in items:
            if (scored := scorer.take(item)) is not None:
                yield scored


class _FrameScorer:
    """Keeps the pixels of frames that are on their way: no more than the stream's window."""

    def __init__(self, files: FrameFiles, done: AbstractSet[str], interrupt: Interrupt, seen_last: int | None) -> None:
        self._files = files
        self._done = done
        self._interrupt = interrupt
        self._seen_last = seen_last
        self._under_way: dict[int, tuple[Picture, Any]] = {}
        self._model = ""

    def started(self, started: StreamStarted) -> None:
        self._model = started.model

    def frames(self) -> Iterator[Frame]:
        """Runs on the stream's own thread."""
        for frame in self._files:
            if self._interrupt.came:
                return
            number = frame.frame_id or 0
            picture = self._files.picture(number, frame.time_s or 0.0)
            if picture.item not in self._done or number == self._seen_last:
                self._under_way[number] = picture, frame.image
                yield frame

    def take(self, item: FrameResult | Event) -> Scored | None:
        """What came of a frame; None: there is nothing to keep."""
        if isinstance(item, Event):
            return None
        picture, pixels = self._under_way.pop(item.frame_id)
        if picture.item in self._done:
            return None
        if item.status is FrameStatus.FAILED and item.error is not None:
            return Scored(replace(picture, error=item.error.message))
        if item.status is not FrameStatus.SCORED:
            return None
        if item.reused_frame_id is not None:
            return Scored(replace(picture, skipped=True))
        return Scored(replace(picture, scores=item.scores, model=self._model), None, pixels)
