"""The server's answer to health checks: SERVING while the devices and the threads of all its models work."""

from __future__ import annotations

from grpc_health.v1 import health_pb2

from framewatch_server.rpc.health import HealthService


class ServingStatus:
    """The status of the gRPC health service; use from one event loop."""

    def __init__(self, service_name: str) -> None:
        """`service_name`: the service that has the status, beside the server as a whole, whose name is empty."""
        self.health = HealthService()
        self._names = ("", service_name)
        self._is_serving = False  # False while models are loaded
        self._failing: set[str] = set()  # models whose device fails, or one of whose threads hangs

    def loading(self) -> None:
        """Answers NOT_SERVING while models are loaded."""
        self._publish()

    def serving(self) -> None:
        """Answers by the models' health from now on."""
        self._is_serving = True
        self._publish()

    def draining(self) -> None:
        """Answers NOT_SERVING for good."""
        self.health.shut_down()

    def on_model_health(self, model: str, works: bool) -> None:
        """Takes a change of a model's health. One failing model is enough: a prober can't know which one matters."""
        (self._failing.discard if works else self._failing.add)(model)
        if self._is_serving:
            self._publish()

    def _publish(self) -> None:
        works = self._is_serving and not self._failing
        status = health_pb2.HealthCheckResponse.SERVING if works else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in self._names:
            self.health.set(name, status)
