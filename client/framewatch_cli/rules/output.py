"""Writes a calibration: a rules file, and the pictures that it needs in a folder beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from framewatch_cli.pictures.atomic import real_file, replacing_bytes, replacing_text
from framewatch_cli.pictures.examples import Example
from framewatch_cli.pictures.names import checked_below
from framewatch_cli.rules.calibrating import CalibrationPlan, CalibrationRun
from framewatch_cli.rules.file import LabelEntry, RulesFile
from framewatch_cli.rules.notes import RuleNotes, calibration_notes
from framewatch_cli.rules.writer import write_rules
from framewatch_client import without_password
from framewatch_core.images.header import ImageFormat, read_header
from framewatch_core.images.image import EncodedImage
from framewatch_core.labels.labels import Label

MAX_STEM_CHARS = 50
"""Characters of a label's name that its pictures' names begin with; of four bytes, they fit into a file's name."""

_SUFFIXES = {ImageFormat.JPEG: "jpg"}
_NO_NAME = re.compile(r"[^\w]+")


def write_calibrated(path: Path, run: CalibrationRun, plan: CalibrationPlan) -> None:
    """Writes the rules file and `STEM.examples/` with its pictures; both replace what is there. Raises OSError."""
    folder = path.with_suffix(".examples")
    labels = tuple(_entry(label, folder, stem) for label, stem in _with_stems(run.label_set.labels))
    rules = RulesFile(labels, run.rules, plan.regions, plan.model, plan.templates)
    header = [
        f"Rules for framewatch, calibrated on {without_password(plan.source)}.",
        "Watch with them: framewatch watch SOURCE --rules FILE",
    ]
    with replacing_text(real_file(path)) as file:
        file.write(write_rules(rules, header, dict(_notes(run, plan))))


def _notes(run: CalibrationRun, plan: CalibrationPlan) -> Iterator[tuple[str, RuleNotes]]:
    date = datetime.now(UTC).astimezone().date().isoformat()
    calibrated = run.calibration.rule
    for rule in run.rules:
        if rule.region_id == calibrated.region_id:
            yield rule.name, calibration_notes(run.calibration, without_password(plan.source), date)
        else:
            yield (
                rule.name,
                RuleNotes((f"The same numbers as {calibrated.name}, in whose region they were calibrated.",)),
            )


def _with_stems(labels: Sequence[Label]) -> Iterator[tuple[Label, str]]:
    """Yields labels with the beginning of their pictures' file names, which is unique."""
    taken: set[str] = set()
    for number, label in enumerate(labels, 1):
        stem = _NO_NAME.sub("-", label.name).strip("-").lower()[:MAX_STEM_CHARS] or "label"
        if stem in taken:
            stem = f"{stem}-label-{number}"
        taken.add(stem)
        yield label, stem


def _entry(label: Label, folder: Path, stem: str) -> LabelEntry:
    return LabelEntry(
        replace(label, examples=(), counter_examples=()),
        _write(label.examples, folder, f"{stem}-present"),
        _write(label.counter_examples, folder, f"{stem}-absent"),
    )


def _write(pictures: Sequence[object], folder: Path, stem: str) -> tuple[Example, ...]:
    return tuple(_write_picture(picture, folder, f"{stem}-{i}") for i, picture in enumerate(pictures, 1))


def _write_picture(picture: object, folder: Path, stem: str) -> Example:
    if not isinstance(picture, EncodedImage):
        raise TypeError(f"an example is {type(picture).__name__}: expected a file's bytes")
    folder.mkdir(exist_ok=True)
    kind = read_header(picture.data).format
    name = f"{stem}.{_SUFFIXES.get(kind, kind.name.lower())}"
    with replacing_bytes(checked_below(folder / name, folder.parent)) as file:
        file.write(picture.data)
    return Example(f"{folder.name}/{name}")
