"""Tables of the answers to single calls."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from framewatch_cli.terminal.safe_text import escaped, name_text
from framewatch_cli.terminal.tables import MIN_NAME_CELLS, Bar, framed, plain_table
from framewatch_client import LabelScore, Timings
from framewatch_core.arrays import Float32Array


def score_table(scores: Sequence[LabelScore], *, title: str = "", footer: str = "") -> RenderableType:
    """Returns labels with probability, similarity and bar; the first one is in bold."""
    table = plain_table()
    table.add_column("label", overflow="fold", min_width=MIN_NAME_CELLS)
    table.add_column("probability", justify="right", no_wrap=True)
    table.add_column("similarity", justify="right", no_wrap=True)
    table.add_column("")
    for i, score in enumerate(scores):
        table.add_row(
            Text(name_text(score.label)),
            f"{score.probability:.4f}",
            f"{score.similarity:.4f}",
            Bar(score.probability, "green" if i == 0 else "blue"),
            style="bold" if i == 0 else "",
        )
    return framed(table, title=title, footer=footer)


def similarity_table(
    names: Sequence[str], similarities: Sequence[float], *, query: str, footer: str = ""
) -> RenderableType:
    """Returns candidates with their cosines in the order given; the best of several has a star."""
    best = max(similarities, default=0.0)
    table = plain_table()
    table.add_column("image", overflow="fold", min_width=MIN_NAME_CELLS)
    table.add_column("similarity", justify="right", no_wrap=True)
    table.add_column("")
    for name, similarity in zip(names, similarities, strict=False):
        is_best = len(similarities) > 1 and similarity == best
        table.add_row(
            Text(escaped(f"{name} ★" if is_best else name)),
            f"{similarity:.4f}",
            Bar(similarity, "green" if is_best else "blue"),
            style="bold" if is_best else "",
        )
    return framed(table, title=f"similarity to {query}", footer=footer)


def similarity_matrix_table(
    queries: Sequence[str], candidates: Sequence[str], similarities: Float32Array, *, footer: str = ""
) -> RenderableType:
    """Returns a row for each candidate and a column for each query, whose best candidate is in bold with a star.

    Args:
        queries: names of the columns.
        candidates: names of the rows.
        similarities: cosines, float32 `[queries, candidates]`.
        footer: line below the table; empty: none.

    """
    table = plain_table()
    table.add_column("image", overflow="fold", min_width=MIN_NAME_CELLS)
    for query in queries:
        table.add_column(Text(escaped(query)), justify="right", overflow="fold")
    best = similarities.argmax(axis=1)
    for row, name in enumerate(candidates):
        cells = (_cosine_cell(cosine, is_best=best[i] == row) for i, cosine in enumerate(similarities[:, row]))
        table.add_row(Text(escaped(name)), *cells)
    return framed(table, title="similarity", footer=footer)


def _cosine_cell(cosine: float, *, is_best: bool) -> Text:
    return Text(f"{cosine:.4f} ★", "bold") if is_best else Text(f"{cosine:.4f}  ")


def answer_footer(model: str, timings: Timings) -> str:
    """Returns the model that answered and the time that the server took."""
    total_ms = 1000 * (timings.decode_s + timings.queue_s + timings.inference_s)
    return f"{name_text(model)}, {total_ms:.1f} ms in the server"
