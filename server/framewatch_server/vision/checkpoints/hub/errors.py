"""Errors between here and the hub, and how to go on."""

from __future__ import annotations

import errno

import httpx2
from huggingface_hub import constants
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from framewatch_core.errors import ModelLoadError
from framewatch_server.vision.checkpoints.source import ModelSource
from framewatch_server.vision.error_text import first_line

HUB_FAILURES = (OSError, ValueError, httpx2.HTTPError)
"""Errors that huggingface_hub raises: ValueError for an answer that isn't the hub's."""

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = (401, 403)
_TOO_MANY = 429


def hub_error(source: ModelSource, wanted: str, error: Exception) -> ModelLoadError:
    """Returns the error to raise for a failure of the hub.

    Args:
        source: the model.
        wanted: the thing that was asked for, such as a file's name.
        error: one of HUB_FAILURES.

    """
    cause = _cause(error)
    message = _of_the_repository(source, cause) or _of_the_disk(source, cause) or _of_the_host(source, wanted, cause)
    return ModelLoadError(message)


def elsewhere(source: ModelSource) -> str:
    """Returns instructions to get a model without the hub."""
    return (
        f"download it where there is a network (`framewatch-server models download {source}`) and bring the cache's "
        "folder here as HF_HOME; or give a folder with its files; or try the embedded model `demo`"
    )


def _cause(error: Exception) -> Exception:
    """Returns the cause of an error, which the library wraps into «check your connection»."""
    inner = error.__cause__
    return inner if isinstance(error, LocalEntryNotFoundError) and isinstance(inner, Exception) else error


def _of_the_repository(source: ModelSource, error: Exception) -> str:
    host = constants.ENDPOINT
    if isinstance(error, GatedRepoError):
        return (
            f"the model {source.where!r} is gated on {host}: accept its licence at {host}/{source.where} with your "
            "account, then give that account's token as HF_TOKEN or log in with `hf auth login`"
        )
    if isinstance(error, RepositoryNotFoundError):
        return (
            f"{host} has no model {source.where!r}, or it is private: check the spelling (owner/name); for a private "
            "one, give a token as HF_TOKEN or log in with `hf auth login`"
        )
    if isinstance(error, RevisionNotFoundError):
        return (
            f"the model {source.where!r} has no revision {source.revision or constants.DEFAULT_REVISION!r} on {host}: "
            f"give a branch, a tag or a commit of {host}/{source.where}/commits/main, or no @ for the main branch"
        )
    return ""


def _of_the_disk(source: ModelSource, error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number in _NO_SPACE:
        return (
            f"the disk with the cache {constants.HF_HUB_CACHE!r} is full: make room, or name another folder as "
            f"HF_HOME; the part of {source} that has arrived is kept, and the same command goes on from there"
        )
    # failed connections have numbers as well, but no file
    if isinstance(error, OSError) and error.filename is not None and number is not None:
        return (
            f"the cache {constants.HF_HUB_CACHE!r} can't be used ({error}): make it writable, or name another folder "
            "as HF_HOME"
        )
    return ""


def _of_the_host(source: ModelSource, wanted: str, error: Exception) -> str:
    host = constants.ENDPOINT
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    if isinstance(error, EntryNotFoundError):
        return f"{host} lists {wanted} of {source} and doesn't send it: try again, or another mirror as HF_ENDPOINT"
    if status in _REFUSED:
        return (
            f"{host} refuses {wanted} of {source} ({status}): check the token in HF_TOKEN (or `hf auth whoami`) and "
            f"that its account may read {host}/{source.where}"
        )
    if status == _TOO_MANY:
        return f"{host} has had too many requests (for {wanted} of {source}): wait, or give a token as HF_TOKEN"
    failure = f"answered {status}" if status else f"could not be reached, or broke off ({first_line(error)})"
    return (
        f"{host} {failure} when asked for {wanted} of {source}. The part that has arrived is kept: the same command "
        "goes on from there. To go on: check the network and a proxy's settings (HTTPS_PROXY); or name a mirror as "
        f"HF_ENDPOINT; or {elsewhere(source)}"
    )
