"""The command `framewatch label`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from framewatch_cli.commands.options.connection import Connection, run_with_client
from framewatch_cli.commands.options.labelling import DrawingOptions, FrameOptions, SortingOptions, StoreOptions
from framewatch_cli.commands.options.labels import LabelOptions
from framewatch_cli.commands.options.parameters import Flag, Labels, UsageError
from framewatch_cli.labelling.progress import label_progress
from framewatch_cli.labelling.report import print_how_to_go_on, print_notes, print_report
from framewatch_cli.labelling.run import LabelJob, label_source, open_log, write_results
from framewatch_cli.labelling.scoring import Question
from framewatch_cli.labelling.sheet import SHEET_COUNT, write_doubtful_sheet
from framewatch_cli.labelling.sources import LabelSource, open_label_source
from framewatch_cli.labelling.store import LabelStore
from framewatch_cli.labelling.summary import LabelSummary
from framewatch_cli.pictures.calls import CALL_TIMEOUT_S
from framewatch_cli.pictures.model import models_named
from framewatch_cli.terminal.json_lines import print_object
from framewatch_cli.terminal.output import ExitCode, Output
from framewatch_client import AsyncFramewatchClient, RequestWarning
from framewatch_core.labels.scoring import ScoreKind
from framewatch_core.labels.warnings import SINGLE_LABEL

SHOWN_SOURCES = 3


def label(
    source: str,
    /,
    *others: Annotated[str, Parameter(show=False)],
    label: Labels,
    out: Path,
    sorting_options: SortingOptions = SortingOptions(),
    label_options: LabelOptions = LabelOptions(),
    frame_options: FrameOptions = FrameOptions(),
    store_options: StoreOptions = StoreOptions(),
    drawing_options: DrawingOptions = DrawingOptions(),
    json: Flag = False,
    connection: Connection = Connection(),
) -> int:
    """Label pictures by what they show, for training a smaller model; uncertain ones go to their own pile.

    Parameters
    ----------
    source
        A folder of JPEG, PNG and WebP pictures, with the folders in it, a (quoted) glob of them, a video file, a
        camera's index, or an RTSP or HTTP URL.
    others
        None: each source has an --out of its own.
    label
        A class. Repeat it for each. Probabilities compare the labels with each other, so give one for "none of these"
        too.
    out
        Where the labels go. A folder: OUT/train/LABEL/... for image-folder loaders, and OUT/uncertain/LABEL/... beside
        it. NAME.csv or NAME.jsonl: a table of the pictures, which stay where they are. The same command again goes on
        where it was cut off.
    sorting_options
        Rules by which scores become labels.
    label_options
        Descriptions of labels.
    frame_options
        Choice of a video's frames.
    store_options
        Kind of the output.
    drawing_options
        Pictures of the result.
    json
        Print the summary as one JSON object.
    connection
        Server and model.

    """
    _check_single((source, *others))
    fps = frame_options.max_fps
    plots = drawing_options.load_plots()
    output = Output(json)
    question = Question(label_options.label_set(label), connection.model, frame_options.change_threshold)
    job = LabelJob(source, question, sorting_options.sorting, fps, frame_options.every)
    opened = open_label_source(source, fps=fps, every=frame_options.every, left_out=out)
    store = store_options.store(out, opened, job)
    drawing_options.check(opened, store)
    summary = LabelSummary(question.label_set.names, job.sorting, SHEET_COUNT if drawing_options.sheet else 0)
    interrupted = _run(connection.server, opened, job, store, summary, output, restart=store_options.restart)
    if json:
        print_object({"out": str(out), **summary.as_data()})
    else:
        print_report(summary, out, output)
    print_notes(summary, output)
    if plots is not None:
        plots.draw_labels(drawing_options.plot, summary)
    if drawing_options.sheet is not None:
        write_doubtful_sheet(drawing_options.sheet, summary.doubtful, store, job)
    if interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.FAILED if summary.has_failed else ExitCode.OK


def _check_single(sources: Sequence[str]) -> None:
    if len(sources) > 1:
        first = ", ".join(sources[:SHOWN_SOURCES]) + (", …" if len(sources) > SHOWN_SOURCES else "")
        raise UsageError(
            f"{len(sources):,} sources were given ({first}), and each needs an --out of its own: give one, such as the "
            "folder that they lie in, or a glob in quotes, so that the shell leaves it alone"
        )


def _run(
    server: str,
    source: LabelSource,
    job: LabelJob,
    store: LabelStore,
    summary: LabelSummary,
    output: Output,
    *,
    restart: bool,
) -> bool:
    """Labels the source, and writes the tables however that ends. Returns True if Ctrl-C ended it."""

    def warn(warning: RequestWarning) -> None:
        # the server does not know which score counts
        if warning.reason != SINGLE_LABEL or job.sorting.score is ScoreKind.PROBABILITY:
            output.print_warnings([warning])

    if restart:
        # nothing may be removed before the server has answered
        models_named(run_with_client(server, AsyncFramewatchClient.list_models), job.question.model)
    with closing(source), open_log(job, store, restart=restart) as log:
        total, done_before = source.count, len(log.done)
        interrupted = True
        try:
            with label_progress(output.errors, total, done_before) as show:
                interrupted = run_with_client(
                    server,
                    lambda client: label_source(client, source, job, store, log, show, warn),
                    CALL_TIMEOUT_S,
                )
        finally:
            if log.done:
                write_results(log, store, summary)
            if interrupted and len(log.done) > done_before:
                print_how_to_go_on(len(log.done), total, output)
    return interrupted
