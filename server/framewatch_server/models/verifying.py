"""What `models verify` says of a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.filesize import decimal

from framewatch_server.models.files import FileCheck, check_files
from framewatch_server.models.precision import DTYPES, REFERENCE, Cosines, PrecisionCheck, check_precision
from framewatch_server.tables import Row, print_rows, progress
from framewatch_server.vision.checkpoint_files import missing_files
from framewatch_server.vision.hub import Checkpoint, cached_checkpoint, find_checkpoint
from framewatch_server.vision.model_source import ModelSource, SourceKind


def verify_files(source: ModelSource, *, as_json: bool) -> Checkpoint | None:
    """Prints what is known of each file; None if one is missing or damaged.

    Raises:
        ModelLoadError: nothing of the model is here.

    """
    cached = cached_checkpoint(source) if source.kind is SourceKind.HUB else None
    checkpoint = cached or find_checkpoint(source, offline=True)
    checks = check_files(checkpoint)
    # what is damaged can't be asked what else is needed
    if not any(check.fault for check in checks):
        missing = missing_files(checkpoint.folder)
        checks += [FileCheck(checkpoint.folder / name, 0, "", "missing") for name in missing]
    row = _file_json if as_json else _file_row
    print_rows(f"{source}: {checkpoint.folder}", [row(source, check) for check in checks], as_json=as_json)
    faults = [check for check in checks if check.fault]
    if faults:
        _tell(f"{source} is not whole: {_how_to_mend(source, faults)}")
    return None if faults else checkpoint


def verify_precision(checkpoint: Checkpoint, dtypes: Sequence[str], *, device: str, engine: str, as_json: bool) -> bool:
    """Prints what each dtype costs; False if one of `dtypes` has a fault.

    Args:
        checkpoint: that is whole.
        dtypes: that were asked for; all without one, or for `auto`, and then none is required.
        device: see `check_precision`.
        engine: see `check_precision`.
        as_json: a line of JSON per dtype.

    """
    source = checkpoint.source
    name = source.where if source.kind is SourceKind.DEMO else str(checkpoint.folder)
    named = [] if "auto" in dtypes else list(dict.fromkeys(dtypes))
    chosen = [dtype for dtype in named or DTYPES if dtype != REFERENCE]
    with progress.status("loading") as status:
        checks = list(
            check_precision(name, checkpoint.folder, chosen, device=device, engine=engine, report=status.update)
        )
    row = _precision_json if as_json else _precision_row
    title = f"{source}: cosine to float32"
    print_rows(title, [row(source, check) for check in checks], as_json=as_json)
    faults = [check for check in checks if check.fault]
    for check in faults:
        _tell(f"{check.dtype}: {check.fault}")
    return not (named and faults)


def _how_to_mend(source: ModelSource, faults: Sequence[FileCheck]) -> str:
    names = ", ".join(check.path.name for check in faults)
    if source.kind is SourceKind.HUB:
        return (
            f"`framewatch-server models download {source}` takes out what is damaged and downloads it again, with what "
            f"is missing ({names})"
        )
    return f"bring {names} anew from where the folder is from"


def _tell(line: str) -> None:
    progress.print(line, soft_wrap=True, markup=False, highlight=False)


def _file_row(_: ModelSource, check: FileCheck) -> Row:
    return {
        "file": check.path.name,
        "size": decimal(check.size),
        "compared": check.checked or "–",
        "state": check.fault or ("ok" if check.checked else "there"),
    }


def _file_json(source: ModelSource, check: FileCheck) -> Row:
    return {
        "model": str(source),
        "file": str(check.path),
        "size": check.size,
        "compared": check.checked,
        "fault": check.fault,
    }


def _precision_row(_: ModelSource, check: PrecisionCheck) -> Row:
    return {
        "dtype": check.dtype,
        "engine": check.engine or "–",
        "pictures, mean": _figure(check.images, "mean"),
        "least": _figure(check.images, "least"),
        "texts, mean": _figure(check.texts, "mean"),
        "least ": _figure(check.texts, "least"),
        "weights": decimal(check.size) if check.size else "–",
        "state": check.fault.partition(":")[0] or "ok",
    }


def _figure(cosines: Cosines | None, which: str) -> str:
    return f"{getattr(cosines, which):.5f}" if cosines else "–"


def _precision_json(source: ModelSource, check: PrecisionCheck) -> Row:
    return {
        "model": str(source),
        "dtype": check.dtype,
        "engine": check.engine,
        "images": _json_cosines(check.images),
        "texts": _json_cosines(check.texts),
        "weights": check.size,
        "fault": check.fault,
    }


def _json_cosines(cosines: Cosines | None) -> Row | None:
    """JSON has no NaN."""
    if cosines is None or math.isnan(cosines.mean):
        return None
    return {"mean": cosines.mean, "least": cosines.least}
