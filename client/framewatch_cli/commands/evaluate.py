"""The command `framewatch evaluate`."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from framewatch_cli.commands.actions import ExitCode, Output
from framewatch_cli.commands.options import (
    Connection,
    Flag,
    Fps,
    check_folder_of,
    load_plots,
    load_rules,
    parse_moment,
    run_with_client,
)
from framewatch_cli.rules.evaluating import evaluate_events, evaluation_summary, read_truth, replayed, watch_recording
from framewatch_cli.rules.reports import evaluation_report, say_what_is_missing
from framewatch_cli.rules.score_files import SCORES_SUFFIX, read_recording
from framewatch_cli.rules.timelines import evaluation_timelines
from framewatch_cli.terminal.progress import frame_progress


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
    """Compare what rules say of a recording with what was truly there.

    Parameters
    ----------
    source
        A video file, or a folder or (quoted) glob of images. A .jsonl file of scores is replayed, without a server.
    truth
        A JSON file: for each video its fps, frames, tolerance_frames, regions {ID: [x, y, width, height]} and present
        {ID: [[first frame, last frame], ...]}. Events must begin within the tolerance of the true moments.
    rules
        A rules file.
    video
        The recording's name in the truth; by default the source's file name.
    fps
        Of video, how many frames a second to look at, at most. The tolerance grows by one frame gap then.
    until
        Evaluate up to here only, such as 46.4s; by default all of it.
    plot
        A PNG to draw: scores and events over time, with the truth. Needs framewatch[plot].
    json
        Print the result as one JSON object.
    connection
        To the server.

    """
    check_folder_of(plot)
    drawn = load_plots(plot)
    until_ns = parse_moment(until, "--until")
    wanted = read_truth(truth, video or source, fps=fps, until_ns=until_ns)
    file = load_rules(rules)
    output = Output(json)
    if source.endswith(SCORES_SUFFIX):
        recording = replayed(read_recording(Path(source)), file, fps=fps, until_ns=until_ns)
    else:
        with frame_progress(output.errors, None) as show:
            recording = run_with_client(
                connection.server,
                lambda client: watch_recording(
                    client, source, file, fps=fps, until_ns=until_ns, model=connection.model, on_item=show
                ),
            )
    say_what_is_missing(recording, output)
    found = evaluate_events(recording.said, file.rules, wanted)
    timelines = evaluation_timelines(found, recording, file.rules, wanted)
    if drawn is not None and plot is not None:
        drawn.draw_evaluation(plot, timelines)
    if json:
        print(json_format.dumps(evaluation_summary(found)))  # noqa: T201
    else:
        output.results.print(evaluation_report(found, timelines))
    return ExitCode.OK if found.is_perfect else ExitCode.FAILED
