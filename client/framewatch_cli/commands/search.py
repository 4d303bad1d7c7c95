"""The command `framewatch search`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.console import RenderableType
from rich.text import Text

from framewatch_cli.commands.options.connection import Connection, run_with_client
from framewatch_cli.commands.options.files import check_folder_of
from framewatch_cli.commands.options.parameters import Flag, UsageError
from framewatch_cli.index.files import read_index
from framewatch_cli.index.search import SearchResult, SearchSettings, search_index
from framewatch_cli.index.sheet import MAX_SHEET_HITS, write_search_sheet
from framewatch_cli.pictures.sheet import check_sheet
from framewatch_cli.terminal.json_lines import print_object
from framewatch_cli.terminal.output import ExitCode, Output
from framewatch_cli.terminal.safe_text import escaped
from framewatch_cli.terminal.tables import MIN_NAME_CELLS, Bar, framed, plain_table
from framewatch_client import IMAGE_SUFFIXES, SourceError


def search(
    query: str,
    /,
    *,
    index: Path,
    top: Annotated[int, Parameter(validator=Number(gte=1))] = 12,
    min_score: Annotated[float, Parameter(validator=Number(gte=-1, lte=1))] = -1.0,
    sheet: Path | None = None,
    text: Flag = False,
    image: Flag = False,
    json: Flag = False,
    connection: Connection = Connection(),
) -> int:
    """Search an index for pictures by a text or by a picture.

    Parameters
    ----------
    query
        A picture's file if there is one of that name, else a text, used as it is.
    index
        The index, a file that "framewatch embed" has written.
    top
        Limit of the pictures to find.
    min_score
        Least score: the cosine of query and picture, in [-1, 1].
    sheet
        An HTML page to write: the query and the pictures that were found, at most 200, with their scores. It needs no
        other file.
    text
        The query is a text, even if there is a file of that name.
    image
        The query is a picture's file.
    json
        Print the result as one JSON object.
    connection
        Server and model, which must be the one that made the index.

    """
    check_sheet(sheet)
    check_folder_of(sheet)
    settings = SearchSettings(
        query, _query_image(query, text=text, image=image), index, top, min_score, connection.model
    )
    if not index.exists():
        raise SourceError(f"there is no index {index}: make it with framewatch embed FOLDER --out {index}")
    read = read_index(index)
    output = Output(json)
    found = run_with_client(connection.server, lambda client: search_index(client, read, settings))
    output.print_warnings(found.warnings)
    if json:
        print_object(_summary(found, settings))
    else:
        output.results.print(_table(found, settings))
    if sheet is not None:
        write_search_sheet(sheet, settings.image or query, found.hits)
        if len(found.hits) > MAX_SHEET_HITS:
            output.print_note(f"note: {sheet} shows the first {MAX_SHEET_HITS} of {len(found.hits):,}")
    return ExitCode.OK


def _query_image(query: str, *, text: bool, image: bool) -> Path | None:
    """Returns the query's file; None: the query is a text. Raises UsageError."""
    if text and image:
        raise UsageError("--text and --image were both given: a query is one or the other")
    path = Path(query)
    if image or (not text and os.path.isfile(query)):  # noqa: PTH113  Path.is_file raises for a text that is too long for a name
        return path
    if not text and path.suffix.lower() in IMAGE_SUFFIXES:
        raise UsageError(f"there is no picture {query}: give one that is there, or --text to search for this text")
    return None


def _summary(found: SearchResult, settings: SearchSettings) -> dict[str, object]:
    return {
        "query": settings.query,
        "index": str(settings.path),
        "model": found.model,
        "compared": found.index_count,
        "hits": [
            {"rank": rank, "score": round(score, 6), "path": str(entry.path), "time_s": entry.time_s}
            for rank, (entry, score) in enumerate(found.hits, 1)
        ],
    }


def _table(found: SearchResult, settings: SearchSettings) -> RenderableType:
    table = plain_table()
    table.add_column("rank", justify="right", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("")
    table.add_column("picture", overflow="fold", min_width=MIN_NAME_CELLS)
    for rank, (entry, score) in enumerate(found.hits, 1):
        best = rank == 1
        style = "green" if best else "blue"
        table.add_row(
            f"{rank}", f"{score:.4f}", Bar(score, style), Text(escaped(entry.name)), style="bold" if best else ""
        )
    footer = f"{len(found.hits):,} of {found.index_count:,} pictures, by {found.model}"
    return framed(table, title=settings.query, footer=footer)
