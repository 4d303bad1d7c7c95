"""The report of `models verify` on a checkpoint's files."""

from __future__ import annotations

from collections.abc import Sequence

from rich.filesize import decimal

from framewatch_server.models.integrity import FileCheck, check_files
from framewatch_server.tables import Row, print_line, print_rows
from framewatch_server.vision.checkpoints.files import missing_files
from framewatch_server.vision.checkpoints.find import find_checkpoint
from framewatch_server.vision.checkpoints.hub.download import cached_checkpoint
from framewatch_server.vision.checkpoints.source import Checkpoint, ModelSource, SourceKind


def verify_files(source: ModelSource, *, as_json: bool) -> Checkpoint | None:
    """Prints the state of each file, and returns the checkpoint; None if a file is missing or damaged.

    Raises:
        ModelLoadError: no file of the model is here.

    """
    cached = cached_checkpoint(source) if source.kind is SourceKind.HUB else None
    checkpoint = cached or find_checkpoint(source, offline=True)
    checks = check_files(checkpoint)
    # a damaged configuration doesn't state which other files are needed
    if not any(check.fault for check in checks if check.path.suffix == ".json"):
        missing = missing_files(checkpoint.folder)
        checks += [FileCheck(checkpoint.folder / name, 0, "", "missing") for name in missing]
    row = _file_json if as_json else _file_row
    print_rows(f"{source}: {checkpoint.folder}", [row(source, check) for check in checks], as_json=as_json)
    faults = [check for check in checks if check.fault]
    for check in faults:
        print_line(f"{check.path.name}: {check.fault}")
    if faults:
        print_line(f"{source} is not complete: {_how_to_repair(source, faults)}")
    return None if faults else checkpoint


def _how_to_repair(source: ModelSource, faults: Sequence[FileCheck]) -> str:
    names = ", ".join(check.path.name for check in faults)
    if source.kind is SourceKind.HUB:
        return (
            f"`framewatch-server models download {source}` downloads the files that are damaged or missing again "
            f"({names})"
        )
    return f"copy {names} again from the origin of the folder"


def _file_row(_: ModelSource, check: FileCheck) -> Row:
    return {
        "file": check.path.name,
        "size": decimal(check.size),
        "compared": check.checked or "–",
        "state": check.fault.partition(":")[0] or ("ok" if check.checked else "there"),
    }


def _file_json(source: ModelSource, check: FileCheck) -> Row:
    return {
        "model": str(source),
        "file": str(check.path),
        "size": check.size,
        "compared": check.checked,
        "fault": check.fault,
    }
