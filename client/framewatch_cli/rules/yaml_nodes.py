"""YAML read with an eye on where things stand, so that errors can say it."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from framewatch_core.errors import FieldError

_TAG = "tag:yaml.org,2002:"
_PATH_PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class RulesFileError(Exception):
    """A rules file that can't be used.

    Attributes:
        message: what was wrong and what was expected.
        path: of the field, such as `rules[0].enter_at`; empty: the whole file.
        line: in the file, from 1; 0: not known.

    """

    def __init__(self, message: str, path: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.line = line

    def __str__(self) -> str:
        where = [f"line {self.line}"] if self.line else []
        return ": ".join([*where, *([self.path] if self.path else []), self.message])


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the document with its path; every method raises RulesFileError for what it does not expect."""

    yaml: Any
    path: str = ""

    def error(self, message: str) -> RulesFileError:
        """An error of this value."""
        return RulesFileError(message, self.path, self.yaml.start_mark.line + 1)

    def error_of(self, error: FieldError) -> RulesFileError:
        """A domain object's error, at the deepest part of its field's path that is in the document."""
        node, path = self, f"{self.path}.{error.field}" if self.path and error.field else self.path or error.field
        for key, index in _PATH_PART.findall(error.field):
            below = node._items_or_none() if index else node._values_or_none()
            found = below.get(int(index) if index else key) if below else None
            if found is None:
                break
            node = found
        return RulesFileError(error.message, path, node.yaml.start_mark.line + 1)

    @property
    def is_null(self) -> bool:
        """Whether nothing is there."""
        return bool(self.yaml.tag == _TAG + "null")

    def fields(self, known: Collection[str], required: Collection[str] = ()) -> dict[str, Node]:
        """The values of a mapping by key, those that are null left out."""
        values = self.values()
        for name, node in values.items():
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f": is {near[0]!r} meant?" if near else f": known are {', '.join(known)}"
                raise node.error(f"there is no {name!r} here{hint}")
        present = {name: node for name, node in values.items() if not node.is_null}
        for name in required:
            if name not in present:
                raise self.error(f"{name} is missing")
        return present

    def values(self) -> dict[str, Node]:
        """The values of a mapping by key, in their order."""
        if not isinstance(self.yaml, yaml.MappingNode):
            raise self.error(f"expected keys with values, got {self._what()}")
        values: dict[str, Node] = {}
        for key_node, value_node in self.yaml.value:
            key = Node(key_node, self.path).text()
            if key in values:
                raise Node(key_node, self.path).error(f"{key!r} is there twice")
            values[key] = Node(value_node, f"{self.path}.{key}" if self.path else key)
        return values

    def items(self) -> list[Node]:
        """The items of a list."""
        if not isinstance(self.yaml, yaml.SequenceNode):
            raise self.error(f"expected a list, got {self._what()}")
        return [Node(item, f"{self.path}[{i}]") for i, item in enumerate(self.yaml.value)]

    def text(self) -> str:
        """A text."""
        if not isinstance(self.yaml, yaml.ScalarNode):
            raise self.error(f"expected a text, got {self._what()}")
        if self.yaml.tag != _TAG + "str":
            raise self.error(f"expected a text, got {self._what()}: put it in quotes")
        return str(self.yaml.value)

    def texts(self) -> tuple[str, ...]:
        """A list of texts; a single text counts as one."""
        if isinstance(self.yaml, yaml.ScalarNode) and not self.is_null:
            return (self.text(),)
        return tuple(item.text() for item in self.items())

    def number(self) -> float:
        """A finite number."""
        if self.yaml.tag not in {_TAG + "int", _TAG + "float"}:
            raise self.error(f"expected a number, got {self._what()}")
        try:
            value = float(yaml.SafeLoader("").construct_object(self.yaml))
        except (ValueError, OverflowError) as error:
            raise self.error(f"expected a number, got {self._what()}") from error
        if not math.isfinite(value):
            raise self.error(f"expected a finite number, got {self._what()}")
        return value

    def flag(self) -> bool:
        """True or false."""
        if self.yaml.tag != _TAG + "bool":
            raise self.error(f"expected true or false, got {self._what()}")
        return bool(yaml.SafeLoader("").construct_object(self.yaml))

    def choice(self, known: Sequence[str]) -> str:
        """One of some words."""
        word = self.text()
        if word not in known:
            near = difflib.get_close_matches(word, known, 1)
            hint = f"is {near[0]!r} meant?" if near else f"known are {', '.join(known)}"
            raise self.error(f"{word!r} is not known here: {hint}")
        return word

    def _what(self) -> str:
        if isinstance(self.yaml, yaml.MappingNode):
            return "keys with values"
        if isinstance(self.yaml, yaml.SequenceNode):
            return "a list"
        return "nothing" if self.is_null else str(self.yaml.value)

    def _items_or_none(self) -> dict[Any, Node] | None:
        return dict(enumerate(self.items())) if isinstance(self.yaml, yaml.SequenceNode) else None

    def _values_or_none(self) -> dict[Any, Node] | None:
        return dict(self.values()) if isinstance(self.yaml, yaml.MappingNode) else None


def read_yaml(text: str) -> Node:
    """The document of a YAML text. Raises RulesFileError for text that is none or has no content."""
    try:
        document = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise RulesFileError(f"this is no YAML: {error.problem or error.context}", line=line) from error
    except yaml.YAMLError as error:
        raise RulesFileError(f"this is no YAML: {error}") from error
    if document is None:
        raise RulesFileError("the file is empty")
    return Node(document)
