"""The command `framewatch calibrate`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from framewatch_cli.commands.options.connection import Connection, run_with_client
from framewatch_cli.commands.options.files import check_folder_of, load_plots
from framewatch_cli.commands.options.labels import LabelAndRegionOptions
from framewatch_cli.commands.options.parameters import Flag, Fps, Labels, UsageError, parse_moment
from framewatch_cli.rules.calibrating import DEFAULT_EXAMPLE_COUNT, CalibrationPlan, CalibrationRun, calibrate_source
from framewatch_cli.rules.output import write_calibrated
from framewatch_cli.rules.progress import frame_progress
from framewatch_cli.rules.reports import calibration_report, print_missing_frames
from framewatch_cli.rules.score_files import scores_writer
from framewatch_cli.terminal.output import ExitCode, Output
from framewatch_client import StreamResult, open_source
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
    label_options: LabelAndRegionOptions = LabelAndRegionOptions(),
    connection: Connection = Connection(),
) -> int:
    """Find a rule's score, thresholds and times from a recording with known times of presence.

    Parameters
    ----------
    source
        A video file, or a folder or (quoted) glob of images.
    label
        The thing to look for. Further labels are the ones that probabilities compare it with, such as "an empty room".
    present
        When the thing is there: START-END, several with commas between. Two appearances or more make the estimates
        better.
    absent
        When it is not there. By default at all other times. Given alone, without --present, thresholds are put well
        above the scores of the background.
    until
        Use the recording up to this time only, such as 46.4s; by default all of it.
    on
        The region that the times are about; by default the first. The rule is written for every region.
    examples
        How many pictures with the thing are taken from its first appearance, and how many without it from before. None
        are taken if you give --example.
    no_examples
        Take no pictures: the label is described by words alone.
    out
        The rules file to write, for "framewatch watch --rules". Pictures go into a folder beside it.
    plot
        A PNG to draw: how scores are distributed, and the timeline with events. Needs framewatch[plot].
    scores
        A file to write the scores to, for "framewatch replay".
    fps
        Of video: use at most so many frames a second. Of images: so many of them make a second.
    label_options
        Descriptions of labels, and regions.
    connection
        Server and model.

    """
    check_folder_of(plot)
    plots = load_plots(plot)
    until_ns = parse_moment(until, "--until")
    end_ns = until_ns if until_ns is not None else _duration_ns(source)
    plan = CalibrationPlan(
        source=source,
        labels=label_options.labels(label),
        present=_intervals(present, end_ns),
        absent=_intervals(absent, end_ns),
        regions=label_options.regions(),
        region_id=on,
        until_ns=until_ns,
        example_count=0 if no_examples else examples,
        fps=fps,
        model=connection.model,
        templates=label_options.templates,
    )
    output = Output()
    run = _run(connection.server, plan, scores, output)
    print_missing_frames(run.recording, output)
    output.results.print(calibration_report(run.calibration))
    if out is not None:
        write_calibrated(out, run, plan)
        output.results.print(f"rules: {out}", markup=False)
    if plots is not None and plot is not None:
        plots.draw_calibration(plot, run.calibration)
        output.results.print(f"picture: {plot}", markup=False)
    return ExitCode.OK


def _duration_ns(source: str) -> int:
    """Returns how long a recording is. Raises SourceError, and UsageError if its length is unknown."""
    with open_source(source) as opened:
        if opened.duration_s is None:
            raise UsageError(f"the length of {opened.name} is unknown: give --until")
        return round(opened.duration_s * NS_PER_S)


def _intervals(text: str | None, end_ns: int) -> tuple[Interval, ...]:
    return () if text is None else parse_intervals(text, end_ns)


def _run(server: str, plan: CalibrationPlan, scores: Path | None, output: Output) -> CalibrationRun:
    with ExitStack() as stack:
        show = stack.enter_context(frame_progress(output.errors))
        write = stack.enter_context(scores_writer(scores))

        def take(item: StreamResult) -> None:
            show(item)
            write(item)

        return run_with_client(server, lambda client: calibrate_source(client, plan, take))
