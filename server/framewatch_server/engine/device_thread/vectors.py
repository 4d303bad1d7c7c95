"""Checks of the vectors that towers return."""

from __future__ import annotations

from framewatch_core.arrays import Float32Array
from framewatch_core.errors import InternalError


def counted(vectors: Float32Array, count: int, what: str) -> Float32Array:
    """Returns the vectors. Raises InternalError unless there is one for each input; `what`: the inputs' name."""
    if len(vectors) != count:
        raise InternalError(f"the model returned {len(vectors)} vectors for {count} {what}")
    return vectors
