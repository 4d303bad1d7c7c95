"""Consoles that commands print to, the wording of errors, and the exit codes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from framewatch_cli.terminal.safe_text import escaped, message_text
from framewatch_client import FramewatchCallError, FramewatchError, SourceError


class ExitCode(IntEnum):
    """Result of a command for the shell."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    INTERRUPTED = 130


class SafeConsole(Console):
    """Console whose text can't act on the terminal, whoever wrote it.

    It raises BrokenPipeError when the reader of its output has gone; rich's own ends the process.
    """

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yields segments with escaped text. rich's own sequences are no part of it: they are styles or controls."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=escaped(segment.text))

    def on_broken_pipe(self) -> None:
        """Raises BrokenPipeError, and prints nothing from then on."""
        self.quiet = True
        raise BrokenPipeError


@dataclass(frozen=True, slots=True)
class Output:
    """Places that a command prints to: results on standard output, all else on standard error.

    Attributes:
        json: the user wants results as lines of JSON.
        results: standard output.
        errors: standard error.

    """

    json: bool = False
    results: Console = field(default_factory=lambda: SafeConsole(highlight=False))
    errors: Console = field(default_factory=lambda: SafeConsole(stderr=True, highlight=False))

    def print_error(self, message: str) -> None:
        """Prints a message about a failure on standard error."""
        self._print(message, "red")

    def print_note(self, message: str) -> None:
        """Prints a message that deserves attention but is no failure on standard error."""
        self._print(message, "yellow")

    def print_hint(self, message: str) -> None:
        """Prints a message of little weight on standard error."""
        self._print(message, "dim")

    def print_warnings(self, warnings: Iterable[object]) -> None:
        """Prints warnings, one a line, on standard error."""
        for warning in warnings:
            self.print_note(f"warning: {warning}")

    def _print(self, message: str, style: str) -> None:
        self.errors.print(message_text(message), style=style, markup=False, soft_wrap=True)


def describe(error: Exception, subject: str = "") -> str:
    """Returns an error as a sentence, with its reason and the path of the field.

    Args:
        error: any error that ends a command or one of its steps.
        subject: the file that the caller names in front of the sentence; the sentence does not repeat it.

    """
    if isinstance(error, OSError) and error.strerror:
        is_named = error.filename is None or str(error.filename) == subject
        return error.strerror if is_named else f"{error.strerror}: {error.filename}"
    if isinstance(error, FramewatchCallError | SourceError | ValueError):
        return str(error)
    if isinstance(error, FramewatchError):
        field_path = getattr(error, "field", "")
        where = f" (field {field_path})" if field_path else ""
        return f"{error.message}{where} [{error.reason}]"
    return str(error)
