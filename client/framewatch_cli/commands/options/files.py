"""Files that options name: rules to load, and places that results are written to."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from framewatch_cli.commands.options.parameters import UsageError
from framewatch_core.rules.rule import EventRule

if TYPE_CHECKING:
    from framewatch_cli.rules.file import RulesFile

TRAIL_COUNT = 30
"""Number of scores in an event's trail with --explain."""


def check_folder_of(path: Path | None) -> None:
    """Raises UsageError if a file can't be written there, before the work is done. None: no file is to be written."""
    if path is None:
        return
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path} can't be written: there is no folder {path.parent}; make it first")
    if path.is_dir():
        raise UsageError(f"{path} can't be written: it is a folder; give a file's name")


def load_rules(path: Path) -> RulesFile:
    """Returns a rules file. Raises OSError, and UsageError with the file's name, the line and the path of the key."""
    from framewatch_cli.rules.document import RulesFileError  # noqa: PLC0415
    from framewatch_cli.rules.file import read_rules  # noqa: PLC0415  imports ruamel.yaml

    try:
        return read_rules(path)
    except RulesFileError as error:
        raise UsageError(f"{path}: {error}") from error


def with_trails(rules: Iterable[EventRule]) -> tuple[EventRule, ...]:
    """Returns the rules with a trail in each of their events, for --explain."""
    return tuple(replace(rule, trail_count=rule.trail_count or TRAIL_COUNT) for rule in rules)


def load_plots(path: Path | None, module: str = "framewatch_cli.rules.plots") -> ModuleType | None:
    """Imports the module that draws a plot; returns None if there is none to draw.

    Args:
        path: the picture to draw; None: none.
        module: name of the module.

    Raises:
        UsageError: matplotlib is not installed.
        ValueError: the path's suffix is none that can be drawn.

    """
    if path is None:
        return None
    try:
        plots, drawn = (importlib.import_module(name) for name in ("framewatch_cli.pictures.plots", module))
    except ModuleNotFoundError as error:
        raise UsageError(f"drawing {path} needs {error.name}: pip install 'framewatch[plot]'") from error
    plots.check_plot(path)
    return drawn
