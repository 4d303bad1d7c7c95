"""The standard services beside ours, health and reflection, each with bounds of its own.

Without them, whoever watches the health often enough would take the places of everybody's calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, TypeAlias, cast

import grpc
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.reflection import aio as reflection_aio

from framewatch_core.limits import ByteAccount
from framewatch_server.rpc.gates import PeerGate
from framewatch_server.rpc.reading.requests import Context, RequestReader
from framewatch_server.rpc.status import answering, ending_with_the_call
from framewatch_wire.requests.parse import parsed

HEALTH = "grpc.health.v1.Health"

MAX_CHECKS = 64
MAX_WATCHES = 128
MAX_REFLECTIONS = 16
"""Calls of each kind at once, of which one address may have half."""

_MAX_REQUEST_BYTES = 64 * 1024
_READING_TIMEOUT_S = 5.0
_READING = 8

Answer: TypeAlias = reflection_pb2.ServerReflectionResponse
Status: TypeAlias = int  # of HealthCheckResponse.ServingStatus


class HealthService:
    """The health service. A client that does not read its Watch holds up nobody else, unlike with grpc_health's own."""

    def __init__(self) -> None:
        self._statuses: dict[str, Status] = {"": health_pb2.HealthCheckResponse.SERVING}
        self._changed = asyncio.Event()  # replaced at every change
        self._is_shutting_down = False
        self._checks = PeerGate("health checks", "max_checks", MAX_CHECKS)
        self._watches = PeerGate("watches of the health", "max_watches", MAX_WATCHES)
        self._requests = RequestReader(
            max_reading=_READING,
            timeout_s=_READING_TIMEOUT_S,
            account=ByteAccount("health", "bytes of health checks", "max_health_bytes", _MAX_REQUEST_BYTES),
        )

    def handler(self) -> grpc.GenericRpcHandler:
        """Returns the methods for a server; they are given raw bytes."""
        serialise = health_pb2.HealthCheckResponse.SerializeToString
        handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            "Check": grpc.stream_unary_rpc_method_handler(self.check, None, serialise),
            "Watch": grpc.stream_stream_rpc_method_handler(self.watch, None, serialise),
        }
        return grpc.method_handlers_generic_handler(HEALTH, handlers)

    def set(self, service: str, status: Status) -> None:
        """Sets the status of a service, until the shutdown."""
        if not self._is_shutting_down:
            self._set(service, status)

    def shut_down(self) -> None:
        """Sets every status to NOT_SERVING for good."""
        self._is_shutting_down = True
        for service in self._statuses:
            self._set(service, health_pb2.HealthCheckResponse.NOT_SERVING)

    def _set(self, service: str, status: Status) -> None:
        self._statuses[service] = status
        self._changed.set()
        self._changed = asyncio.Event()

    async def check(self, _: object, context: Context) -> health_pb2.HealthCheckResponse:
        """Answers with the status of a service."""
        async with answering(context):
            with self._checks.enter(context.peer()):
                status = self._statuses.get(await self._service(context))
                if status is not None:
                    return health_pb2.HealthCheckResponse(status=status)
        with ending_with_the_call():
            return await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such service")

    async def watch(self, _: object, context: Context) -> None:
        """Sends the status of a service, and again whenever it has changed; intermediate ones may be left out."""
        async with answering(context):
            with self._watches.enter(context.peer()):
                service, last = await self._service(context), None
                while True:
                    changed = self._changed
                    status = self._statuses.get(service, health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
                    if status != last:
                        await context.write(health_pb2.HealthCheckResponse(status=status))
                    last = status
                    await changed.wait()

    async def _service(self, context: Context) -> str:
        async with self._requests.call(context, _service_of) as service:
            return service


def _service_of(data: bytes) -> str:
    return parsed(data, health_pb2.HealthCheckRequest).service


class Reflection(reflection_pb2_grpc.ServerReflectionServicer):
    """The reflection service, with a bound on its calls."""

    def __init__(self, services: tuple[str, ...]) -> None:
        """`services`: names of the services that it describes."""
        self._servicer = reflection_aio.ReflectionServicer(services)
        self._calls = PeerGate("calls of reflection", "max_reflections", MAX_REFLECTIONS)

    async def ServerReflectionInfo(  # noqa: N802
        self, request_iterator: AsyncIterator[reflection_pb2.ServerReflectionRequest], context: Context
    ) -> AsyncIterator[Answer]:
        """Answers questions about the services."""
        async with answering(context):
            with self._calls.enter(context.peer()):
                answers = cast("AsyncIterator[Answer]", self._servicer.ServerReflectionInfo(request_iterator, context))
                async for answer in answers:
                    yield answer
