"""The command `framewatch`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from typing import Annotated

import cv2
from cyclopts import App, CycloptsError, Parameter

from framewatch_cli.commands import actions as commands
from framewatch_cli.commands import help as cli_help
from framewatch_cli.commands.actions import ExitCode, Output, describe
from framewatch_cli.commands.options import (
    Common,
    Labels,
    Templates,
    Top,
    UsageError,
    hint_at_single_label,
    run_with_client,
)
from framewatch_client import FramewatchCallError, ServerUnreachableError, SourceError, label_set
from framewatch_core.errors import FramewatchError

COMMANDS = frozenset(
    {"classify", "similarity", "watch", "calibrate", "replay", "evaluate", "label", "models", "embed", "search"}
)

HELP = """Say in words what to watch for: framewatch scores pictures and video against them and says once when a thing
appears and once when it goes.

Exit codes:

- 0: all done
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


@app.command
def classify(
    *images: str,
    label: Labels,
    template: Templates = None,
    top: Top = 0,
    common: Common = Common(),
) -> int:
    """Score images against labels.

    Example: framewatch classify cat.png --label "a cat" --label "a dog"

    Parameters
    ----------
    images
        JPEG, PNG or WebP files.
    label
        A thing to look for; repeat it for each. Probabilities compare the labels with each other.
    template
        A sentence with {label} in it that labels are put into; repeat it for several, which are averaged. By default "a
        photo of {label}"; with --no-template labels are used as they are.
    top
        How many of the best labels to show; 0: all.
    common
        Of every command.

    """
    if not images:
        raise UsageError("no image was given: framewatch classify IMAGE... --label LABEL --label LABEL...")
    labels = label_set(label, template)
    output = Output(common.json)
    hint_at_single_label(label, output)
    return run_with_client(
        common.server,
        lambda client: commands.classify(client, images, labels, top=top, model=common.model, output=output),
    )


@app.command
def similarity(
    first: str,
    /,
    *images: str,
    query: Annotated[list[str] | None, Parameter(negative=())] = None,
    common: Common = Common(),
) -> int:
    """Compare images with a first one: one cosine each, 1 for the same picture.

    Example: framewatch similarity cat.png puppy.webp car.jpg

    Example: framewatch similarity cat.png puppy.webp car.jpg --query dog.jpg, to compare cat and dog with the others

    Parameters
    ----------
    first
        The image to compare with.
    images
        One or more others.
    query
        A further image to compare with all the others; repeat it for several. Then there is a row for each of the
        others, and a column for each that they are compared with.
    common
        Of every command.

    """
    if not images:
        raise UsageError("nothing to compare with: framewatch similarity IMAGE IMAGE...")
    output = Output(common.json)
    return run_with_client(
        common.server,
        lambda client: commands.similarity(client, [first, *(query or ())], images, model=common.model, output=output),
    )


# imported when they are called: what draws, reads YAML or calibrates is not needed to classify
for _name, _help in cli_help.LAZY_COMMANDS.items():
    app.command(f"framewatch_cli.commands.{_name}:{_name}", name=_name, help=_help)


def main() -> None:
    """Runs the command line of this process and leaves it with the exit code."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # what can't be opened is told in a sentence
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    with suppress(AttributeError):
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read it has seen enough. What is left in the buffer must not raise again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.OK
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Runs a command line; returns the exit code. Raises BrokenPipeError if nobody reads the output any more."""
    say = Output().say
    try:
        return app(arguments) or ExitCode.OK
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        raise
    except ServerUnreachableError as error:
        say(f"error: {describe(error)}")
        return ExitCode.UNREACHABLE
    except (FramewatchCallError, SourceError, OSError) as error:
        say(f"error: {describe(error)}")
        return ExitCode.FAILED
    except (CycloptsError, UsageError, FramewatchError, ValueError) as error:
        say(f"error: {describe(error)}")
        say(f"see {_help_of(arguments)}", style="dim")
        return ExitCode.USAGE


def _help_of(arguments: Sequence[str]) -> str:
    command = arguments[0] if arguments and arguments[0] in COMMANDS else None
    return f"framewatch {command} --help" if command else "framewatch --help"
