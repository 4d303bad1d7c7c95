"""Standard output that has a command's answers alone, whatever libraries print."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_STDOUT = 1
_STDERR = 2


@contextmanager
def native_output_on_stderr() -> Iterator[None]:
    """Sends what code in C, and processes that are started, print on standard output to standard error.

    Python's own `sys.stdout` still writes to standard output. Without one of the two, nothing is changed.
    """
    stdout = sys.stdout
    try:
        answers = None if sys.__stdout__ is None else os.dup(_STDOUT)
    except OSError:
        answers = None
    if answers is None:
        yield
        return
    try:
        with _on_stderr(stdout, answers):
            yield
    finally:
        os.close(answers)


@contextmanager
def python_output_on_stderr() -> Iterator[None]:
    """Sends what Python's libraries print on standard output meanwhile to standard error."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


@contextmanager
def _on_stderr(stdout: TextIO, answers: int) -> Iterator[None]:
    """Puts standard error in the place of standard output, and Python's stream onto `answers`."""
    stdout.flush()
    os.dup2(_STDERR, _STDOUT)
    sys.stdout = os.fdopen(
        answers,
        "w",
        encoding=stdout.encoding,
        errors=stdout.errors,
        buffering=1 if os.isatty(answers) else -1,
        closefd=False,
    )
    try:
        yield
    finally:
        with contextlib.suppress(BrokenPipeError):  # the reader has gone, as that of `| head` does
            sys.stdout.close()
        sys.stdout = stdout
        os.dup2(answers, _STDOUT)
