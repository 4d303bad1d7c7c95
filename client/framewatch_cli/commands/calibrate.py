"""The command `framewatch calibrate`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from framewatch_cli.commands.actions import ExitCode, Output
from framewatch_cli.commands.options import (
    Connection,
    Described,
    Flag,
    Fps,
    Labels,
    UsageError,
    check_folder_of,
    load_plots,
    parse_moment,
    run_with_client,
)
from framewatch_cli.rules.calibrating import DEFAULT_EXAMPLE_COUNT, CalibrationPlan, CalibrationRun, calibrate_source
from framewatch_cli.rules.output import write_calibrated
from framewatch_cli.rules.reports import calibration_report, say_what_is_missing
from framewatch_cli.rules.score_files import scores_writer
from framewatch_cli.terminal.progress import frame_progress
from framewatch_client import Event, FrameResult, open_source
from framewatch_core.calibration.intervals import Interval, parse_intervals
from framewatch_core.time import NS_PER_S


def calibrate(
    source: str,
    /,
    *,
    label: Labels,
    present: str | None = None,
    absent: str | None = None,
    until: str | None = None,
    on: Annotated[str, Parameter(show_default=False)] = "",
    examples: Annotated[int, Parameter(validator=Number(gte=0, lte=64))] = DEFAULT_EXAMPLE_COUNT,
    no_examples: Flag = False,
    out: Path | None = None,
    plot: Path | None = None,
    scores: Path | None = None,
    fps: Fps = None,
    described: Described = Described(),
    connection: Connection = Connection(),
) -> int:
    """Find a rule's score, thresholds and times from a recording of which you know when it is there.

    Parameters
    ----------
    source
        A video file, or a folder or (quoted) glob of images.
    label
        What to find; further ones are its company, with which probabilities compare it, such as "an empty room".
    present
        When it is there: START-END, several with commas between. Two appearances or more make the estimates better.
    absent
        When it is not there. By default whenever it is not present. Alone, without --present, thresholds are put well
        above what the background scores.
    until
        Use the recording up to here only; by default all of it.
    on
        The region that the intervals are of; by default the first. The rule is written for every region.
    examples
        How many pictures of it are taken from its first appearance, and how many without it from before. Not used if
        you give --example.
    no_examples
        Take none: words alone decide.
    out
        The rules file to write, for "framewatch watch --rules". Pictures go into a folder beside it.
    plot
        A PNG to draw: how scores are distributed, and the timeline with events. Needs framewatch[plot].
    scores
        A file for the scores, for "framewatch replay".
    fps
        Of video, how many frames a second to look at, at most. Of images, how many make a second.
    described
        Of labels.
    connection
        To the server.

    """
    check_folder_of(plot)
    drawn = load_plots(plot)
    until_ns = parse_moment(until, "--until")
    end_ns = until_ns if until_ns is not None else _duration_ns(source)
    plan = CalibrationPlan(
        source=source,
        labels=described.labels(label),
        present=_intervals(present, end_ns),
        absent=_intervals(absent, end_ns),
        regions=described.regions(),
        region=on,
        until_ns=until_ns,
        example_count=0 if no_examples else examples,
        fps=fps,
        model=connection.model,
        templates=described.templates,
    )
    output = Output()
    run = _run(connection.server, plan, scores, output)
    say_what_is_missing(run.recording, output)
    output.results.print(calibration_report(run.calibration))
    if out is not None:
        write_calibrated(out, run, plan)
        output.results.print(f"rules: {out}", markup=False)
    if drawn is not None and plot is not None:
        drawn.draw_calibration(plot, run.calibration)
        output.results.print(f"picture: {plot}", markup=False)
    return ExitCode.OK


def _duration_ns(source: str) -> int:
    """How long a recording is. Raises SourceError, and UsageError if it does not say."""
    with open_source(source) as opened:
        if opened.duration_s is None:
            raise UsageError(f"{opened.name} does not say how long it is: give --until")
        return round(opened.duration_s * NS_PER_S)


def _intervals(text: str | None, end_ns: int) -> tuple[Interval, ...]:
    return () if text is None else parse_intervals(text, end_ns)


def _run(server: str, plan: CalibrationPlan, scores: Path | None, output: Output) -> CalibrationRun:
    with ExitStack() as stack:
        show = stack.enter_context(frame_progress(output.errors, None))
        write = stack.enter_context(scores_writer(scores))

        def take(item: FrameResult | Event) -> None:
            show(item)
            write(item)

        return run_with_client(server, lambda client: calibrate_source(client, plan, take))
