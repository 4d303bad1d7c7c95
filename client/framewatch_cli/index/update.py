"""A run of `framewatch embed`: makes an index of pictures, or brings one up to date."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from framewatch_cli.index.builder import IndexBuilder
from framewatch_cli.index.embedding import embed_pictures
from framewatch_cli.index.files import lock_index, read_index, write_index
from framewatch_cli.index.missing_files import kept_notes
from framewatch_cli.index.model import pick_index_model
from framewatch_cli.index.plan import plan_index
from framewatch_cli.index.sources import FoundFiles, Picture, find_files, read_pictures
from framewatch_cli.index.vector_index import VectorIndex
from framewatch_cli.pictures.folder import Skip, is_video
from framewatch_client import AsyncFramewatchClient, Model
from framewatch_core.arrays import Float32Array

SAVE_EVERY = 4096
"""New pictures between two saves on the way, or as many as the index has if that is more: all saves together write no
more than a few times the final index."""

FRAME_MARGIN = 2
"""Frames of videos are sent with so many times the pixels, on the shorter side, of the model's input; more are of no
use to it."""


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """Options of `framewatch embed`; see its help."""

    path: Path
    sources: Sequence[str]
    fps: float | None = None
    model: str = ""
    drop_missing: bool = False


@dataclass(frozen=True, slots=True)
class IndexSummary:
    """Figures of an updated index.

    Attributes:
        picture_count: vectors of the index.
        embedded_count: vectors that this run made.
        dimension: numbers of each vector.
        model, weights_digest: the model that made them.
        new, changed, unchanged, vanished, refused: numbers of files.
        outdated: files that have changed, and of which the index has the old vectors still.
        out_of_reach: files that may exist or not, and of which the index keeps its vectors.
        videos_left_out: videos without a frame rate to embed them with.

    """

    picture_count: int
    embedded_count: int
    dimension: int
    model: str
    weights_digest: str
    new: int
    changed: int
    unchanged: int
    vanished: int
    refused: int
    outdated: int
    out_of_reach: int
    videos_left_out: int


@dataclass(frozen=True, slots=True)
class IndexEvents:
    """Callbacks of an update.

    Attributes:
        planned: called with the number of files to embed, and whether they are all pictures.
        embedded: called for each picture.
        skipped: called with each file or folder that is left out, and the reason.
        kept: called with files and folders out of reach, of which the index keeps its vectors, and the reason.
        broken_off: called with the figures when something ends the run early; the index has been saved.

    """

    planned: Callable[[int, bool], object]
    embedded: Callable[[], object]
    skipped: Skip
    kept: Skip
    broken_off: Callable[[IndexSummary], object]


async def update_index(client: AsyncFramewatchClient, settings: IndexSettings, events: IndexEvents) -> IndexSummary:
    """Embeds files that are new or have changed, drops those that have vanished, and writes the index.

    The index keeps the vectors of a file until new ones replace them, or the file is gone. A run that an error or a
    cancellation ends writes what it has, and the next run goes on from there.

    Raises:
        SourceError: a source does not exist or has no pictures.
        RunBusy: another run is writing this index.
        IndexFileError, ModelMismatch, OSError: the index can't be read, written, or gone on with.
        ValueError: a video was given without a frame rate.
        ModelNotFound: the server lacks the index's model, or the one that was asked for.
        FramewatchError: as `embed_pictures`.

    """
    with lock_index(settings.path):
        index = read_index(settings.path) if settings.path.exists() else None
        skipped: dict[Path, str] = {}
        found = await asyncio.to_thread(find_files, settings.sources, skipped.__setitem__)
        model = pick_index_model(await client.list_models(), settings.model, index, settings.path)
        update = _Update(settings, index, model, events, found, skipped)
        update.check_videos(settings.sources)
        update.report_plan()
        if not update.is_idle:
            await update.embed(client)
        return update.summary()


class _Update:
    """State of one `update_index`."""

    def __init__(
        self,
        settings: IndexSettings,
        index: VectorIndex | None,
        model: Model,
        events: IndexEvents,
        found: FoundFiles,
        skipped: dict[Path, str],
    ) -> None:
        """Compares the index, if there is one, with the files. `skipped`: folders that can't be read, with reasons."""
        self._path = settings.path
        self._before = index
        self._model = model
        self._fps = fps = settings.fps if settings.fps is not None or index is None else index.fps
        self._events = events
        self._skipped: dict[Path, str] = {}
        self._plan = plan_index(
            index, found, fps=fps, skip=self._skipped.__setitem__, drop_missing=settings.drop_missing
        )
        self._skipped |= skipped
        self._builder = IndexBuilder(self._plan, model, fps)
        self._index = self._builder.index()
        self._saved_count = len(self._index.entries)
        self._unsaved = 0
        self._embedded_count = 0

    def check_videos(self, sources: Sequence[str]) -> None:
        """Raises ValueError if videos were asked for without a frame rate."""
        given = [source for source in sources if is_video(Path(source)) and Path(source).is_file()]
        nothing_else = not (self._plan.todo or self._plan.unchanged)
        if self._plan.videos_left_out and (given or nothing_else):
            name = given[0] if given else "the source"
            raise ValueError(f"{name} is video: give the number of frames a second to embed, such as --fps 1")

    def report_plan(self) -> None:
        """Reports the files and folders that are left out, or out of reach."""
        for path, why in self._skipped.items():
            self._events.skipped(path, why)
        for path, why in kept_notes(self._plan.gone, self._plan.unreachable):
            self._events.kept(path, why)

    @property
    def is_idle(self) -> bool:
        """True if the index is up to date."""
        return self._plan.is_idle

    async def embed(self, client: AsyncFramewatchClient) -> None:
        """Embeds the planned files, and writes the index however that ends."""
        todo = self._plan.todo
        self._events.planned(len(todo), not any(file.is_video for file in todo))
        short_side = FRAME_MARGIN * max(self._model.image_width, self._model.image_height)
        pictures = read_pictures(todo, fps=self._fps, short_side=short_side, skip=self._skip)
        try:
            await embed_pictures(client, pictures, self._model, self._take, self._skip_picture)
        except BaseException:
            self._save()
            if self._index.entries:
                self._events.broken_off(self.summary())
            raise
        self._save()

    def _take(self, picture: Picture, vector: Float32Array) -> None:
        self._builder.add(picture, vector)
        self._events.embedded()
        self._unsaved += 1
        self._embedded_count += 1
        if self._unsaved >= max(SAVE_EVERY, self._saved_count):
            self._save()

    def _skip_picture(self, picture: Picture, why: str) -> None:
        self._builder.skip(picture)
        self._skip(picture.file.path, why)

    def _skip(self, path: Path, why: str) -> None:
        self._skipped[path] = why
        kept = "; the vectors that the index has of it are kept" if path in self._plan.kept else ""
        self._events.skipped(path, why + kept)

    def _save(self) -> None:
        self._index = self._builder.index()
        self._unsaved, self._saved_count = 0, len(self._index.entries)
        if self._index.entries or self._before is not None:
            write_index(self._path, self._index)

    def summary(self) -> IndexSummary:
        """Returns the figures up to now."""
        complete = self._builder.complete
        done = complete - self._skipped.keys()
        return IndexSummary(
            picture_count=len(self._index.entries),
            embedded_count=self._embedded_count,
            dimension=self._index.dimension,
            model=self._index.model,
            weights_digest=self._index.weights_digest,
            new=len(done - self._plan.changed),
            changed=len(done & self._plan.changed),
            unchanged=len(self._plan.unchanged),
            vanished=len(self._plan.vanished),
            refused=len(self._skipped),
            outdated=len(self._plan.changed - complete),
            out_of_reach=self._plan.out_of_reach,
            videos_left_out=self._plan.videos_left_out,
        )
