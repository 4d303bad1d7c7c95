"""Figures in the style of the command. The only module that imports matplotlib (`framewatch[plot]`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from framewatch_cli.pictures.atomic import real_file, replacing_bytes
from framewatch_cli.pictures.folder import listed
from framewatch_core.calibration.thresholds import to_axis
from framewatch_core.labels.scoring import ScoreKind

WIDTH_IN = 11.0
THRESHOLD = "#e65100"
"""Colour of the threshold from which on a label is there."""

_TICKS = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999)


def check_plot(path: Path) -> None:
    """Raises ValueError for a file of a format that can't be drawn."""
    known = [f".{suffix}" for suffix in Figure().canvas.get_supported_filetypes()]
    if path.suffix.lower() not in known:
        raise ValueError(f"the plot {path}: expected a file that ends in {listed(known)}")


def new_figure(height_in: float) -> Figure:
    """Returns an empty figure of WIDTH_IN × `height_in` inches."""
    return Figure(figsize=(WIDTH_IN, height_in), layout="constrained", dpi=120)


def save_figure(figure: Figure, path: Path) -> None:
    """Writes a figure in the format of the path's suffix. Raises OSError."""
    with replacing_bytes(real_file(path)) as file:
        figure.savefig(file, format=path.suffix[1:].lower())


def scale_axis(axis: Any, kind: ScoreKind) -> None:
    """Labels an axis of equal evidence with scores, for kinds of scores that have one."""
    if kind is not ScoreKind.SIMILARITY:
        axis.set_ticks(to_axis(kind, np.array(_TICKS)), [f"{tick:g}" for tick in _TICKS])
