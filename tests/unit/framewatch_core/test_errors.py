"""The error tree that the module draws is the one that it has."""

from __future__ import annotations

import re

from framewatch_core import errors
from framewatch_core.calibration.material import InvalidMaterial
from framewatch_core.calibration.truth import InvalidTruth
from framewatch_core.errors import FramewatchError


def drawn() -> dict[str, str]:
    """Parent by name, from the lines of the tree in the module's docstring."""
    path, parents = list[str](), dict[str, str]()
    for indent, name in re.findall(r"^ {4}((?:[│├└─ ]{4})*)(\w+)", errors.__doc__ or "", re.MULTILINE):
        path = [*path[: len(indent) // 4], name]
        parents[name] = path[-2] if len(path) > 1 else "Exception"
    return parents


def test_the_tree_is_as_drawn() -> None:
    found = [*vars(errors).values(), InvalidMaterial, InvalidTruth]
    classes = [one for one in found if isinstance(one, type) and issubclass(one, FramewatchError)]
    assert drawn() == {one.__name__: one.__bases__[0].__name__ for one in classes}


def test_every_error_has_a_stable_reason() -> None:
    reasons = {getattr(errors, name).reason for name in drawn() if hasattr(errors, name)}
    assert all(re.fullmatch(r"[A-Z][A-Z_]+", reason) for reason in reasons)
