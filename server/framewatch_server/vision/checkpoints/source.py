"""Sources of models, in the form that users write, and the checkpoints that are found for them."""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from framewatch_core.errors import ModelLoadError

_SPECIAL = ("demo", "null")
_NAME = re.compile(r"[\w./-]{1,96}", re.ASCII)
_HUB_PART = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?"
_HUB_ID = re.compile(rf"{_HUB_PART}/{_HUB_PART}")
_REVISION = re.compile(r"[\w.-]+(?:/[\w.-]+)*", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_LONGEST_REVISION = 255

_EXPECTED = (
    "expected [NAME=]WHERE, with WHERE a hub id (owner/name, or owner/name@revision), a folder (there already, or "
    "starting with ./, / or ~), demo or null"
)


class SourceKind(enum.Enum):
    """Kinds of places that a model comes from."""

    DEMO = "demo"
    NULL = "null"
    FOLDER = "folder"
    HUB = "hub"


@dataclass(frozen=True, slots=True)
class ModelSource:
    """The place that a model comes from.

    Attributes:
        kind: of the place.
        where: a hub id without its revision, a folder in the way that it was written, `demo` or `null`.
        name: the name that requests use for the model.
        revision: branch, tag or commit of a hub id; None for the hub's main branch, and for any other kind.

    """

    kind: SourceKind
    where: str
    name: str
    revision: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `[NAME=]WHERE`; without NAME, requests use the folder's name or the hub id without its revision.

        Raises:
            ModelLoadError: the text is no source.

        """
        if _is_path(text):
            return cls(SourceKind.FOLDER, text, _folder_name(text))
        head, equals, tail = text.partition("=")
        name, where = (head, tail) if equals else (None, text)
        if name is not None and not _NAME.fullmatch(name):
            raise ModelLoadError(
                f"the model {text!r} can't be named {name!r}: a name is 1 to 96 letters, digits, '.', '_', '-' and '/'"
            )
        if where in _SPECIAL:
            return cls(SourceKind(where), where, name or where)
        if _is_path(where):
            return cls(SourceKind.FOLDER, where, name or _folder_name(where))
        hub_id, revision = _hub_parts(where, text)
        return cls(SourceKind.HUB, hub_id, name or hub_id, revision)

    def __str__(self) -> str:
        """Returns `where` with its revision, in the form that users write."""
        return f"{self.where}@{self.revision}" if self.revision else self.where

    @property
    def folder(self) -> Path:
        """Path of a source of the kind FOLDER."""
        return Path(self.where).expanduser()

    @property
    def is_pinned(self) -> bool:
        """True if the revision is a whole commit hash, which always means the same files."""
        return self.revision is not None and _COMMIT.fullmatch(self.revision) is not None

    def pinned(self, commit: str) -> str:
        """Returns the hub id at one commit, in the form that users write."""
        return f"{self.where}@{commit}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model's files on this machine.

    Attributes:
        source: their origin.
        folder: that has them all.
        commit: of the hub, 40 hexadecimal digits; empty for files that are not from the hub.

    """

    source: ModelSource
    folder: Path
    commit: str = ""


def check_names(texts: Sequence[str]) -> None:
    """Raises ModelLoadError if there are no sources, or if two of them have the same name for requests."""
    if not texts:
        raise ModelLoadError("there is no model to serve: give one with --model")
    first: dict[str, str] = {}
    for text in texts:
        name = ModelSource.parse(text).name
        if name in first:
            raise ModelLoadError(
                f"the models {first[name]!r} and {text!r} are both named {name!r}: give one a name of its own, as in "
                f"--model other={text.rpartition('=')[2]}"
            )
        first[name] = text


def _is_path(text: str) -> bool:
    return text.startswith((".", "/", "~")) or (text not in _SPECIAL and bool(text) and Path(text).is_dir())


def _folder_name(where: str) -> str:
    return Path(where).expanduser().resolve().name or where


def _hub_parts(where: str, text: str) -> tuple[str, str | None]:
    hub_id, at, revision = where.partition("@")
    if not _HUB_ID.fullmatch(hub_id) or "--" in hub_id or ".." in hub_id or hub_id.endswith(".git"):
        raise ModelLoadError(f"the model {text!r} is no folder and no hub id: {_EXPECTED}")
    if at and (not _REVISION.fullmatch(revision) or ".." in revision or len(revision) > _LONGEST_REVISION):
        raise ModelLoadError(
            f"the model {text!r} has {revision!r} as its revision: expected a branch, a tag or a commit after the @, "
            "or no @ for the main branch"
        )
    return hub_id, revision or None
