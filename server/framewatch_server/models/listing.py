"""What the hub's cache has, as far as framewatch is concerned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CacheNotFound, HFCacheInfo, scan_cache_dir
from huggingface_hub.constants import HF_HUB_CACHE

from framewatch_core.errors import ModelLoadError
from framewatch_demo import MODEL_DIR
from framewatch_server.models.card import licence
from framewatch_server.vision.checkpoints.files import family, missing_files

READY = "ready"
EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model on this machine.

    Attributes:
        name: hub id, or `demo`.
        commit: of the hub; empty for what is not from there.
        revisions: branches and tags that were this commit when they were last asked for.
        family: see `framewatch_server.vision.checkpoints.files.family`.
        size: of its files, in bytes.
        licence: as its card says.
        state: READY, or what keeps framewatch from loading it, in a word and behind a colon in more.

    """

    name: str
    commit: str
    revisions: tuple[str, ...]
    family: str
    size: int
    licence: str
    state: str


def list_models(families: tuple[str, ...]) -> tuple[list[ListedModel], list[str]]:
    """The embedded model and every commit of every model in the cache, by name; and what the cache has that is broken.

    Never uses the network.

    Args:
        families: that framewatch can load.

    """
    try:
        cache = scan_cache_dir()
    except CacheNotFound:
        return [_embedded()], []
    except ValueError as error:
        raise ModelLoadError(f"the cache {HF_HUB_CACHE!r} is no folder: name another one as HF_HOME") from error
    found = sorted(_models(cache, families), key=lambda model: (model.name, model.commit))
    return [_embedded(), *found], [str(warning) for warning in cache.warnings]


def _embedded() -> ListedModel:
    size = sum(path.stat().st_size for path in MODEL_DIR.iterdir())
    return ListedModel("demo", "", (), family(MODEL_DIR), size, licence(MODEL_DIR), f"{READY}, {EMBEDDED}")


def _models(cache: HFCacheInfo, families: tuple[str, ...]) -> Iterator[ListedModel]:
    for repository in cache.repos:
        if repository.repo_type != "model":
            continue
        for revision in repository.revisions:
            folder = revision.snapshot_path
            kind, state = _family_and_state(folder, families)
            yield ListedModel(
                name=repository.repo_id,
                commit=revision.commit_hash,
                revisions=tuple(sorted(revision.refs)),
                family=kind,
                size=revision.size_on_disk,
                licence=licence(folder),
                state=state,
            )


def _family_and_state(folder: Path, families: tuple[str, ...]) -> tuple[str, str]:
    try:
        kind, missing = family(folder), missing_files(folder)
    except ModelLoadError as error:
        return "", f"damaged: {error.message}"
    if kind and kind not in families:
        return kind, "other family: framewatch can't load it"
    return kind, f"incomplete: lacks {', '.join(missing)}" if missing else READY
