"""Finds the pictures of an index that are nearest to a text or a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from framewatch_cli.index.index import Entry, Hit, VectorIndex
from framewatch_cli.index.models import pick_model
from framewatch_cli.pictures.embedding import check_weights
from framewatch_client import AsyncFramewatchClient, ServerWarning


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """What `framewatch search` is asked for; see its help. `image`: the query's picture; None: the query is text."""

    query: str
    image: Path | None
    path: Path
    top: int
    min_score: float
    model: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Attributes:
        hits: best first, each with its cosine to the query, in [-1, 1].
        index_count: how many pictures were compared.
        model: the model that embedded the query.
        warnings: what may not be as it was meant.

    """

    hits: tuple[tuple[Entry, float], ...]
    index_count: int
    model: str
    warnings: tuple[ServerWarning, ...]


async def search_index(client: AsyncFramewatchClient, index: VectorIndex, settings: SearchSettings) -> Found:
    """Embeds the query with the index's model and compares it with every vector of the index.

    Raises:
        OSError: the query's picture can't be read.
        FramewatchCallError: the server said no, or has not the index's model.
        ModelMismatch: the model that was asked for is another than the index's.

    """
    model = pick_model(await client.list_models(), settings.model, index, settings.path)
    images, texts = ([], [settings.query]) if settings.image is None else ([settings.image], [])
    answer = await client.embed(images, texts, model=model.name)
    check_weights(answer, model)
    query = answer.texts[0] if settings.image is None else answer.images[0]
    hits = index.search(query, top=settings.top, min_score=settings.min_score)
    return Found(tuple(_resolved(index, hit) for hit in hits), len(index.entries), model.name, answer.warnings)


def _resolved(index: VectorIndex, hit: Hit) -> tuple[Entry, float]:
    return index.entries[hit.number], hit.score
