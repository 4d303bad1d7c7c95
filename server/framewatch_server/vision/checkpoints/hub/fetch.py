"""Checkpoints from the Hugging Face hub, its cache or a folder: only what is needed, never a pickle, never code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import structlog
from huggingface_hub import HfApi, constants, hf_hub_download, is_offline_mode, try_to_load_from_cache

from framewatch_core.errors import ModelLoadError
from framewatch_demo import MODEL_DIR
from framewatch_server.vision.checkpoints.families import OPEN_CLIP, family_of
from framewatch_server.vision.checkpoints.files import (
    CONFIG,
    EXPECTED_FILES,
    OPEN_CLIP_CONFIG,
    family,
    is_transformers,
    missing_files,
    small_files,
    weight_files,
)
from framewatch_server.vision.checkpoints.hub.blobs import fetch_blob
from framewatch_server.vision.checkpoints.hub.errors import HUB_FAILURES, elsewhere, hub_error
from framewatch_server.vision.checkpoints.hub.progress import NoProgress, Progress, bar_class
from framewatch_server.vision.checkpoints.source import ModelSource, SourceKind

_LOOK_TIMEOUT_S = 10.0
_CONVERTER = "SFconvertbot"
_MOST_CONVERSIONS = 100

# A server in front of people's cameras reports to nobody: huggingface_hub would tell the hub torch's version, and first
# ask it how to find out which agents run here.
constants.HF_HUB_DISABLE_TELEMETRY = True

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model's files on this machine.

    Attributes:
        source: where they are from.
        folder: that has them all.
        commit: of the hub, 40 hexadecimal digits; empty for what is not from the hub.

    """

    source: ModelSource
    folder: Path
    commit: str = ""


@dataclass(frozen=True, slots=True)
class _RemoteFile:
    name: str
    size: int
    sha256: str | None  # of what the hub keeps in LFS


@dataclass(frozen=True, slots=True)
class _Listing:
    commit: str
    files: Mapping[str, _RemoteFile]


def find_checkpoint(source: ModelSource, *, offline: bool = False, progress: Progress | None = None) -> Checkpoint:
    """A model's files, downloaded if they are not here.

    A revision that is a whole commit is not asked about once it is in the cache. Of any other the hub is asked which
    commit it is now; where it can't be asked, the one in the cache is taken and the log says so.

    Args:
        source: the model; not `null`, which has no files.
        offline: never use the network, as with HF_HUB_OFFLINE=1.
        progress: told of what is downloaded.

    Raises:
        ModelLoadError: the model is of no family that can be served, or its files can't be had; it says which, from
            where, and how to go on.

    """
    if source.kind is not SourceKind.HUB:
        return Checkpoint(source, _local_folder(source))
    cached = cached_checkpoint(source)
    is_complete = cached is not None and not missing_files(cached.folder)
    if cached is not None and is_complete and (source.is_pinned or offline or is_offline_mode()):
        return cached
    if offline or is_offline_mode():
        raise _not_here(source, cached)
    try:
        listing = _look(source)
    except ModelLoadError as error:
        if cached is None or not is_complete:
            raise
        _log.warning(
            "the hub can't tell what this revision is now: the commit in the cache is taken",
            model=str(source),
            commit=cached.commit,
            because=error.message,
        )
        return cached
    if cached is not None and is_complete and cached.commit == listing.commit:
        return cached
    return _download(source, listing, progress or NoProgress())


def download_checkpoint(source: ModelSource, progress: Progress | None = None) -> Checkpoint:
    """Fetches what the cache lacks of a hub model, whatever is there of it. Raises ModelLoadError."""
    if is_offline_mode():
        raise _not_here(source, cached_checkpoint(source))
    return _download(source, _look(source), progress or NoProgress())


def cached_checkpoint(source: ModelSource) -> Checkpoint | None:
    """What the cache has of a hub model, complete or not; None without its configuration. Never uses the network."""
    for name in (CONFIG, OPEN_CLIP_CONFIG):
        path = try_to_load_from_cache(source.where, name, revision=source.revision)
        if isinstance(path, str):
            folder = Path(path).parent
            return Checkpoint(source, folder, folder.name)
    return None


def _local_folder(source: ModelSource) -> Path:
    if source.kind is SourceKind.DEMO:
        return MODEL_DIR
    if source.kind is SourceKind.NULL:
        raise ModelLoadError("the model 'null' computes nothing and has no files: name another one")
    if not source.folder.is_dir():
        raise ModelLoadError(f"the folder {source.where!r} is not there: give one with a checkpoint in it, or a hub id")
    return source.folder


