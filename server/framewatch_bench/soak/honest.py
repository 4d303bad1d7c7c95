"""Honest clients: cameras that show a clip with known events, callers with known answers, and health checks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import grpc
import numpy as np
from grpc_health.v1 import health_pb2, health_pb2_grpc

from framewatch_bench.soak.accounts import Accounts, Latencies
from framewatch_bench.soak.clip import FPS, LABELS, Clip, rule
from framewatch_client import AsyncFramewatchClient, Event, Frame, FrameResult, FramewatchCallError, FramewatchError

_CLASSIFY_EVERY_S = 0.4
_EMBED_EVERY_S = 1.0
_HEALTH_EVERY_S = 0.2
_TIMEOUT_S = 120.0
_LEAST_COSINE = 0.99


@dataclass(slots=True)
class Honest:
    """Honest clients of one server; they end after `stopped` is set, cameras at the end of the clip.

    Attributes:
        address: HOST:PORT.
        clip: shown by the cameras.
        accounts: of all clients together.
        stopped: set to end them.

    """

    address: str
    clip: Clip
    accounts: Accounts = field(default_factory=Accounts)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, cameras: int) -> None:
        """Runs so many cameras that start a new stream for each showing, one that goes on in one stream, and calls."""
        async with AsyncFramewatchClient(self.address, timeout_s=_TIMEOUT_S) as client:
            await asyncio.gather(
                *(self._camera(client, number, goes_on=False) for number in range(cameras)),
                self._camera(client, cameras, goes_on=True),
                self._classify(client),
                self._embed(client),
                self._check_health(),
            )

    # ---- cameras ----

    async def _camera(self, client: AsyncFramewatchClient, number: int, *, goes_on: bool) -> None:
        await self._pause(number / FPS / 2)  # not in step with the others
        while not self.stopped.is_set():
            await self._count(self._show(client, goes_on=goes_on))

    async def _show(self, client: AsyncFramewatchClient, *, goes_on: bool) -> None:
        """Shows the clip in one stream, once or until the end."""
        sent_at: dict[int, float] = {}
        events: list[Event] = []
        last = -1
        stream = client.stream(self._frames(sent_at, goes_on=goes_on), LABELS, rules=[rule()], reconnect_timeout_s=0)
        async for item in stream:
            if isinstance(item, Event):
                events.append(item)
            elif isinstance(item, FrameResult):
                self.accounts.outcomes[item.status.name] += 1
                self.accounts.out_of_order += item.frame_id != last + 1
                last = item.frame_id
                self.accounts.latencies["frame"].add(time.monotonic() - sent_at.pop(last))
        rounds = (last + 1) // len(self.clip.files)
        self.accounts.rounds += rounds
        self.accounts.wrong_events += self.clip.wrong_events(events, rounds)

    async def _frames(self, sent_at: dict[int, float], *, goes_on: bool) -> AsyncIterator[Frame]:
        began, frame_id = time.monotonic(), 0
        while True:
            for file in self.clip.files:
                await asyncio.sleep(max(0.0, began + frame_id / FPS - time.monotonic()))
                sent_at[frame_id] = time.monotonic()
                self.accounts.sent += 1
                yield Frame(file, frame_id / FPS)
                frame_id += 1
            if self.stopped.is_set() or not goes_on:
                return

    # ---- calls ----

    async def _classify(self, client: AsyncFramewatchClient) -> None:
        async def ask() -> object:
            answer = await client.classify(self.clip.files[0], LABELS)
            return answer.label

        await self._ask("Classify", ask, _CLASSIFY_EVERY_S)

    async def _embed(self, client: AsyncFramewatchClient) -> None:
        first: list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = []

        async def ask() -> object:
            answer = await client.embed([self.clip.files[0]], ["a box"])
            vectors = np.concatenate([answer.images, answer.texts])
            first.append(vectors) if not first else None
            return bool((vectors * first[0]).sum(axis=1).min() > _LEAST_COSINE)

        await self._ask("Embed", ask, _EMBED_EVERY_S)

    async def _check_health(self) -> None:
        async with grpc.aio.insecure_channel(self.address) as channel:
            check = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined]  # its stubs lack it

            async def ask() -> object:
                answer = await check(health_pb2.HealthCheckRequest(), timeout=_TIMEOUT_S)
                self.accounts.not_serving += answer.status != health_pb2.HealthCheckResponse.SERVING
                return True

            await self._ask("health", ask, _HEALTH_EVERY_S)

    async def _ask(self, kind: str, ask: Callable[[], Awaitable[object]], every_s: float) -> None:
        """Asks the same again and again, at least once; the first answer is the right one."""
        right: list[object] = []
        latencies = self.accounts.latencies[kind]

        async def once() -> None:
            answer = await _timed(ask, latencies)
            right.append(answer) if not right else None
            self.accounts.wrong_answers += answer != right[0]

        while not self.stopped.is_set():
            await self._count(once())
            await self._pause(every_s)

    async def _pause(self, seconds: float) -> None:
        await asyncio.wait([asyncio.ensure_future(self.stopped.wait())], timeout=seconds)

    async def _count(self, call: Awaitable[None]) -> None:
        try:
            await call
        except FramewatchCallError as error:
            self.accounts.statuses[f"{error.code.name} {error.reason}"] += 1
        except FramewatchError as error:
            self.accounts.statuses[f"{type(error).__name__} {error}"[:200]] += 1
        except grpc.RpcError as error:
            self.accounts.statuses[str(error.code().name)] += 1
        else:
            self.accounts.statuses["OK"] += 1


async def _timed(ask: Callable[[], Awaitable[object]], latencies: Latencies) -> object:
    began = time.monotonic()
    answer = await ask()
    latencies.add(time.monotonic() - began)
    return answer
