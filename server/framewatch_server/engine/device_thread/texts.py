"""Texts on their way through the device thread, in slices that all callers share."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import structlog

from framewatch_core.arrays import Float32Array
from framewatch_core.errors import NotFinite, ServerUnavailable
from framewatch_server.engine.device_thread.text_budget import TextBudget, token_count
from framewatch_server.engine.device_thread.vectors import counted
from framewatch_server.engine.threads.failures import as_error
from framewatch_server.vision.towers.encoder import DeviceOutOfMemory, TextTower

TextsRead: TypeAlias = tuple[Float32Array, frozenset[str]]
"""Embeddings of texts `[n, dimension]`, and the texts that were cut off."""

_log = structlog.get_logger()


class TextRequest:
    """The texts of one caller.

    Attributes:
        future: of the embeddings; a caller that is gone cancels it, and no more of its texts are embedded.

    """

    def __init__(self, texts: Sequence[str]) -> None:
        """`texts`: at least one."""
        self._texts = texts
        self._taken = 0
        self._embedded = 0
        self._parts: list[Float32Array] = []
        self._cut_off: set[str] = set()
        self.future: Future[TextsRead] = Future()

    @property
    def is_waiting(self) -> bool:
        """True while there are texts that no slice has taken, and a caller that waits for them."""
        return self._taken < len(self._texts) and not self.future.done()

    @property
    def next_text(self) -> str:
        """The text that is taken next."""
        return self._texts[self._taken]

    def take(self) -> str:
        """Takes the next text."""
        text = self.next_text
        self._taken += 1
        return text

    def add(self, vectors: Float32Array, cut_off: frozenset[str]) -> None:
        """Takes the embeddings of the texts that were taken last, and answers the caller when it has all."""
        self._parts.append(vectors)
        self._cut_off |= cut_off
        self._embedded += len(vectors)
        if self._embedded == len(self._texts) and self._is_wanted():
            self.future.set_result((np.concatenate(self._parts), frozenset(self._cut_off)))

    def refuse(self, error: Exception) -> None:
        """Answers the caller with an error, if it has no answer yet."""
        if not self.future.done() and self._is_wanted():
            self.future.set_exception(error)

    def _is_wanted(self) -> bool:
        return self.future.set_running_or_notify_cancel()


@dataclass(slots=True)
class _Share:
    """The texts of one caller in a slice."""

    request: TextRequest
    texts: list[str]


class TextQueue:
    """The callers that wait for texts; gives out slices of them, in turns."""

    def __init__(
        self, tower: TextTower, max_tokens: int, budget: TextBudget, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        """Begins without callers.

        Args:
            tower: embeds the texts.
            max_tokens: the number of tokens of a text that the model reads.
            budget: the size of slices.
            clock: in seconds.

        """
        self._tower = tower
        self._max_tokens = max_tokens
        self._budget = budget
        self._clock = clock
        self._requests: deque[TextRequest] = deque()

    def add(self, request: TextRequest) -> None:
        """Queues a caller's texts."""
        self._requests.append(request)

    def next_slice(self) -> TextSlice | None:
        """Takes the next slice: at least one text, if any caller still waits for one; else None.

        Callers add one text each in turn, so that a new one with few texts is in one of the next slices, however many
        texts the others have.
        """
        shares: dict[TextRequest, _Share] = {}
        count = longest = 0
        while self._requests:
            request = self._requests.popleft()
            if not request.is_waiting:
                continue
            tokens = max(longest, token_count(request.next_text, self._max_tokens))
            if count and (count + 1) * tokens > self._budget.cost:
                self._requests.appendleft(request)
                break
            shares.setdefault(request, _Share(request, [])).texts.append(request.take())
            self._requests.append(request)
            count, longest = count + 1, tokens
        if not shares:
            return None
        return TextSlice(list(shares.values()), count * longest, self._tower, self._budget, self._clock)


class TextSlice:
    """Texts of several callers that are embedded together; see `DeviceCall`."""

    def __init__(
        self,
        shares: Sequence[_Share],
        cost: float,
        tower: TextTower,
        budget: TextBudget,
        clock: Callable[[], float],
    ) -> None:
        self._shares = shares
        self._cost = cost
        self._tower = tower
        self._budget = budget
        self._clock = clock
        self._done_cost = self._done_s = 0.0  # of what was embedded

    def run(self) -> None:
        """Embeds the texts; a text that the model fails on fails its own caller alone."""
        wanted = [share for share in self._shares if not share.request.future.done()]
        self._embed(wanted, self._cost * _text_count(wanted) / _text_count(self._shares))
        if self._done_cost:
            self._budget.took_texts(self._done_cost, self._done_s)

    def refuse(self, error: Exception) -> None:
        """See `DeviceCall.refuse`."""
        for share in self._shares:
            share.request.refuse(error)

    def _embed(self, shares: Sequence[_Share], cost: float) -> None:
        texts = [text for share in shares for text in share.texts]
        if not texts:
            return
        started_s = self._clock()
        try:
            vectors, cut_off = counted(self._tower.encode(texts), len(texts), "texts"), self._tower.cut_off(texts)
        except BaseException as raised:
            self._embed_in_parts(shares, cost, raised)
            return
        # texts that nobody waits for any more, or that failed, take no time: counted, they would make slices grow
        self._done_cost, self._done_s = self._done_cost + cost, self._done_s + self._clock() - started_s
        start = 0
        for share in shares:
            rows = vectors[start : (start := start + len(share.texts))]
            if np.isfinite(rows).all():
                share.request.add(rows, cut_off.intersection(share.texts))
            else:
                share.request.refuse(_not_finite())

    def _embed_in_parts(self, shares: Sequence[_Share], cost: float, raised: BaseException) -> None:
        """Embeds the texts of failed callers one by one, and in halves if the device's memory was the reason."""
        is_memory = isinstance(raised, DeviceOutOfMemory | MemoryError)
        if is_memory:
            self._budget.ran_out_of_memory(cost)
            _log.warning("out of device memory: smaller slices of text from now on")
        if len(shares) > 1:
            for share in shares:
                self._embed([share], cost / len(shares))
            return
        (share,) = shares
        if is_memory and len(share.texts) > 1:
            half = len(share.texts) // 2
            for texts in (share.texts[:half], share.texts[half:]):
                self._embed([_Share(share.request, texts)], cost / 2)
            return
        share.request.refuse(_no_room() if is_memory else as_error(raised, "the text tower"))


def _text_count(shares: Sequence[_Share]) -> int:
    return sum(len(share.texts) for share in shares)


def _no_room() -> Exception:
    return ServerUnavailable(
        "the device has no memory left for a text: try again later; if it happens again, start the server with a "
        "smaller --max-batch-size"
    )


def _not_finite() -> Exception:
    return NotFinite(
        "the model returned numbers that are not finite for a text of this request: leave it out; if it happens with "
        "many texts, the range of the model's dtype is too small: start the server with another --dtype"
    )
