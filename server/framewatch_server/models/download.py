"""Downloads of whole models: fetched, compared with the hub's hashes, and repaired where they are damaged."""

from __future__ import annotations

from framewatch_core.errors import ModelLoadError
from framewatch_server.models.integrity import FileCheck, check_files, remove
from framewatch_server.vision.checkpoints.find import find_checkpoint
from framewatch_server.vision.checkpoints.hub.download import cached_checkpoint, download_checkpoint
from framewatch_server.vision.checkpoints.hub.progress import Progress
from framewatch_server.vision.checkpoints.source import Checkpoint, ModelSource, SourceKind


def make_ready(source: ModelSource, progress: Progress) -> tuple[Checkpoint, list[FileCheck]]:
    """Downloads a model, and verifies it.

    Files that are in the cache already and don't have the content that their names state are removed and downloaded
    again.

    Returns:
        the checkpoint, and its files, none of which has a fault.

    Raises:
        ModelLoadError: it is not available, or a file is damaged right after its download.

    """
    cached = cached_checkpoint(source) if source.kind is SourceKind.HUB else None
    damaged = [check for check in check_files(cached) if check.fault] if cached else []
    for check in damaged:
        remove(check)
    checkpoint = download_checkpoint(source, progress) if damaged else find_checkpoint(source, progress=progress)
    checks = check_files(checkpoint)
    if faults := [check for check in checks if check.fault]:
        raise ModelLoadError(
            f"{faults[0].path} of the model {source} is damaged right after its download ({faults[0].fault}): check "
            "the disk, and the folder's contents"
        )
    return checkpoint, checks
