"""The command `framewatch similarity`."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType

from framewatch_cli.commands.answers import answer_footer, similarity_matrix_table, similarity_table
from framewatch_cli.commands.options.connection import Connection, run_with_client
from framewatch_cli.commands.options.parameters import Flag, Repeated, UsageError
from framewatch_cli.terminal.json_lines import print_line
from framewatch_cli.terminal.output import ExitCode, Output
from framewatch_client import AsyncFramewatchClient, Similarity, SimilarityMatrix
from framewatch_wire.json_lines import similarity_json


def similarity(
    first: str,
    /,
    *images: str,
    query: Repeated = None,
    json: Flag = False,
    connection: Connection = Connection(),
) -> int:
    """Compare images with a first one by the cosines of their embeddings.

    Parameters
    ----------
    first
        The image to compare with.
    images
        One or more others.
    query
        A further image to compare the others with. Repeat it for more. The table then has a row for each of the others
        and a column for each image that they are compared with.
    json
        Print the result as one line of JSON: protobuf's mapping, with the .proto's field names and with zeros.
    connection
        Server and model.

    """
    if not images:
        raise UsageError("nothing to compare with: framewatch similarity IMAGE IMAGE...")
    queries = [first, *(query or ())]
    answer = run_with_client(connection.server, lambda client: _compare(client, queries, images, connection.model))
    output = Output(json)
    if json:
        print_line(similarity_json(answer))
    else:
        output.results.print(_table(queries, images, answer))
    return ExitCode.OK


async def _compare(
    client: AsyncFramewatchClient, queries: Sequence[str], candidates: Sequence[str], model: str
) -> Similarity | SimilarityMatrix:
    """Returns the cosines of one query, or the matrix of several."""
    if len(queries) > 1:
        return await client.similarities(queries, candidates, model=model)
    return await client.similarity(queries[0], candidates, model=model)


def _table(queries: Sequence[str], candidates: Sequence[str], answer: Similarity | SimilarityMatrix) -> RenderableType:
    footer = answer_footer(answer.model, answer.timings)
    if isinstance(answer, SimilarityMatrix):
        return similarity_matrix_table(queries, candidates, answer.similarities, footer=footer)
    return similarity_table(candidates, answer.similarities, query=queries[0], footer=footer)
