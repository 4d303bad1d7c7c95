"""The command `framewatch evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from framewatch_cli.commands.options.connection import Connection, run_with_client
from framewatch_cli.commands.options.files import check_folder_of, load_plots, load_rules
from framewatch_cli.commands.options.parameters import Flag, Fps, parse_moment
from framewatch_cli.rules.evaluating import evaluation_summary, read_truth, replayed, watch_recording
from framewatch_cli.rules.progress import frame_progress
from framewatch_cli.rules.reports import evaluation_report, print_missing_frames
from framewatch_cli.rules.score_files import SCORES_SUFFIX, read_recording
from framewatch_cli.rules.timelines import evaluation_timelines
from framewatch_cli.terminal.json_lines import print_object
from framewatch_cli.terminal.output import ExitCode, Output
from framewatch_core.calibration import evaluation


def evaluate(
    source: str,
    /,
    *,
    truth: Path,
    rules: Path,
    video: Annotated[str, Parameter(show_default=False)] = "",
    fps: Fps = None,
    until: str | None = None,
    plot: Path | None = None,
    json: Flag = False,
    connection: Connection = Connection(),
) -> int:
    """Compare the events of rules over a recording with the truth about it.

    Parameters
    ----------
    source
        A video file, or a folder or (quoted) glob of images. A .jsonl file of scores is replayed, without a server.
    truth
        A JSON file: for each video its fps, frames, tolerance_frames, regions {ID: [x, y, width, height]} and present
        {ID: [[first frame, last frame], ...]}; perhaps fuzzy, in the form of present: when people would not agree, and
        no event counts as false. Events must begin within the tolerance of the true times.
    rules
        A rules file.
    video
        The recording's name in the truth; by default the source's file name.
    fps
        Of video: use at most so many frames a second. The tolerance then grows by the time between two of them.
    until
        Use the recording up to this time only, such as 46.4s; by default all of it.
    plot
        A PNG to draw: scores and events over time, with the truth. Needs framewatch[plot].
    json
        Print the result as one JSON object.
    connection
        Server and model.

    """
    check_folder_of(plot)
    plots = load_plots(plot)
    until_ns = parse_moment(until, "--until")
    known = read_truth(truth, video or source, fps=fps, until_ns=until_ns)
    file = load_rules(rules)
    output = Output(json)
    if source.endswith(SCORES_SUFFIX):
        recording = replayed(read_recording(Path(source)), file, fps=fps, until_ns=until_ns)
    else:
        with frame_progress(output.errors) as show:
            recording = run_with_client(
                connection.server,
                lambda client: watch_recording(
                    client, source, file, fps=fps, until_ns=until_ns, model=connection.model, on_item=show
                ),
            )
    print_missing_frames(recording, output)
    found = evaluation.evaluate(recording.events, file.rules, known)
    timelines = evaluation_timelines(found, recording, file.rules, known)
    if plots is not None and plot is not None:
        plots.draw_evaluation(plot, timelines)
    if json:
        print_object(evaluation_summary(found))
    else:
        output.results.print(evaluation_report(found, timelines))
    return ExitCode.OK if found.is_perfect else ExitCode.FAILED
