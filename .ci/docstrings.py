"""Counts docstrings whose first line is a headless clause, and fails if there are more than the limit.

A first line is a noun phrase or a verb in the third person with its object («Pixels of one picture», «Returns …»),
never a clause without a head («What …», «Whether …», «Of …»). The count may only fall: lower the limit in the Makefile
with it.

    python .ci/docstrings.py --limit N [--list] FOLDER...
"""

from __future__ import annotations

import argparse
import ast
import inspect
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

HEADLESS = frozenset(
    {
        "after",
        "also",
        "as",
        "at",
        "because",
        "before",
        "but",
        "by",
        "during",
        "for",
        "from",
        "how",
        "if",
        "in",
        "into",
        "like",
        "none",
        "nothing",
        "of",
        "on",
        "once",
        "one",
        "only",
        "out",
        "over",
        "since",
        "so",
        "somebody",
        "something",
        "such",
        "than",
        "that",
        "their",
        "these",
        "this",
        "those",
        "to",
        "under",
        "until",
        "what",
        "when",
        "whenever",
        "where",
        "whether",
        "which",
        "while",
        "who",
        "whoever",
        "whom",
        "whose",
        "why",
        "with",
        "within",
        "without",
    }
)
GENERATED = "_pb2"


def first_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yields the line number and first line of each docstring of a Python file, also of attributes and constants."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield getattr(node, "lineno", 1), text.splitlines()[0]
        if isinstance(node, ast.Module | ast.ClassDef):
            yield from attribute_first_lines(node.body)


def attribute_first_lines(body: Sequence[ast.stmt]) -> Iterator[tuple[int, str]]:
    """Yields the same of each text after an assignment, which documentation tools take for its docstring."""
    for assignment, statement in pairwise(body):
        match assignment, statement:
            case ast.Assign() | ast.AnnAssign(), ast.Expr(value=ast.Constant(value=str() as text)):
                yield statement.lineno, inspect.cleandoc(text).splitlines()[0]


def is_headless(line: str) -> bool:
    """Returns whether a first line begins with a word that opens a clause rather than a noun phrase or a verb."""
    words = line.split()
    return bool(words) and words[0].strip("«»`,.:").lower() in HEADLESS


def main() -> int:
    """Prints the counts; exit code 1 if they exceed the limit."""
    parser = argparse.ArgumentParser(description="Counts headless first lines of docstrings.")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--limit", type=int, required=True)
    parser.add_argument("--list", action="store_true", help="print each of them")
    options = parser.parse_args()
    files = [path for folder in options.folders for path in sorted(folder.rglob("*.py")) if GENERATED not in path.name]
    lines = [(path, number, line) for path in files for number, line in first_lines(path)]
    headless = [place for place in lines if is_headless(place[2])]
    too_many = len(headless) > options.limit
    if options.list or too_many:
        for path, number, line in headless:
            print(f"{path}:{number}: {line}")
    print(f"{len(headless)} of {len(lines)} docstrings begin with a headless clause; the limit is {options.limit}")
    return int(too_many)


if __name__ == "__main__":
    sys.exit(main())
