"""The server's answer to health checks: SERVING while the devices and the threads of all its models work."""

from __future__ import annotations

import asyncio

from grpc_health.v1 import health, health_pb2


class ServingStatus:
    """The status of the gRPC health service; use from one event loop."""

    def __init__(self, service_name: str) -> None:
        """`service_name`: the service that has the status, beside the server as a whole, whose name is empty."""
        self.servicer = health.aio.HealthServicer()
        self._names = ("", service_name)
        self._is_serving = False  # False while models are loaded
        self._failing: set[str] = set()  # models whose device fails, or one of whose threads hangs
        self._updates: set[asyncio.Task[None]] = set()  # asyncio keeps no reference of its own

    async def loading(self) -> None:
        """Answers NOT_SERVING while models are loaded."""
        await self._publish()

    async def serving(self) -> None:
        """Answers by the models' health from now on."""
        self._is_serving = True
        await self._publish()

    async def draining(self) -> None:
        """Answers NOT_SERVING for good."""
        await self.servicer.enter_graceful_shutdown()

    def on_model_health(self, model: str, works: bool) -> None:
        """Takes a change of a model's health. One failing model is enough: a prober can't know which one matters."""
        (self._failing.discard if works else self._failing.add)(model)
        if self._is_serving:
            update = asyncio.ensure_future(self._publish())
            self._updates.add(update)
            update.add_done_callback(self._updates.discard)

    async def _publish(self) -> None:
        works = self._is_serving and not self._failing
        status = health_pb2.HealthCheckResponse.SERVING if works else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in self._names:
            await self.servicer.set(name, status)
