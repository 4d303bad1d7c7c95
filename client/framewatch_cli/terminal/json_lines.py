"""Lines of JSON for programs."""

from __future__ import annotations

import json
import sys

from framewatch_cli.terminal.safe_text import escaped_json


def print_line(line: str) -> None:
    """Prints a line of JSON on standard output, at once: programs read the lines as they come.

    Its values stay, but nothing in it acts on a terminal.
    """
    sys.stdout.write(escaped_json(line) + "\n")
    sys.stdout.flush()


def print_object(data: object) -> None:
    """Prints plain data as a line of JSON."""
    print_line(json.dumps(data, ensure_ascii=False))
