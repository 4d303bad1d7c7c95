"""The command `framewatch label`."""

from __future__ import annotations

import json as json_format
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from framewatch_cli.commands.options.connection import Connection, run_with_client
from framewatch_cli.commands.options.files import check_folder_of, load_plots
from framewatch_cli.commands.options.labels import LabelOptions, print_single_label_hint
from framewatch_cli.commands.options.parameters import Flag, Labels, UsageError
from framewatch_cli.labelling.folder_store import FolderStore, Link
from framewatch_cli.labelling.progress import label_progress
from framewatch_cli.labelling.report import print_report, say_how_to_go_on, say_warnings
from framewatch_cli.labelling.run import LabelJob, label_source, open_log, write_results
from framewatch_cli.labelling.scoring import Question
from framewatch_cli.labelling.sheet import SHEET_COUNT, write_doubtful_sheet
from framewatch_cli.labelling.sorting import DEFAULT_MIN_MARGIN, DEFAULT_MIN_SCORE, Sorting
from framewatch_cli.labelling.sources import FrameFiles, LabelSource, PictureFiles, open_label_source
from framewatch_cli.labelling.store import LabelStore
from framewatch_cli.labelling.summary import LabelSummary
from framewatch_cli.labelling.table_store import TableStore
from framewatch_cli.pictures.calls import CALL_TIMEOUT_S
from framewatch_cli.pictures.model import models_named
from framewatch_cli.pictures.sheet import check_sheet
from framewatch_cli.terminal.output import ExitCode, Output
from framewatch_client import AsyncFramewatchClient, ServerWarning, without_password
from framewatch_core.labels.scoring import ScoreKind

DEFAULT_FPS = 1.0
DEFAULT_CHANGE_THRESHOLD = 0.05
TABLE_SUFFIXES = frozenset({".csv", ".jsonl"})
SHOWN_SOURCES = 3
OTHER_FILES = frozenset({".json", ".parquet", ".tsv", ".txt", ".xlsx", ".zip"})

Share = Annotated[float, Parameter(validator=Number(gte=0, lte=1))]


