"""Lines of JSON for programs."""

from __future__ import annotations

import sys


def print_line(line: str) -> None:
    """Prints a line on standard output, at once: programs read the lines as they come."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
