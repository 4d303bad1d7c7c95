"""Integrity of a checkpoint's files."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from framewatch_server.vision.checkpoints.files import is_transformers, small_files, weight_files
from framewatch_server.vision.checkpoints.hub.blobs import sha256_of
from framewatch_server.vision.checkpoints.source import Checkpoint

_SHA256 = re.compile(r"[0-9a-f]{64}")
_GIT_SHA1 = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class FileCheck:
    """State of one file.

    Attributes:
        path: in the checkpoint's folder.
        size: in bytes.
        checked: the thing that was compared: sha256, git sha1, header (of safetensors), or nothing.
        fault: one word and, behind a colon, the details; empty if there is none.

    """

    path: Path
    size: int
    checked: str
    fault: str = ""


def check_files(checkpoint: Checkpoint) -> list[FileCheck]:
    """Returns the state of every file of a checkpoint, by name.

    huggingface_hub names files in its cache by their hash (sha256 for files in LFS, git's sha1 of a blob for the
    others), so that they are compared with it without the network. In other folders the right content of a file is not
    known: for the files that a model is loaded from, the weights' header is compared with their length.
    """
    folder, is_from_hub = checkpoint.folder, bool(checkpoint.commit)
    names = sorted(path.name for path in folder.iterdir() if path.is_file() or path.is_symlink())
    if not is_from_hub:
        weights = weight_files(names, in_transformers_format=is_transformers(folder))
        names = sorted({*small_files(names), *weights})
    return [_check(folder / name, is_from_hub=is_from_hub) for name in names]


def remove(check: FileCheck) -> None:
    """Removes a file of the hub's cache, never one outside of its repository there, so that it is downloaded again."""
    repository = check.path.parent.parent.parent.resolve()  # of repository/snapshots/commit/file
    content = (_blob(check.path), check.path.resolve())
    for path in (check.path, *content):
        if path.parent.resolve().is_relative_to(repository):
            path.unlink(missing_ok=True)


def _check(path: Path, *, is_from_hub: bool) -> FileCheck:
    if not path.is_file():
        return FileCheck(path, 0, "", "gone: the cache lacks its content")
    size = path.stat().st_size
    expected = _blob(path).name if is_from_hub else ""
    if _SHA256.fullmatch(expected):
        return FileCheck(path, size, "sha256", _difference(expected, sha256_of(path)))
    if _GIT_SHA1.fullmatch(expected):
        return FileCheck(path, size, "git sha1", _difference(expected, _git_sha1(path)))
    if path.suffix == ".safetensors":
        return FileCheck(path, size, "header", _header_fault(path))
    return FileCheck(path, size, "")


def _blob(path: Path) -> Path:
    """Returns the target of a snapshot's file: one step only, since a further one may lead to other kinds of names."""
    return path.parent / path.readlink() if path.is_symlink() else path


def _difference(expected: str, found: str) -> str:
    return "" if found == expected else f"damaged: its content has the hash {found}"


def _git_sha1(path: Path) -> str:
    content = path.read_bytes()  # git keeps only small files itself
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _header_fault(path: Path) -> str:
    try:
        with safe_open(path, framework="numpy"):
            return ""
    except (SafetensorError, OSError) as error:
        return f"damaged: it can't be read as safetensors ({error})"
