"""Lookup of a model's files: the embedded ones, a folder's, or those of the hub and its cache."""

from __future__ import annotations

from pathlib import Path

from framewatch_core.errors import ModelLoadError
from framewatch_demo import MODEL_DIR
from framewatch_server.vision.checkpoints.hub.download import hub_checkpoint
from framewatch_server.vision.checkpoints.hub.progress import NoProgress, Progress
from framewatch_server.vision.checkpoints.source import Checkpoint, ModelSource, SourceKind


def find_checkpoint(source: ModelSource, *, offline: bool = False, progress: Progress | None = None) -> Checkpoint:
    """Returns a model's files, downloaded if they are not here.

    A revision that is a whole commit is not asked about once it is in the cache. For any other one the hub is asked for
    its commit; if it can't be asked, the commit in the cache is taken and the log has a warning.

    Args:
        source: the model; not `null`, which has no files.
        offline: never use the network, as with HF_HUB_OFFLINE=1.
        progress: receives the progress of downloads.

    Raises:
        ModelLoadError: the model is of no family that can be served, or its files are not available; with the files,
            the place that they were expected in, and how to go on.

    """
    if source.kind is SourceKind.HUB:
        return hub_checkpoint(source, offline=offline, progress=progress or NoProgress())
    return Checkpoint(source, _local_folder(source))


def _local_folder(source: ModelSource) -> Path:
    if source.kind is SourceKind.DEMO:
        return MODEL_DIR
    if source.kind is SourceKind.NULL:
        raise ModelLoadError("the model 'null' computes nothing and has no files: name another one")
    if not source.folder.is_dir():
        raise ModelLoadError(f"the folder {source.where!r} is not there: give one with a checkpoint in it, or a hub id")
    return source.folder
