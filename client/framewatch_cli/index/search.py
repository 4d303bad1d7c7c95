"""A run of `framewatch search`: the pictures of an index that are nearest to a text or a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from framewatch_cli.index.model import pick_index_model
from framewatch_cli.index.vector_index import Entry, VectorIndex
from framewatch_cli.pictures.model import check_weights
from framewatch_client import AsyncFramewatchClient, RequestWarning


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """Options of `framewatch search`; see its help.

    Attributes:
        query: the query as it was given.
        image: the query's picture; None: the query is a text.
        path: of the index.
        top, min_score: as in `VectorIndex.search`.
        model: name of the model; empty: the index's.

    """

    query: str
    image: Path | None
    path: Path
    top: int
    min_score: float
    model: str = ""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Result of a search.

    Attributes:
        hits: best first, each with its cosine to the query, in [-1, 1].
        index_count: pictures that were compared.
        model: name of the model that embedded the query.
        warnings: the server's warnings of the query.

    """

    hits: tuple[tuple[Entry, float], ...]
    index_count: int
    model: str
    warnings: tuple[RequestWarning, ...]


async def search_index(client: AsyncFramewatchClient, index: VectorIndex, settings: SearchSettings) -> SearchResult:
    """Embeds the query with the index's model and compares it with every vector of the index.

    Raises:
        OSError: the query's picture can't be read.
        FramewatchCallError: the server refused the query.
        ModelNotFound: it lacks the index's model.
        ModelReplaced: the model has other weights now.
        ModelMismatch: the model that was asked for is another than the index's.

    """
    model = pick_index_model(await client.list_models(), settings.model, index, settings.path)
    images, texts = ([], [settings.query]) if settings.image is None else ([settings.image], [])
    answer = await client.embed(images, texts, model=model.name)
    check_weights(model.name, model.weights_digest, answer.weights_digest, results="vectors")
    query = answer.texts[0] if settings.image is None else answer.images[0]
    hits = index.search(query, top=settings.top, min_score=settings.min_score)
    found = tuple((index.entries[hit.number], hit.score) for hit in hits)
    return SearchResult(found, len(index.entries), model.name, answer.warnings)
