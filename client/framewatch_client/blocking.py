"""The blocking client: the asynchronous one on an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Final, Self

import grpc
from anyio.from_thread import BlockingPortal, start_blocking_portal

from framewatch_client._streaming.config_warnings import log_warning
from framewatch_client.aio import (
    DEFAULT_ADDRESS,
    DEFAULT_RECONNECT_TIMEOUT_S,
    DEFAULT_TIMEOUT_S,
    AsyncFramewatchClient,
)
from framewatch_client.answers import Classification, ServerWarning, Similarity, SimilarityMatrix
from framewatch_client.embeddings import Embeddings
from framewatch_client.models import Model
from framewatch_client.types import (
    Event,
    FrameResult,
    ImageLike,
    LabelsLike,
    Reconnected,
    RegionLike,
    RuleLike,
    StreamItem,
    StreamStarted,
)
from framewatch_core.health.monitor import HealthPolicy
from framewatch_core.stream.messages import OverflowPolicy
from framewatch_core.stream.resume import ResumePoint

_END: Final = object()


class FramewatchClient:
    """Calls a framewatch server from ordinary code. Threads may share it. Close it, or use it with `with`.

    Example:
        >>> with FramewatchClient("localhost:50051") as client:
        ...     print(client.label("cat.png", ["a cat", "a dog"]))
        a cat

    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> None:
        """A client of one server; arguments as in AsyncFramewatchClient."""
        self._client = AsyncFramewatchClient(address, credentials=credentials, timeout_s=timeout_s)
        stack = ExitStack()
        self._portal: BlockingPortal = stack.enter_context(start_blocking_portal())
        stack.callback(self._portal.call, self._client.aclose)
        # one that is never closed is closed with the program, which would hang on its streams otherwise
        self._finalizer = weakref.finalize(self, stack.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection, all calls on it, and the thread. The client can't be used any more."""
        self._finalizer()

    def classify(
        self,
        image: ImageLike,
        labels: LabelsLike,
        *,
        templates: Sequence[str] | None = None,
        top_count: int = 0,
        model: str = "",
    ) -> Classification:
        """Scores an image against labels; see AsyncFramewatchClient.classify."""
        return self._portal.call(
            partial(self._client.classify, image, labels, templates=templates, top_count=top_count, model=model)
        )

    def label(
        self,
        image: ImageLike,
        labels: LabelsLike,
        *,
        templates: Sequence[str] | None = None,
        model: str = "",
    ) -> str:
        """The name of the most probable label; see AsyncFramewatchClient.label."""
        return self._portal.call(partial(self._client.label, image, labels, templates=templates, model=model))

    def similarity(
        self, query: ImageLike, candidates: ImageLike | Sequence[ImageLike], *, model: str = ""
    ) -> Similarity:
        """How much images resemble another; see AsyncFramewatchClient.similarity."""
        return self._portal.call(partial(self._client.similarity, query, candidates, model=model))

    def similarities(
        self, queries: ImageLike | Sequence[ImageLike], candidates: ImageLike | Sequence[ImageLike], *, model: str = ""
    ) -> SimilarityMatrix:
        """How much each of several images resembles each of others; see AsyncFramewatchClient.similarities."""
        return self._portal.call(partial(self._client.similarities, queries, candidates, model=model))

    def embed(
        self,
        images: ImageLike | Sequence[ImageLike] = (),
        texts: str | Sequence[str] = (),
        *,
        model: str = "",
    ) -> Embeddings:
        """The vectors of images and texts; see AsyncFramewatchClient.embed."""
        return self._portal.call(partial(self._client.embed, images, texts, model=model))

    def list_models(self) -> tuple[Model, ...]:
        """The models that the server has; see AsyncFramewatchClient.list_models."""
        return self._portal.call(self._client.list_models)

    def stream(
        self,
        frames: Iterable[StreamItem],
        labels: LabelsLike,
        *,
        rules: Iterable[RuleLike] = (),
        regions: Iterable[RegionLike] = (),
        health: HealthPolicy | None = None,
        templates: Sequence[str] | None = None,
        overflow: OverflowPolicy = OverflowPolicy.BLOCK,
        top_count: int = 0,
        max_frame_rate: float | None = None,
        max_frame_gap_s: float | None = None,
        origin_time: datetime | None = None,
        model: str = "",
        change_threshold: float = 0.0,
        max_reuse_age_s: float | None = None,
        jpeg_quality: int | None = 90,
        downscale: bool = True,
        window: int | None = None,
        on_started: Callable[[StreamStarted], object] | None = None,
        resume: ResumePoint | None = None,
        reconnect_timeout_s: float | None = DEFAULT_RECONNECT_TIMEOUT_S,
        on_reconnect: Callable[[Reconnected], object] | None = None,
        on_warning: Callable[[ServerWarning], object] = log_warning,
    ) -> Generator[FrameResult | Event, None, None]:
        """Watches frames; see AsyncFramewatchClient.stream.

        `frames` is read, and `on_started`, `on_reconnect` and `on_warning` are called, on other threads. Closing the
        generator cancels the call.
        """
        items = self._client.stream(
            frames,
            labels,
            rules=rules,
            regions=regions,
            health=health,
            templates=templates,
            overflow=overflow,
            top_count=top_count,
            max_frame_rate=max_frame_rate,
            max_frame_gap_s=max_frame_gap_s,
            origin_time=origin_time,
            model=model,
            change_threshold=change_threshold,
            max_reuse_age_s=max_reuse_age_s,
            jpeg_quality=jpeg_quality,
            downscale=downscale,
            window=window,
            on_started=on_started,
            resume=resume,
            reconnect_timeout_s=reconnect_timeout_s,
            on_reconnect=on_reconnect,
            on_warning=on_warning,
        )
        return self._iterate(_Steps(items))

    def _iterate(self, steps: _Steps) -> Generator[FrameResult | Event, None, None]:
        try:
            while (item := self._step(steps)) is not None:
                yield item
        finally:
            if self._finalizer.alive:
                self._portal.call(steps.close)

    def _step(self, steps: _Steps) -> FrameResult | Event | None:
        future = self._portal.start_task_soon(steps.next)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # Ctrl-C lands here while the step goes on
            raise


class _Steps:
    """An asynchronous generator, stepped from outside, never two steps at once: closing waits for a cancelled one."""

    def __init__(self, items: AsyncGenerator[FrameResult | Event, None]) -> None:
        self._items = items
        self._lock = asyncio.Lock()

    async def next(self) -> FrameResult | Event | None:
        """The next item; None at the end."""
        async with self._lock:
            item = await anext(self._items, _END)
        return item if isinstance(item, FrameResult | Event) else None

    async def close(self) -> None:
        """Ends the generator."""
        async with self._lock:
            await self._items.aclose()
