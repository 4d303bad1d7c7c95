"""The command `framewatch embed`."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

from rich.table import Table
from rich.text import Text

from framewatch_cli.commands.options.connection import Connection, run_with_client
from framewatch_cli.commands.options.files import check_folder_of
from framewatch_cli.commands.options.parameters import Flag, Fps, UsageError
from framewatch_cli.index.files import check_suffix
from framewatch_cli.index.update import IndexEvents, IndexSettings, IndexSummary, update_index
from framewatch_cli.index.vector_index import shown_path
from framewatch_cli.pictures.calls import CALL_TIMEOUT_S
from framewatch_cli.terminal.json_lines import print_object
from framewatch_cli.terminal.output import ExitCode, Output
from framewatch_cli.terminal.progress import ProgressCounter


def embed(
    *sources: str,
    out: Path,
    fps: Fps = None,
    drop_missing: Flag = False,
    json: Flag = False,
    connection: Connection = Connection(),
) -> int:
    """Make an index of pictures for "framewatch search", or bring one up to date.

    Parameters
    ----------
    sources
        Folders, with those inside them, pictures (JPEG, PNG, WebP) and videos. Without any, the files of the index are
        checked again. A file with several names by links is embedded once.
    out
        The index: a .npz file (numpy), or .parquet (for other tools; needs framewatch[parquet]). If it exists, only
        files that are new or have changed are embedded, and those that have vanished are dropped. Vectors of files that
        can't be reached are kept.
    fps
        Of videos, limit of the frames a second to embed; by default that of the index. Without either, videos in
        folders are left out.
    drop_missing
        Drop missing files even if no file of a whole source is left, as if it had been moved or unmounted.
    json
        Print the summary as one JSON object.
    connection
        Server and model.

    """
    check_suffix(out)
    check_folder_of(out)
    if not sources and not out.exists():
        raise UsageError(
            f"there is no {out} yet: give the pictures to embed, such as framewatch embed FOLDER --out {out}"
        )
    output = Output(json)
    started_s = time.monotonic()
    with ProgressCounter(output.errors, "pictures") as progress:
        settings = IndexSettings(out, sources, fps, connection.model, drop_missing)
        events = _events(out, output, progress)
        summary = run_with_client(
            connection.server, lambda client: update_index(client, settings, events), CALL_TIMEOUT_S
        )
    if json:
        print_object({"index": str(out), **asdict(summary)})
    else:
        _report(out, summary, output, elapsed_s=time.monotonic() - started_s)
    return ExitCode.FAILED if summary.refused or summary.out_of_reach else ExitCode.OK


def _events(out: Path, output: Output, progress: ProgressCounter) -> IndexEvents:
    return IndexEvents(
        planned=lambda count, only_pictures: progress.start(count if only_pictures else None),
        embedded=progress.advance,
        skipped=lambda path, why: output.print_error(f"{shown_path(path)}: {why}"),
        kept=lambda path, why: output.print_error(f"{shown_path(path)}: {why}"),
        broken_off=lambda summary: output.print_note(_broken_off(out, summary)),
    )


def _broken_off(out: Path, summary: IndexSummary) -> str:
    old = f", those of {summary.outdated:,} changed files as they were" if summary.outdated else ""
    return f"broken off: {out} has {summary.picture_count:,} pictures{old}; the same command goes on from there"


def _report(out: Path, summary: IndexSummary, output: Output, *, elapsed_s: float) -> None:
    if summary.videos_left_out:
        output.print_note(
            f"note: videos were left out ({summary.videos_left_out:,}): --fps 1 embeds a frame a second of them"
        )
    counts = [(summary.new, "new"), (summary.changed, "changed"), (summary.unchanged, "unchanged")]
    counts += [(summary.vanished, "vanished"), (summary.refused, "left out"), (summary.out_of_reach, "out of reach")]
    files = ", ".join(f"{count:,} {what}" for count, what in counts if count) or "none"
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_row(Text("index", "bold"), Text(str(out)))
    table.add_row(Text("pictures", "bold"), f"{summary.picture_count:,}, {summary.dimension:,} numbers each")
    table.add_row(Text("files", "bold"), files)
    table.add_row(Text("model", "bold"), Text(f"{summary.model} (weights {summary.weights_digest})"))
    table.add_row(Text("time", "bold"), f"{elapsed_s:.1f} s{_rate(summary, elapsed_s)}")
    output.results.print(table)


def _rate(summary: IndexSummary, elapsed_s: float) -> str:
    return f", {summary.embedded_count / elapsed_s:.1f} pictures/s" if summary.embedded_count and elapsed_s > 0 else ""
