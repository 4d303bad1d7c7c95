"""Tests of the pure core are pure as well: they import neither server, benchmarks nor decoders."""

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
"""Test files that may import the library which writes their inputs."""


def imported(source: str) -> Iterator[str]:
    """Yields the full names of the modules that a file imports."""
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
def test_core_tests_import_only_the_core(test: Path) -> None:
    assert [module for module in imported(test.read_text()) if not is_allowed(module, test)] == []
