"""The blocking client: the asynchronous one on an event loop in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Iterable
from functools import partial, wraps
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, Unpack

import grpc

from framewatch_client._threads import LoopThread
from framewatch_client.aio import DEFAULT_ADDRESS, DEFAULT_TIMEOUT_S, AsyncFramewatchClient
from framewatch_client.options import StreamKeywords
from framewatch_client.types import LabelsLike, StreamItem
from framewatch_core.stream.messages import StreamResult

P = ParamSpec("P")
T = TypeVar("T")


def _blocking(
    method: Callable[Concatenate[AsyncFramewatchClient, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[FramewatchClient, P], T]:
    """Returns a method of the blocking client with the parameters and the documentation of an asynchronous one."""

    @wraps(method, assigned=("__name__", "__doc__"))
    def call(self: FramewatchClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._loop.call(partial(method, self._client, *args, **kwargs))

    call.__qualname__ = f"FramewatchClient.{method.__name__}"
    return call


class FramewatchClient:
    """Calls a framewatch server from ordinary code. Threads may share it. Close it, or use it with `with`.

    It has the methods of `AsyncFramewatchClient`, which wait for their results here.

    After `os.fork` a child can use clients only if its parents have called none: else their calls raise ClientForked.

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
        """Starts the client's thread; arguments as in AsyncFramewatchClient."""
        self._client = AsyncFramewatchClient(address, credentials=credentials, timeout_s=timeout_s)
        self._loop = LoopThread(self._client.aclose)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection, all calls on it, which raise ClientClosed, and the thread.

        The client can't be used any more. Raises RuntimeError in a function that the client itself calls.
        """
        self._loop.close()

    classify = _blocking(AsyncFramewatchClient.classify)
    label = _blocking(AsyncFramewatchClient.label)
    similarity = _blocking(AsyncFramewatchClient.similarity)
    similarities = _blocking(AsyncFramewatchClient.similarities)
    embed = _blocking(AsyncFramewatchClient.embed)
    list_models = _blocking(AsyncFramewatchClient.list_models)

    def stream(
        self, frames: Iterable[StreamItem], labels: LabelsLike, **options: Unpack[StreamKeywords]
    ) -> Generator[StreamResult, None, None]:
        """Watches frames: yields one FrameResult per frame, in the order sent, each followed by the events it caused.

        `frames` is read, and the functions among the options are called, on other threads. Closing the generator
        cancels the call. All else is as in `AsyncFramewatchClient.stream`.

        Args:
            frames: images, `(image, time in seconds)`, `Frame`s, `Reconfigure`s and `Explain`s.
            labels: see `classify`.
            **options: each is described in the class that is named here.
                What to watch for, `WatchKeywords`: `rules`, `regions`, `health`, `templates`, `overflow`, `top_count`,
                `max_frame_rate`, `max_frame_gap_s`, `origin_time`, `model`, `change_threshold`, `max_reuse_age_s`.
                How to send frames, `SendKeywords`: `jpeg_quality`, `downscale`, `window`, `resume`,
                `reconnect_timeout_s`.
                Functions to call, `NotifyKeywords`: `on_started`, `on_reconnect`, `on_warning`.

        Raises:
            FramewatchError, OSError: see `AsyncFramewatchClient.stream`.

        """
        return self._loop.iterate(self._client.stream(frames, labels, **options))
