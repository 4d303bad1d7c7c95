"""The command `framewatch classify`."""

from __future__ import annotations

from collections.abc import Sequence

from framewatch_cli.commands.answers import answer_footer, score_table
from framewatch_cli.commands.options.connection import Connection, run_with_client
from framewatch_cli.commands.options.parameters import Flag, Labels, Templates, Top, UsageError
from framewatch_cli.terminal.json_lines import print_line
from framewatch_cli.terminal.output import ExitCode, Output, describe
from framewatch_client import (
    AsyncFramewatchClient,
    FramewatchError,
    LabelSet,
    RequestWarning,
    ServerUnreachableError,
    label_set,
)
from framewatch_wire.json_lines import classification_json


def classify(
    *images: str,
    label: Labels,
    template: Templates = None,
    top: Top = 0,
    json: Flag = False,
    connection: Connection = Connection(),
) -> int:
    """Score images against labels.

    Parameters
    ----------
    images
        JPEG, PNG or WebP files.
    label
        A thing to look for. Repeat it for more: probabilities compare the labels with each other.
    template
        A sentence with {label} in it that the label's name is put into. Repeat it for several, whose embeddings are
        averaged. By default "a photo of {label}"; with --no-template the names are used as they are.
    top
        How many labels to show, the best first; 0: all.
    json
        Print the result of each image as one line of JSON: protobuf's mapping, with the .proto's field names and with
        zeros.
    connection
        Server and model.

    """
    if not images:
        raise UsageError("no image was given: framewatch classify IMAGE... --label LABEL --label LABEL...")
    labels = label_set(label, template)
    output = Output(json)
    return run_with_client(
        connection.server,
        lambda client: _classify(client, images, labels, top=top, model=connection.model, output=output),
    )


async def _classify(
    client: AsyncFramewatchClient, images: Sequence[str], labels: LabelSet, *, top: int, model: str, output: Output
) -> ExitCode:
    """Scores images one after the other; an image that fails does not stop the others."""
    code = ExitCode.OK
    printed: set[RequestWarning] = set()
    for number, image in enumerate(images):
        try:
            answer = await client.classify(image, labels, top_count=top, model=model)
        except ServerUnreachableError:
            raise
        except (OSError, FramewatchError) as error:
            output.print_error(f"{image}: {describe(error, image)}")
            code = ExitCode.FAILED
            continue
        output.print_warnings(warning for warning in answer.warnings if warning not in printed)
        printed.update(answer.warnings)
        if output.json:
            print_line(classification_json(answer))
            continue
        if number:
            output.results.print()
        footer = answer_footer(answer.model, answer.timings)
        output.results.print(score_table(answer.scores, title=image, footer=footer))
    return code
