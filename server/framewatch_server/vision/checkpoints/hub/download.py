"""Downloads from the hub into its cache: only the files that are needed, never a pickle, never code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import structlog
from huggingface_hub import constants, hf_hub_download, is_offline_mode, try_to_load_from_cache

from framewatch_core.errors import ModelLoadError
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
from framewatch_server.vision.checkpoints.hub.listing import Listing, find_conversion, list_files
from framewatch_server.vision.checkpoints.hub.progress import NoProgress, Progress, bar_class
from framewatch_server.vision.checkpoints.source import Checkpoint, ModelSource

_log = structlog.get_logger()


def hub_checkpoint(source: ModelSource, *, offline: bool, progress: Progress) -> Checkpoint:
    """Returns a hub model's files, downloaded if the cache lacks them. Raises ModelLoadError, see `find_checkpoint`."""
    cached = cached_checkpoint(source)
    is_complete = cached is not None and not missing_files(cached.folder)
    if cached is not None and is_complete and (source.is_pinned or offline or is_offline_mode()):
        return cached
    if offline or is_offline_mode():
        raise _not_here(source, cached)
    try:
        listing = list_files(source)
    except ModelLoadError as error:
        if cached is None or not is_complete:
            raise
        _log.warning(
            "the hub can't be asked for this revision's commit: the one in the cache is taken",
            model=str(source),
            commit=cached.commit,
            because=error.message,
        )
        return cached
    if cached is not None and is_complete and cached.commit == listing.commit:
        return cached
    return _download(source, listing, progress)


def download_checkpoint(source: ModelSource, progress: Progress | None = None) -> Checkpoint:
    """Downloads every file of a hub model that the cache lacks. Raises ModelLoadError."""
    if is_offline_mode():
        raise _not_here(source, cached_checkpoint(source))
    return _download(source, list_files(source), progress or NoProgress())


def cached_checkpoint(source: ModelSource) -> Checkpoint | None:
    """Returns the cache's files of a hub model, complete or not; None without its configuration.

    Never uses the network.
    """
    for name in (CONFIG, OPEN_CLIP_CONFIG):
        path = try_to_load_from_cache(source.where, name, revision=source.revision)
        if isinstance(path, str):
            folder = Path(path).parent
            return Checkpoint(source, folder, folder.name)
    return None


def _not_here(source: ModelSource, cached: Checkpoint | None) -> ModelLoadError:
    lacks = f"lacks {', '.join(missing_files(cached.folder))} of" if cached else "doesn't have"
    return ModelLoadError(
        f"the cache {constants.HF_HUB_CACHE!r} {lacks} the model {str(source)!r}, and the network must not be used "
        f"(offline mode). To go on: {elsewhere(source)}"
    )


def _download(source: ModelSource, listing: Listing, progress: Progress) -> Checkpoint:
    """Downloads the weights last: where they are complete, so is everything else, also after an interruption."""
    small = sorted(small_files(listing.files), key=lambda name: name not in {CONFIG, OPEN_CLIP_CONFIG})
    _require_loadable(source, listing, small)
    # asking for the first one by the revision's own name, the cache notes which commit that is
    moving = source.revision or constants.DEFAULT_REVISION
    folder = _fetch(source, listing, small[0], moving, progress).parent
    if (kind := family(folder)) != OPEN_CLIP:
        family_of(kind, str(source))  # before gigabytes are downloaded for nothing
    weights = weight_files(listing.files, in_transformers_format=is_transformers(folder))
    for name in [*small[1:], *weights]:
        _fetch(source, listing, name, listing.commit, progress)
    if missing := missing_files(folder):
        raise ModelLoadError(
            f"the model {source} has no {', '.join(missing)} on {constants.ENDPOINT}: expected {EXPECTED_FILES}"
        )
    return Checkpoint(source, folder, folder.name)


def _require_loadable(source: ModelSource, listing: Listing, small: Sequence[str]) -> None:
    if not {CONFIG, OPEN_CLIP_CONFIG} & set(small):
        raise ModelLoadError(
            f"the model {source} has neither {CONFIG} nor {OPEN_CLIP_CONFIG} on {constants.ENDPOINT}: expected "
            f"{EXPECTED_FILES}"
        )
    if weight_files(listing.files, in_transformers_format=True):
        return
    conversion = find_conversion(source)
    how = (
        f"the hub has them converted: give {conversion!r}"
        if conversion
        else "name another model, or convert it (https://huggingface.co/spaces/safetensors/convert) and give the folder"
    )
    raise ModelLoadError(
        f"the model {source} has no weights in safetensors on {constants.ENDPOINT}, and framewatch loads no others, "
        f"since they can run code: {how}"
    )


def _fetch(source: ModelSource, listing: Listing, name: str, revision: str, progress: Progress) -> Path:
    """Downloads one file into the cache if it isn't there; returns its path."""
    file = listing.files[name]
    is_here = isinstance(try_to_load_from_cache(source.where, name, revision=listing.commit), str)
    try:
        if file.sha256 and not is_here:
            fetch_blob(source, listing.commit, name, file.size, file.sha256, progress)
        bar = bar_class(name, file.size, progress)
        return Path(hf_hub_download(source.where, name, revision=revision, tqdm_class=bar))
    except HUB_FAILURES as error:
        raise hub_error(source, name, error) from error
