"""Listings: the files of a model's repository on the hub, before anything is downloaded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

import structlog
from huggingface_hub import HfApi, constants

from framewatch_core.errors import ModelLoadError
from framewatch_core.quoting import quoted
from framewatch_server.vision.checkpoints.hub.errors import HUB_FAILURES, hub_error
from framewatch_server.vision.checkpoints.source import ModelSource

_TIMEOUT_S = 10.0
_CONVERTER = "SFconvertbot"
_MOST_CONVERSIONS = 100
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on the hub.

    Attributes:
        name: in its repository.
        size: in bytes.
        sha256: of its content, in hexadecimal; None for a file that is not in LFS.

    """

    name: str
    size: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a revision.

    Attributes:
        commit: that the revision is now, 40 hexadecimal digits.
        files: by name.

    """

    commit: str
    files: Mapping[str, RemoteFile]


def list_files(source: ModelSource) -> Listing:
    """Asks the hub for the files of a source's revision. Raises ModelLoadError."""
    try:
        info = HfApi().model_info(source.where, revision=source.revision, files_metadata=True, timeout=_TIMEOUT_S)
    except HUB_FAILURES as error:
        raise hub_error(source, "the list of files", error) from error
    commit = _hash(info.sha, _COMMIT, source, "the commit")
    files = [
        RemoteFile(
            each.rfilename,
            each.size or 0,
            _hash(each.lfs.sha256, _SHA256, source, "the sha256 of a file") if each.lfs else None,
        )
        for each in info.siblings or ()
    ]
    return Listing(commit, {file.name: file for file in files})


def _hash(found: object, pattern: re.Pattern[str], source: ModelSource, name: str) -> str:
    """Returns a hash of the hub's answer, which names a file of the cache. Raises ModelLoadError if it is none."""
    if isinstance(found, str) and pattern.fullmatch(found):
        return found
    raise ModelLoadError(
        f"{constants.ENDPOINT} doesn't report {name} of {source} (found {quoted(str(found))}, expected "
        f"{pattern.pattern}): name a host in HF_ENDPOINT that answers as https://huggingface.co does"
    )


def find_conversion(source: ModelSource) -> str:
    """Returns the hub id with the revision of the hub's own conversion to safetensors; empty if there is none."""
    try:
        proposals = HfApi().get_repo_discussions(
            source.where, author=_CONVERTER, discussion_type="pull_request", discussion_status="open"
        )
        numbers = [each.num for each in islice(proposals, _MOST_CONVERSIONS) if each.author == _CONVERTER]
    except HUB_FAILURES as error:
        # mirrors don't have discussions; the error that is being made is complete without
        _log.debug("no discussions", model=str(source), because=str(error))
        return ""
    return f"{source.where}@refs/pr/{numbers[0]}" if numbers else ""
