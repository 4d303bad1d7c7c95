"""The command line `framewatch`: its commands, and the exit codes of errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version

import cv2
from cyclopts import App, CycloptsError

from framewatch_cli.commands.help import COMMANDS
from framewatch_cli.commands.options.parameters import UsageError
from framewatch_cli.pictures.faults import RunFailed
from framewatch_cli.terminal.output import ExitCode, Output, describe
from framewatch_client import (
    ClientClosed,
    FramewatchCallError,
    FramewatchError,
    InvalidResponse,
    ModelNotFound,
    ServerUnreachableError,
    SourceError,
)

HELP = """Describe in words what to watch for: framewatch scores pictures and video against the words, and emits one
event when a thing appears and one when it is gone.

Exit codes:

- 0: success
- 1: a call failed, or an image, a frame or the source; evaluate: an event was wrong or missing
- 2: wrong usage
- 3: the server can't be reached
- 130: Ctrl-C, after a clean end with a summary
"""

app = App(
    name="framewatch",
    help=HELP,
    help_format="markdown",
    version=lambda: version("framewatch"),
    exit_on_error=False,
    print_error=False,
    result_action="return_value",
)

# by their paths, so that a command's modules are imported when it is called: most need some that the others don't
for _name, _help in COMMANDS.items():
    app.command(f"framewatch_cli.commands.{_name}:{_name}", name=_name, help=_help)


def main() -> None:
    """Runs the command line of this process, and ends the process with the exit code."""
    # OpenCV's and gRPC's own lines would stand before our error, which has all that matters
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    with suppress(AttributeError):
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # the reader of the output has gone, as `head` does: the rest of the buffer must not raise at the exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.OK
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Runs a command line and returns the exit code. Raises BrokenPipeError if the reader of the output has gone."""
    output = Output()
    try:
        return app(arguments) or ExitCode.OK
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        raise
    except ServerUnreachableError as error:
        output.print_error(f"error: {describe(error)}")
        return ExitCode.UNREACHABLE
    except (
        FramewatchCallError,
        ClientClosed,
        InvalidResponse,
        ModelNotFound,
        RunFailed,
        SourceError,
        OSError,
    ) as error:
        output.print_error(f"error: {describe(error)}")
        return ExitCode.FAILED
    except (CycloptsError, UsageError, FramewatchError, ValueError) as error:
        output.print_error(f"error: {describe(error)}")
        output.print_hint(f"see {_help_of(arguments)}")
        return ExitCode.USAGE


def _help_of(arguments: Sequence[str]) -> str:
    command = arguments[0] if arguments and arguments[0] in COMMANDS else None
    return f"framewatch {command} --help" if command else "framewatch --help"
