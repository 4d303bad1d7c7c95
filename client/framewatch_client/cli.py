"""The command `framewatch`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from typing import Annotated, Literal

import cv2
from cyclopts import App, CycloptsError, Parameter
from cyclopts.validators import Number

from framewatch_client import commands
from framewatch_client.cli_options import Common, Labels, Templates, Top, UsageError, run_with_client
from framewatch_client.commands import ExitCode, Output, WatchSettings, describe
from framewatch_client.errors import FramewatchCallError, ServerUnreachableError, SourceError
from framewatch_client.inputs import event_rule, label_set, parse_rule, stream_config
from framewatch_core.errors import FramewatchError
from framewatch_core.frames import OverflowPolicy
from framewatch_core.rules import EventRule

COMMANDS = frozenset({"classify", "similarity", "watch", "calibrate", "replay", "evaluate"})
DEFAULT_ENTER_AT = 0.8
DEFAULT_EXIT_BELOW = 0.5
DEFAULT_MIN_S = 0.3

HELP = """Say in words what to watch for: framewatch scores pictures and video against them and says once when a thing
appears and once when it goes.

Exit codes:

- 0: all done
- 1: a call failed, or an image, a frame or the source
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
    _hint_at_single_label(label, output)
    return run_with_client(
        common.server,
        lambda client: commands.classify(client, images, labels, top=top, model=common.model, output=output),
    )


@app.command
def similarity(query: str, /, *images: str, common: Common = Common()) -> int:
    """Compare images with a first one: one cosine each, 1 for the same picture.

    Example: framewatch similarity cat.png puppy.webp car.jpg

    Parameters
    ----------
    query
        The image to compare with.
    images
        One or more others.
    common
        Of every command.

    """
    if not images:
        raise UsageError("nothing to compare with: framewatch similarity IMAGE IMAGE...")
    output = Output(common.json)
    return run_with_client(
        common.server, lambda client: commands.similarity(client, query, images, model=common.model, output=output)
    )


@app.command
def watch(
    source: str,
    /,
    *,
    label: Labels,
    rule: Annotated[list[str], Parameter(name="--rule", negative="--no-rules")] | None = None,
    template: Templates = None,
    fps: Annotated[float | None, Parameter(validator=Number(gt=0))] = None,
    overflow: Literal["block", "drop-oldest"] | None = None,
    max_frames: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    top: Top = 0,
    quality: Annotated[int, Parameter(validator=Number(gte=1, lte=100))] = 90,
    change_threshold: Annotated[float, Parameter(validator=Number(gte=0, lte=1))] = 0.0,
    common: Common = Common(),
) -> int:
    """Watch a video, images, a camera or a stream; say when a label's thing appears and when it goes.

    Example: framewatch watch belt.mp4 --label "a box" --label "an empty belt" --rule "a box:0.8:0.5"

    Ctrl-C ends it with a summary.

    Parameters
    ----------
    source
        A video file, a folder or (quoted) glob of images, a camera's index, or an RTSP or HTTP URL.
    label
        A thing to look for; repeat it for each. Probabilities compare the labels with each other, so give one for "none
        of these" too, such as "an empty room".
    rule
        When to say ENTERED and EXITED: LABEL:ENTER[:EXIT[:MIN_PRESENT_S[:MIN_ABSENT_S]]]. ENTERED: its probability was
        at least ENTER for MIN_PRESENT_S seconds; EXITED: less than EXIT for MIN_ABSENT_S. Repeat it for several.
        Without it every label has LABEL:0.8:0.5:0.3:0.3; with --no-rules there are scores only.
    template
        A sentence with {label} in it that labels are put into; repeat it for several, which are averaged. By default "a
        photo of {label}"; with --no-template labels are used as they are.
    fps
        Of video, how many frames a second to send at most. Of images, how many of them make a second, by default 1.
    overflow
        What happens to frames that come faster than they are scored: the source waits (block; default for files), or
        the oldest is dropped (drop-oldest; default for cameras and streams).
    max_frames
        End after so many frames.
    top
        How many of the best labels a result carries; 0: all.
    quality
        Of the JPEG that frames are sent as, 1 to 100. They are first shrunk to the size that the server needs.
    change_threshold
        A frame that differs by less than this from the last one that the model saw gets its scores, which saves the
        model's time while nothing happens; 0 to 1, about 0.05 for most fixed cameras. 0: only one that is the same.
    common
        Of every command.

    """
    rules = _default_rules(label) if rule is None else tuple(parse_rule(text) for text in rule)
    config = stream_config(label, templates=template, rules=rules)  # tells what is wrong before anything is opened
    settings = WatchSettings(
        source=source,
        label_set=config.label_set,
        rules=config.rules,
        fps=fps,
        overflow=None if overflow is None else OverflowPolicy[overflow.upper().replace("-", "_")],
        max_frames=max_frames,
        top=top,
        quality=quality,
        change_threshold=change_threshold,
        model=common.model,
    )
    output = Output(common.json)
    _hint_at_single_label(label, output)
    return run_with_client(common.server, lambda client: commands.watch(client, settings, output))


app.command("framewatch_client.cli_calibrate:calibrate", name="calibrate")
app.command("framewatch_client.cli_evaluate:evaluate", name="evaluate")


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


def _default_rules(labels: Sequence[str]) -> tuple[EventRule, ...]:
    return tuple(
        event_rule(label, DEFAULT_ENTER_AT, DEFAULT_EXIT_BELOW, min_present_s=DEFAULT_MIN_S, min_absent_s=DEFAULT_MIN_S)
        for label in labels
    )


def _hint_at_single_label(labels: Sequence[str], output: Output) -> None:
    """A softmax over one label is 1 whatever the picture shows."""
    if len(labels) == 1:
        output.say(
            "note: with a single label, models of the CLIP kind give it probability 1 whatever the picture shows: add "
            'one for what else there may be, such as --label "something else"',
            style="yellow",
        )