def _not_here(source: ModelSource, cached: Checkpoint | None) -> ModelLoadError:
    lacks = f"lacks {', '.join(missing_files(cached.folder))} of" if cached else "doesn't have"
    return ModelLoadError(
        f"the cache {constants.HF_HUB_CACHE!r} {lacks} the model {str(source)!r}, and the network must not be used "
        f"(offline mode). To go on: {elsewhere(source)}"
    )


def _look(source: ModelSource) -> _Listing:
    try:
        info = HfApi().model_info(source.where, revision=source.revision, files_metadata=True, timeout=_LOOK_TIMEOUT_S)
    except HUB_FAILURES as error:
        raise hub_error(source, "the list of files", error) from error
    if info.sha is None:
        raise ModelLoadError(
            f"{constants.ENDPOINT} doesn't say which commit {source} is: name a host in HF_ENDPOINT that speaks as "
            "https://huggingface.co does"
        )
    files = [
        _RemoteFile(each.rfilename, each.size or 0, each.lfs.sha256 if each.lfs else None)
        for each in info.siblings or ()
    ]
    return _Listing(info.sha, {file.name: file for file in files})


def _download(source: ModelSource, listing: _Listing, progress: Progress) -> Checkpoint:
    """Fetches the weights last: where they are complete, so is all else, also after an interruption."""
    small = sorted(small_files(listing.files), key=lambda name: name not in {CONFIG, OPEN_CLIP_CONFIG})
    _require_loadable(source, listing, small)
    # asking for the first one by the revision's own name, the cache notes which commit that is
    moving = source.revision or constants.DEFAULT_REVISION
    folder = _fetch(source, listing, small[0], moving, progress).parent
    if (kind := family(folder)) != OPEN_CLIP:
        family_of(kind, str(source))  # before gigabytes come for nothing
    weights = weight_files(listing.files, in_transformers_format=is_transformers(folder))
    for name in [*small[1:], *weights]:
        _fetch(source, listing, name, listing.commit, progress)
    if missing := missing_files(folder):
        raise ModelLoadError(
            f"the model {source} has no {', '.join(missing)} on {constants.ENDPOINT}: expected {EXPECTED_FILES}"
        )
    return Checkpoint(source, folder, folder.name)


def _require_loadable(source: ModelSource, listing: _Listing, small: Sequence[str]) -> None:
    if not {CONFIG, OPEN_CLIP_CONFIG} & set(small):
        raise ModelLoadError(
            f"the model {source} has neither {CONFIG} nor {OPEN_CLIP_CONFIG} on {constants.ENDPOINT}: expected a "
            "checkpoint in transformers' or OpenCLIP's format"
        )
    if weight_files(listing.files, in_transformers_format=True):
        return
    conversion = _conversion(source)
    how = (
        f"the hub has them converted: give {conversion!r}"
        if conversion
        else "name another model, or convert it (https://huggingface.co/spaces/safetensors/convert) and give the folder"
    )
    raise ModelLoadError(
        f"the model {source} has no weights in safetensors on {constants.ENDPOINT}, and framewatch loads no others, "
        f"since they can run code: {how}"
    )


def _conversion(source: ModelSource) -> str:
    """The revision with the hub's own conversion to safetensors, as a user would write it; empty if there is none."""
    try:
        proposals = HfApi().get_repo_discussions(
            source.where, author=_CONVERTER, discussion_type="pull_request", discussion_status="open"
        )
        numbers = [each.num for each in islice(proposals, _MOST_CONVERSIONS) if each.author == _CONVERTER]
    except HUB_FAILURES as error:
        # mirrors don't have discussions; the error that is being made says enough without
        _log.debug("no discussions", model=str(source), because=str(error))
        return ""
    return f"{source.where}@refs/pr/{numbers[0]}" if numbers else ""


def _fetch(source: ModelSource, listing: _Listing, name: str, revision: str, progress: Progress) -> Path:
    """Brings one file into the cache if it isn't there; returns its path."""
    file = listing.files[name]
    is_here = isinstance(try_to_load_from_cache(source.where, name, revision=listing.commit), str)
    try:
        if file.sha256 and not is_here:
            fetch_blob(source, listing.commit, name, file.size, file.sha256, progress)
        bar = bar_class(name, file.size, progress)
        return Path(hf_hub_download(source.where, name, revision=revision, tqdm_class=bar))
    except HUB_FAILURES as error:
        raise hub_error(source, name, error) from error
