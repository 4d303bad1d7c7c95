"""Metrics for Prometheus, read from the server when they are requested."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeAlias
from wsgiref.simple_server import WSGIServer

import structlog
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from framewatch_core.errors import FramewatchError
from framewatch_server.engine.scorer import Scorer

_log = structlog.get_logger()

HeldBytes: TypeAlias = tuple[int, int]
"""Bytes that are held, and their limit."""


class MetricsListenError(FramewatchError):
    """The address for metrics can't be listened on."""

    reason = "CANNOT_LISTEN"


class ServerCollector(Collector):
    """The metrics of a server."""

    def __init__(
        self,
        scorers: Callable[[], Iterable[Scorer]],
        under_way: Callable[[], Mapping[str, int]],
        held_bytes: Callable[[], Mapping[str, HeldBytes]],
    ) -> None:
        """Sets up the metrics.

        Args:
            scorers: returns the scorers of the loaded models.
            under_way: returns the number of calls under way by kind.
            held_bytes: returns the bytes that are held, and their limit, by kind.

        """
        self._scorers = scorers
        self._under_way = under_way
        self._held_bytes = held_bytes

    def collect(self) -> Iterator[Metric]:
        """Yields the metrics as they are now."""
        yield self._models()
        yield self._embedded()
        yield from self._caches()
        calls = GaugeMetricFamily("framewatch_calls_under_way", "Calls that are being answered", labels=["kind"])
        for kind, count in self._under_way().items():
            calls.add_metric([kind], count)
        yield calls
        yield from self._held()

    def _held(self) -> Iterator[Metric]:
        held = GaugeMetricFamily("framewatch_held_bytes", "Bytes that are held for clients", labels=["kind"])
        limits = GaugeMetricFamily("framewatch_held_bytes_limit", "Largest number of these bytes", labels=["kind"])
        for kind, (count, limit) in self._held_bytes().items():
            held.add_metric([kind], count)
            limits.add_metric([kind], limit)
        yield from (held, limits)

    def _models(self) -> Metric:
        models = InfoMetricFamily("framewatch_model", "Models that are loaded", labels=["model"])
        for scorer in self._scorers():
            info = scorer.info
            facts = {"family": info.family, "device": info.device, "dtype": info.dtype, "engine": info.engine}
            models.add_metric([info.name], facts)
        return models

    def _embedded(self) -> Metric:
        embedded = CounterMetricFamily(
            "framewatch_embedded_inputs", "Inputs that the model has embedded, none of them cached", labels=["model"]
        )
        for scorer in self._scorers():
            embedded.add_metric([scorer.info.name], scorer.embedded_inputs)
        return embedded

    def _caches(self) -> Iterator[Metric]:
        labels = ["model", "cache"]
        hits = CounterMetricFamily("framewatch_cache_hits", "Values that were cached or being computed", labels=labels)
        misses = CounterMetricFamily("framewatch_cache_misses", "Values that had to be computed", labels=labels)
        kept = GaugeMetricFamily("framewatch_cache_bytes", "Bytes of the cached values", labels=labels)
        limits = GaugeMetricFamily(
            "framewatch_cache_max_bytes", "Largest number of bytes of the cached values", labels=labels
        )
        for scorer in self._scorers():
            for name, cache in scorer.caches.items():
                which = [scorer.info.name, name]
                hits.add_metric(which, cache.hits)
                misses.add_metric(which, cache.misses)
                kept.add_metric(which, cache.kept_bytes)
                limits.add_metric(which, cache.max_bytes)
        yield from (hits, misses, kept, limits)


@contextmanager
def serving_metrics(listen: str, collector: ServerCollector) -> Iterator[str]:
    """Answers `GET /metrics` on HOST:PORT on a thread; yields the address. Raises MetricsListenError."""
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")  # of an IPv6 address
    registry = CollectorRegistry()
    registry.register(collector)
    try:
        server, thread = start_http_server(int(port), host, registry)
    except (OSError, ValueError, OverflowError) as error:
        raise MetricsListenError(
            f"can't listen on {listen!r} for metrics ({error}): expected HOST:PORT that is free and this machine's; "
            "give another with --metrics-listen (port 0 picks a free one)"
        ) from error
    address = f"{listen.rpartition(':')[0]}:{server.server_port}"
    _log.info("metrics", url=f"http://{address}/metrics")
    try:
        yield address
    finally:
        _stop(server, thread)


def _stop(server: WSGIServer, thread: threading.Thread) -> None:
    server.shutdown()
    server.server_close()
    thread.join()
