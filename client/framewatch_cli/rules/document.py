"""YAML documents with typed access to their values: errors name the line and the path of the value."""

from __future__ import annotations

import difflib
import math
import re
import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.composer import MaxDepthExceededError
from ruamel.yaml.error import MantissaNoDotYAML1_1Warning, MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.nodes import Node as YamlNode

from framewatch_core.errors import FieldError

MAX_DOCUMENT_CHARS = 1_000_000
"""Largest text that is read; a rules file with all that a stream can have is smaller."""
MAX_DEPTH = 16
"""Deepest nesting that is read; rules files have four levels."""

YAML_VERSION = (1, 1)
"""Version that decides which plain scalars are texts: in this one `no` and `on` are flags, and have to be quoted."""
_TAG = "tag:yaml.org,2002:"
_FLAGS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_PATH_PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class RulesFileError(Exception):
    """A rules file that can't be used.

    Attributes:
        message: what was wrong and what was expected.
        path: path of the value, such as `rules[0].enter_at`; empty: the whole file.
        line: line in the file, from 1; 0: unknown.

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
    """A value of the document with its path; every method raises RulesFileError for a value of another type."""

    yaml: YamlNode
    path: str = ""

    @property
    def line(self) -> int:
        """Line of the file that the value begins in, from 1."""
        return int(self.yaml.start_mark.line) + 1

    def error(self, message: str) -> RulesFileError:
        """Returns an error about this value."""
        return RulesFileError(message, self.path, self.line)

    def error_of(self, error: FieldError) -> RulesFileError:
        """Returns a domain object's error as one about the deepest value of its field's path that the document has."""
        node, path = self, f"{self.path}.{error.field}" if self.path and error.field else self.path or error.field
        for key, index in _PATH_PART.findall(error.field):
            found = node._item(int(index)) if index else node._value(key)
            if found is None:
                break
            node = found
        return RulesFileError(error.message, path, node.line)

    @property
    def is_null(self) -> bool:
        """True if the key has no value."""
        return bool(self.yaml.tag == f"{_TAG}null")

    def fields(self, known: Collection[str], required: Collection[str] = ()) -> dict[str, Node]:
        """Returns the values of a mapping by key, without those that are null.

        Args:
            known: keys that may be there.
            required: keys that must have a value.

        """
        values = self.values()
        for name, node in values.items():
            if name not in known:
                raise node.error(f"there is no {name!r} here: {_suggestion(name, known)}")
        present = {name: node for name, node in values.items() if not node.is_null}
        for name in required:
            if name not in present:
                raise self.error(f"{name} is missing")
        return present

    def values(self) -> dict[str, Node]:
        """Returns the values of a mapping by key, in their order."""
        if not isinstance(self.yaml, MappingNode):
            raise self.error(f"expected keys with values, got {self._text_of_value()}")
        values: dict[str, Node] = {}
        for key_node, value_node in self.yaml.value:
            key = Node(key_node, self.path).text()
            if key in values:
                raise Node(key_node, self.path).error(f"{key!r} is there twice")
            values[key] = Node(value_node, f"{self.path}.{key}" if self.path else key)
        return values

    def items(self) -> list[Node]:
        """Returns the items of a list."""
        if not isinstance(self.yaml, SequenceNode):
            raise self.error(f"expected a list, got {self._text_of_value()}")
        return [Node(item, f"{self.path}[{i}]") for i, item in enumerate(self.yaml.value)]

    def text(self) -> str:
        """Returns a text."""
        if not isinstance(self.yaml, ScalarNode):
            raise self.error(f"expected a text, got {self._text_of_value()}")
        if self.yaml.tag != f"{_TAG}str":
            raise self.error(f"expected a text, got {self._text_of_value()}: put it in quotes")
        return str(self.yaml.value)

    def texts(self) -> tuple[str, ...]:
        """Returns a list of texts; a single text counts as a list of one."""
        if isinstance(self.yaml, ScalarNode) and not self.is_null:
            return (self.text(),)
        return tuple(item.text() for item in self.items())

    def number(self) -> float:
        """Returns a finite number."""
        if self.yaml.tag not in {f"{_TAG}int", f"{_TAG}float"} or not isinstance(self.yaml, ScalarNode):
            raise self.error(f"expected a number, got {self._text_of_value()}")
        try:
            value = _number(self.yaml)
        except (IndexError, OverflowError, ValueError) as error:
            raise self.error(f"expected a number, got {self._text_of_value()}") from error
        if not math.isfinite(value):
            raise self.error(f"expected a finite number, got {self._text_of_value()}")
        return value

    def flag(self) -> bool:
        """Returns true or false."""
        value = _FLAGS.get(str(self.yaml.value).lower()) if self.yaml.tag == f"{_TAG}bool" else None
        if value is None:
            raise self.error(f"expected true or false, got {self._text_of_value()}")
        return value

    def choice(self, known: Sequence[str]) -> str:
        """Returns one of the known words."""
        word = self.text()
        if word not in known:
            raise self.error(f"{word!r} is not known here: {_suggestion(word, known)}")
        return word

    def _text_of_value(self) -> str:
        """Returns the value for an error: a scalar as it stands in the file."""
        if isinstance(self.yaml, MappingNode):
            return "keys with values"
        if isinstance(self.yaml, SequenceNode):
            return "a list"
        return "nothing" if self.is_null else str(self.yaml.value)

    def _item(self, index: int) -> Node | None:
        items = self.items() if isinstance(self.yaml, SequenceNode) else []
        return items[index] if index < len(items) else None

    def _value(self, key: str) -> Node | None:
        return self.values().get(key) if isinstance(self.yaml, MappingNode) else None


def _number(node: ScalarNode) -> float:
    """Returns the value of a scalar that has the form of a number. Raises IndexError, OverflowError, ValueError."""
    with warnings.catch_warnings():
        # YAML 1.1 wants 1.0e-5; JSON and we accept 1e-5 too
        warnings.simplefilter("ignore", MantissaNoDotYAML1_1Warning)
        return float(_parser().constructor.construct_object(node))


def _parser() -> YAML:
    """Returns a parser in pure Python that resolves only the types of YAML itself, and never makes other objects."""
    parser = YAML(typ="safe", pure=True)
    parser.version = YAML_VERSION
    parser.max_depth = MAX_DEPTH
    return parser


def _suggestion(word: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(word, known, 1)
    return f"is {near[0]!r} meant?" if near else f"known are {', '.join(known)}"


def read_document(text: str) -> Node:
    """Parses a YAML text.

    Nothing is constructed from the file: its tags stay names, and references to anchors are not copied.

    Raises:
        RulesFileError: the text is no YAML, is empty, too long, or nested too deeply.

    """
    if len(text) > MAX_DOCUMENT_CHARS:
        raise RulesFileError(f"the file has {len(text):,} characters: expected at most {MAX_DOCUMENT_CHARS:,}")
    try:
        document = _parser().compose(text)
    except MaxDepthExceededError as error:
        raise RulesFileError(f"values are nested too deeply: expected at most {MAX_DEPTH} levels") from error
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise RulesFileError(f"this is no YAML: {error.problem or error.context}", line=line) from error
    except YAMLError as error:
        raise RulesFileError(f"this is no YAML: {error}") from error
    if document is None:
        raise RulesFileError("the file is empty")
    return Node(document)
