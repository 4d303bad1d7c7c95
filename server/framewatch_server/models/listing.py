"""The models on this machine: the embedded one, and those in the hub's cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CacheNotFound, HFCacheInfo, scan_cache_dir
from huggingface_hub.constants import HF_HUB_CACHE

from framewatch_core.errors import ModelLoadError
from framewatch_demo import MODEL_DIR
from framewatch_server.models.card import licence
from framewatch_server.vision.checkpoints.families import FAMILIES, OPEN_CLIP
from framewatch_server.vision.checkpoints.files import family, missing_files

READY = "ready"
EMBEDDED = "embedded"

_KNOWN_FAMILIES = {*FAMILIES, OPEN_CLIP}


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model on this machine.

    Attributes:
        name: hub id, or `demo`.
        commit: of the hub; empty for what is not from there.
        revisions: branches and tags that pointed to this commit when the hub was last asked.
        family: see `framewatch_server.vision.checkpoints.files.family`.
        size: of its files, in bytes.
        licence: by its card.
        state: READY, or the reason why framewatch can't load it: a few words and, behind a colon, the details.

    """

    name: str
    commit: str
    revisions: tuple[str, ...]
    family: str
    size: int
    licence: str
    state: str


def list_models() -> tuple[list[ListedModel], list[str]]:
    """Returns the embedded model and every commit of every model in the cache, by name; and the cache's broken entries.

    Never uses the network.
    """
    try:
        cache = scan_cache_dir()
    except CacheNotFound:
        return [_embedded()], []
    except ValueError as error:
        raise ModelLoadError(f"the cache {HF_HUB_CACHE!r} is no folder: name another one as HF_HOME") from error
    found = sorted(_models(cache), key=lambda model: (model.name, model.commit))
    return [_embedded(), *found], [str(warning) for warning in cache.warnings]


def _embedded() -> ListedModel:
    size = sum(path.stat().st_size for path in MODEL_DIR.iterdir())
    return ListedModel("demo", "", (), family(MODEL_DIR), size, licence(MODEL_DIR), f"{READY}, {EMBEDDED}")


def _models(cache: HFCacheInfo) -> Iterator[ListedModel]:
    for repository in cache.repos:
        if repository.repo_type != "model":
            continue
        for revision in repository.revisions:
            folder = revision.snapshot_path
            kind, state = _family_and_state(folder)
            yield ListedModel(
                name=repository.repo_id,
                commit=revision.commit_hash,
                revisions=tuple(sorted(revision.refs)),
                family=kind,
                size=revision.size_on_disk,
                licence=licence(folder),
                state=state,
            )


def _family_and_state(folder: Path) -> tuple[str, str]:
    try:
        kind, missing = family(folder), missing_files(folder)
    except ModelLoadError as error:
        return "", f"damaged: {error.message}"
    if kind and kind not in _KNOWN_FAMILIES:
        return kind, "other family: framewatch can't load it"
    return kind, f"incomplete: lacks {', '.join(missing)}" if missing else READY
