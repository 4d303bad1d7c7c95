"""The models of a server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from framewatch_core.errors import ModelNotFound
from framewatch_core.quoting import quoted
from framewatch_server.engine.scorer import Scorer


class Models:
    """Scorers by their models' names, which are unique; the first is the default."""

    def __init__(self, scorers: Sequence[Scorer]) -> None:
        """`scorers`: at least one."""
        self._by_name = {scorer.info.name: scorer for scorer in scorers}
        self.default = scorers[0]

    def __iter__(self) -> Iterator[Scorer]:
        return iter(self._by_name.values())

    def find(self, name: str) -> Scorer:
        """Returns the scorer of the model of that name; an empty name means the default. Raises ModelNotFound."""
        if not name:
            return self.default
        if (scorer := self._by_name.get(name)) is None:
            there_is = ", ".join(self._by_name)
            raise ModelNotFound(
                f"no model {quoted(name)} is loaded; there is: {there_is}. Name one of them, or none for the first; or "
                "start the server with another --model"
            )
        return scorer
