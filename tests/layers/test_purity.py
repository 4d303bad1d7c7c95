"""Tests of the pure core are pure as well: they import neither the server nor the benchmarks nor what decodes."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT

CORE_TESTS = ROOT / "tests" / "unit" / "framewatch_core"
ALLOWED = {"framewatch_core", "hypothesis", "numpy", "pytest", "tests", *sys.stdlib_module_names}
ENCODERS = {"images/test_header.py": {"PIL"}}
"""Tests that read what another library wrote."""


def imported(source: str) -> Iterator[str]:
    """Yields the modules that a file imports; of other tests the whole path."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def is_allowed(module: str, test: Path) -> bool:
    if module.startswith("tests.unit."):
        return module.startswith("tests.unit.framewatch_core.")
    return module.partition(".")[0] in ALLOWED | ENCODERS.get(str(test.relative_to(CORE_TESTS)), set())


@pytest.mark.parametrize("test", sorted(CORE_TESTS.rglob("*.py")), ids=lambda path: str(path.relative_to(CORE_TESTS)))
def test_tests_of_the_core_import_the_core_alone(test: Path) -> None:
    assert [module for module in imported(test.read_text()) if not is_allowed(module, test)] == []
