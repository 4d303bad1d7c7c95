"""A model made ready: downloaded, compared with the hub's hashes, and mended where it isn't whole."""

from __future__ import annotations

from framewatch_core.errors import ModelLoadError
from framewatch_server.models.files import FileCheck, check_files, remove
from framewatch_server.vision.checkpoints.hub.fetch import (
    Checkpoint,
    cached_checkpoint,
    download_checkpoint,
    find_checkpoint,
)
from framewatch_server.vision.checkpoints.hub.progress import Progress
from framewatch_server.vision.checkpoints.source import ModelSource, SourceKind


def make_ready(source: ModelSource, progress: Progress) -> tuple[Checkpoint, list[FileCheck]]:
    """Brings a model here whole.

    Files of it that are in the cache already and aren't what their names say are taken out and downloaded again.

    Returns:
        the checkpoint, and its files, none of which has a fault.

    Raises:
        ModelLoadError: it can't be had, or a file is damaged as soon as it is here.

    """
    cached = cached_checkpoint(source) if source.kind is SourceKind.HUB else None
    damaged = [check for check in check_files(cached) if check.fault] if cached else []
    for check in damaged:
        remove(check)
    checkpoint = download_checkpoint(source, progress) if damaged else find_checkpoint(source, progress=progress)
    checks = check_files(checkpoint)
    if faults := [check for check in checks if check.fault]:
        raise ModelLoadError(
            f"of the model {source}, {faults[0].path} is damaged as soon as it is there ({faults[0].fault}): check the "
            "disk, and the folder's contents"
        )
    return checkpoint, checks
