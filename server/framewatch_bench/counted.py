"""A server whose own counters show that the model ran for each picture that a measurement counts."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client.parser import text_string_to_metric_families

from framewatch_bench.options import BenchError
from framewatch_bench.spawn import ServerProcess


class CountedServer(ServerProcess):
    """A server process whose metrics are read; use it as a context manager."""

    def __init__(self, *arguments: str) -> None:
        """Prepares the process. `arguments` are further flags of `serve`."""
        super().__init__("--metrics-listen", "127.0.0.1:0", *arguments)

    def metric(self, name: str, **labels: str) -> float:
        """Reads a figure, summed over the labels that are not given; 0 if there is none."""
        url = next(entry["url"] for entry in self.log if entry["event"] == "metrics")
        with urllib.request.urlopen(url) as answer:  # noqa: S310 our own server's
            text = answer.read().decode()
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    @property
    def embedded_inputs(self) -> int:
        """Number of inputs that its models have embedded so far."""
        return int(self.metric("framewatch_embedded_inputs_total"))

    @contextmanager
    def running_for_each(self, scored: Callable[[], int]) -> Iterator[None]:
        """Raises BenchError at the end unless the model ran for each picture that was scored meanwhile.

        Args:
            scored: returns the number of pictures that were scored so far, all of them whole pictures of this client.

        """
        embedded_before, scored_before = self.embedded_inputs, scored()
        yield
        require_runs(self.embedded_inputs - embedded_before, scored() - scored_before)


def require_runs(embedded: int, scored: int) -> None:
    """Raises BenchError if the model embedded fewer pictures than were scored."""
    if embedded < scored:
        raise BenchError(
            f"the model ran for {embedded} of {scored} scored pictures: the rest came from a cache, so this is no "
            "measurement of the model; send pictures that are new to the server"
        )
