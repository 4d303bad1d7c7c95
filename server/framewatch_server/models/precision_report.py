"""The report of `models verify` on dtypes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.filesize import decimal

from framewatch_server.models.precision import DTYPES, REFERENCE, Cosines, PrecisionCheck, check_precision
from framewatch_server.tables import Row, print_line, print_rows, progress
from framewatch_server.vision.checkpoints.source import Checkpoint, ModelSource, SourceKind


def verify_precision(checkpoint: Checkpoint, dtypes: Sequence[str], *, device: str, engine: str, as_json: bool) -> bool:
    """Prints the cost of each dtype; returns False if one of `dtypes` has a fault.

    Args:
        checkpoint: whose files are complete.
        dtypes: that were asked for. None, or `auto`: all of them, and then none is required.
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
        print_line(f"{check.dtype}: {check.fault}")
    return not (named and faults)


def _precision_row(_: ModelSource, check: PrecisionCheck) -> Row:
    return {
        "dtype": check.dtype,
        "engine": check.engine or "–",
        "pictures, mean": _figure(check.images, "mean"),
        "least": _figure(check.images, "least"),
        "texts, mean": _figure(check.texts, "mean"),
        "least ": _figure(check.texts, "least"),
        "weights": decimal(check.size) if check.size else "–",
        "state": check.fault.partition(":")[0] or ("reference" if check.dtype == REFERENCE else "ok"),
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
    """Returns the figures for JSON; None for NaN, which JSON doesn't have."""
    if cosines is None or math.isnan(cosines.mean):
        return None
    return {"mean": cosines.mean, "least": cosines.least}