def label(
    source: str,
    /,
    *others: Annotated[str, Parameter(show=False)],
    label: Labels,
    out: Path,
    min_score: Share = DEFAULT_MIN_SCORE,
    min_margin: Share = DEFAULT_MIN_MARGIN,
    score: Literal["probability", "presence"] = "probability",
    depicted: LabelOptions = LabelOptions(),
    val_share: Annotated[float, Parameter(validator=Number(gte=0, lt=1))] = 0.0,
    fps: Annotated[float | None, Parameter(validator=Number(gt=0))] = None,
    every: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    change_threshold: Share = DEFAULT_CHANGE_THRESHOLD,
    link: Link | None = None,
    metadata: Flag = False,
    plot: Path | None = None,
    sheet: Path | None = None,
    restart: Flag = False,
    json: Flag = False,
    connection: Connection = Connection(),
) -> int:
    """Label pictures by what they show, for training a smaller model; unsure ones go to a pile of their own.

    Parameters
    ----------
    source
        A folder of JPEG, PNG and WebP pictures, with the folders in it, a (quoted) glob of them, a video file, a
        camera's index, or an RTSP or HTTP URL.
    others
        None: each source has an --out of its own.
    label
        A class; repeat it for each. Probabilities compare the labels with each other, so give one for "none of these"
        too.
    out
        Where the labels go. A folder: OUT/train/LABEL/... for image-folder loaders, and OUT/uncertain/LABEL/... beside
        it. NAME.csv or NAME.jsonl: a table of the pictures, which stay where they are. The same command again goes on
        where it was cut off.
    min_score
        The best label's score must be at least this, or the picture is uncertain.
    min_margin
        And by so much higher than the next label's.
    score
        Which score counts: the probability among all labels, or each label's presence against its own contrast.
    depicted
        Of labels.
    val_share
        The part of the labelled pictures that goes to OUT/validation instead, by their content, so that it is always
        the same. Of video, stretches of 10 seconds go there, since neighbouring frames show nearly the same.
    fps
        Of video, how many frames a second to look at, at most; 1 if neither this nor --every is given.
    every
        Of video, look at every so-many-th frame.
    change_threshold
        Of video, skip frames that differ by less than this from the last one that was not skipped; 0 to 1. 0: skip
        those only that are the same. Near-duplicates teach a model nothing.
    link
        Link to the pictures instead of copying them: hard or symbolic.
    metadata
        Write metadata.jsonl with the scores into OUT/train and OUT/validation. datasets then loads its columns, with
        the label as text, instead of classes.
    plot
        A PNG to draw: how scores are distributed, with the threshold, and how many pictures each label has. Needs
        framewatch[plot].
    sheet
        An HTML page to write: the most uncertain pictures with their labels. It needs no other file.
    restart
        Remove what an earlier run wrote to --out and begin anew, also with other options.
    json
        Print the summary as one JSON object.
    connection
        To the server.

    """
    _check_single((source, *others))
    if fps is not None and every is not None:
        raise UsageError("--fps and --every can't be given together: both say which frames of a video to look at")
    drawn = load_plots(plot, "framewatch_cli.labelling.plots")
    check_sheet(sheet)
    output = Output(json)
    sorting = Sorting(ScoreKind[score.upper()], min_score, min_margin, val_share)
    question = Question(depicted.label_set(label), connection.model, change_threshold)
    if score == "probability":
        print_single_label_hint(label, output)
    job = LabelJob(source, question, sorting, DEFAULT_FPS if fps is None and every is None else fps, every)
    opened = open_label_source(source, fps=job.fps, every=every, left_out=out)
    store = _store(out, opened, job, link, metadata=metadata)
    _check_drawings(plot, sheet, opened, store)
    summary = LabelSummary(question.label_set.names, sorting, SHEET_COUNT if sheet else 0)
    interrupted = _run(connection.server, opened, job, store, summary, output, restart=restart)
    if json:
        print(json_format.dumps({"out": str(out), **summary.as_data()}))  # noqa: T201
    else:
        print_report(summary, out, output)
    say_warnings(summary, output)
    if drawn is not None and plot is not None:
        drawn.draw_labels(plot, summary)
    if sheet is not None:
        write_doubtful_sheet(sheet, summary.doubtful, store, job)
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


def _store(out: Path, source: LabelSource, job: LabelJob, link: Link | None, *, metadata: bool) -> LabelStore:
    labels = job.question.label_set.names
    root = source.root.absolute() if isinstance(source, PictureFiles) else None
    suffix = out.suffix.lower()
    if suffix in OTHER_FILES:
        raise UsageError(f"--out {out}: expected a folder, NAME.csv or NAME.jsonl; {suffix} is not written")
    if suffix not in TABLE_SUFFIXES:
        return FolderStore(out, labels, root, link=link, metadata=metadata)
    for name, given in (("--link", link), ("--metadata", metadata)):
        if given:
            raise UsageError(f"{name} is for a folder of pictures, and --out {out} is a table: leave one of them out")
    path = Path(job.source)
    return TableStore(
        out.resolve() if out.is_symlink() else out,
        labels,
        root,
        str(path.absolute()) if path.exists() else without_password(job.source),
    )


def _check_drawings(plot: Path | None, sheet: Path | None, source: LabelSource, store: LabelStore) -> None:
    """Raises UsageError if they can't be drawn once all is done."""
    made_folder = store.log_path.absolute().parent
    for path in (plot, sheet):
        if path is not None and (path.is_dir() or path.absolute().parent != made_folder):
            check_folder_of(path)
    is_live = isinstance(source, FrameFiles) and source.source.is_live
    if sheet is not None and is_live and not store.keeps_pictures:
        raise UsageError(
            f"--sheet {sheet}: the source is live, and its frames will be gone: give a folder as --out, or leave "
            "--sheet out"
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
    """Returns whether Ctrl-C ended it. However it ends, tables are written of what there is."""

    def warn(warning: ServerWarning) -> None:
        output.print_warnings([warning])

    if restart:
        # what there is must not go before there is something to take its place
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
                say_how_to_go_on(len(log.done), total, output)
    return interrupted
