"""The command `framewatch models`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from rich.table import Table
from rich.text import Text

from framewatch_cli.commands.options.connection import run_with_client
from framewatch_cli.commands.options.parameters import Flag
from framewatch_cli.terminal.json_lines import print_line
from framewatch_cli.terminal.output import ExitCode, Output
from framewatch_cli.terminal.safe_text import name_text
from framewatch_cli.terminal.tables import MIN_NAME_CELLS, plain_table
from framewatch_client import DEFAULT_ADDRESS, AsyncFramewatchClient, Model
from framewatch_wire.json_lines import models_json


def models(
    *, server: Annotated[str, Parameter(env_var="FRAMEWATCH_SERVER")] = DEFAULT_ADDRESS, json: Flag = False
) -> int:
    """Show the models of a server.

    Parameters
    ----------
    server
        HOST:PORT of the server.
    json
        Print the response as one line of JSON.

    """
    output = Output(json)
    found = run_with_client(server, AsyncFramewatchClient.list_models)
    if json:
        print_line(models_json(found))
        return ExitCode.OK
    output.results.print(_table(found))
    output.results.print("★ answers calls that name no model", style="dim")
    if any(model.is_demo for model in found):
        output.results.print("demo knows a few rendered scenes and nothing else", style="dim")
    return ExitCode.OK


def _table(found: tuple[Model, ...]) -> Table:
    table = plain_table()
    table.add_column("model", overflow="fold", min_width=MIN_NAME_CELLS)
    for title in ("family", "input", "numbers", "scores", "memory"):
        table.add_column(title, no_wrap=True)
    table.add_column("runs on", overflow="fold", min_width=len("bfloat16"))
    for number, model in enumerate(found):
        name = Text(f"{name_text(model.name)}{' ★' if number == 0 else ''}", "bold" if number == 0 else "")
        table.add_row(name, *map(Text, map(name_text, _cells(model))))
    return table


def _cells(model: Model) -> tuple[str, ...]:
    return (
        model.family,
        f"{model.image_width}×{model.image_height}",
        f"{model.dimension}",
        "unknown" if model.score_function is None else model.score_function.name.lower(),
        f"{model.memory_bytes / 2**30:,.1f} GiB" if model.memory_bytes else "",
        f"{model.device} {model.dtype} {model.engine}",
    )
