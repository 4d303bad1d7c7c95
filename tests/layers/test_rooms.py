"""Tests lie at their module's path, and no folder has too many modules."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.paths import ROOT

UNIT = ROOT / "tests" / "unit"
PACKAGES = sorted(
    path.parent for side in ("server", "client") for path in (ROOT / side).glob("framewatch_*/__init__.py")
)
MAX_MODULES = 16


def module_of(test: Path) -> Path | None:
    """Returns the module or package of a test: `test_<module>.py` or `test_<module>_<what>.py`; None: there is none."""
    place = test.relative_to(UNIT).parent
    words = test.stem.removeprefix("test_").split("_")
    for side in ("server", "client"):
        folder = ROOT / side / place
        for count in range(len(words), 0, -1):
            module = folder / ("_".join(words[:count]) + ".py")
            if module.is_file():
                return module
        if folder.name == test.stem.removeprefix("test_") and folder.is_dir():
            return folder  # of the package as a whole
    return None


@pytest.mark.parametrize("test", sorted(UNIT.rglob("test_*.py")), ids=lambda path: str(path.relative_to(UNIT)))
def test_a_unit_test_lies_at_its_modules_path(test: Path) -> None:
    assert module_of(test) is not None


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_folder_has_at_most_sixteen_modules(package: Path) -> None:
    crowded = {
        str(folder.relative_to(ROOT)): count
        for folder in [package, *(path for path in package.rglob("*") if path.is_dir())]
        if (count := len(list(folder.glob("[!_]*.py")))) > MAX_MODULES
    }
    assert crowded == {}
