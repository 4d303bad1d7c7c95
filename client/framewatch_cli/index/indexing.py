"""Makes an index of pictures, or brings one up to date."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from framewatch_cli.index.draft import IndexDraft
from framewatch_cli.index.files import read_index, write_index
from framewatch_cli.index.index import VectorIndex
from framewatch_cli.index.lock import lock_index
from framewatch_cli.index.models import pick_model
from framewatch_cli.index.plan import plan_index
from framewatch_cli.index.reach import kept_notes
from framewatch_cli.index.sources import Found, Picture, Refuse, find_files, is_video, read_pictures
from framewatch_cli.pictures.embedding import embed_pictures
from framewatch_client import AsyncFramewatchClient, Model
from framewatch_core.arrays import Float32Array

SAVE_EVERY = 4096
"""New pictures after which the index is saved on the way, or as many as it has if that is more: so all that saving
writes no more than a few times what it has in the end."""

FRAME_MARGIN = 2
"""Frames of videos are sent with so many times the pixels, on the shorter side, that the model's input has; more are of
no use to it."""


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """What `framewatch embed` is asked for; see its help."""

    path: Path
    sources: Sequence[str]
    fps: float | None = None
    model: str = ""
    drop_missing: bool = False


@dataclass(frozen=True, slots=True)
class IndexSummary:
    """What became of an index.

    Attributes:
        picture_count: vectors that it has.
        embedded_count: those of them that were made now.
        dimension: numbers of each.
        model, weights_digest: what made them.
        new, changed, unchanged, vanished, refused: files.
        outdated: files that have changed, and of which it has the old vectors still.
        out_of_reach: files that may be there or not, and of which it has what it had.
        videos_left_out: videos that were passed over, since nobody said how many of their frames are wanted.

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
    """Who is told what happens on the way.

    Attributes:
        planned: how many files there are to embed, and whether they are all pictures.
        embedded: called for each picture.
        refused: told of each file or folder that is left out, and why.
        kept: told of files and folders that are out of reach, and of which the index keeps what it has.
        broken_off: what there is when something ends it early; the index has been saved.

    """

    planned: Callable[[int, bool], object]
    embedded: Callable[[], object]
    refused: Refuse
    kept: Refuse
    broken_off: Callable[[IndexSummary], object]


async def update_index(client: AsyncFramewatchClient, settings: IndexSettings, events: IndexEvents) -> IndexSummary:
    """Embeds what is new or has changed, drops what has vanished, and writes the index.

    What the index has of a file stays until there is something new to take its place, or the file is gone. Ended early,
    by an error or by cancelling, it writes what it has: the next run goes on from there.

    Raises:
        SourceError: a source is not there or has no pictures.
        IndexBusy: another run is at this index.
        IndexFileError, ModelMismatch, OSError: the index can't be read, written, or gone on with.
        FramewatchCallError: the server said no.

    """
    with lock_index(settings.path):
        index = read_index(settings.path) if settings.path.exists() else None
        unread: list[tuple[Path, str]] = []
        found = await asyncio.to_thread(find_files, settings.sources, lambda *note: unread.append(note))
        model = pick_model(await client.list_models(), settings.model, index, settings.path)
        run = _Run(settings, index, model, events, found)
        run.check_videos(settings.sources)
        run.tell(unread)
        if not run.is_idle:
            await run.embed(client)
        return run.summary()


class _Run:
    """One run of `update_index`."""

    def __init__(
        self, settings: IndexSettings, index: VectorIndex | None, model: Model, events: IndexEvents, found: Found
    ) -> None:
        """Compares the index, if there is one, with the files."""
        self._path = settings.path
        self._before = index
        self._model = model
        self._fps = fps = settings.fps if settings.fps is not None or index is None else index.fps
        self._events = events
        self._refused: dict[Path, str] = {}
        self._plan = plan_index(
            index, found, fps=fps, refuse=self._refused.__setitem__, drop_missing=settings.drop_missing
        )
        self._draft = IndexDraft(self._plan, model, fps)
        self._index = self._draft.index()
        self._saved_count = len(self._index.entries)
        self._unsaved = 0
        self._embedded_count = 0

    def check_videos(self, sources: Sequence[str]) -> None:
        """Raises ValueError if videos were asked for, but not how many of their frames."""
        asked = [source for source in sources if is_video(Path(source)) and Path(source).is_file()]
        nothing_else = not (self._plan.todo or self._plan.unchanged)
        if self._plan.videos_left_out and (asked or nothing_else):
            what = asked[0] if asked else "what was given"
            raise ValueError(f"{what} is video: say how many frames a second of it to embed, such as --fps 1")

    def tell(self, unread: Iterable[tuple[Path, str]]) -> None:
        """Tells what could not be looked at. `unread`: folders, and why."""
        self._refused |= dict(unread)
        for path, why in self._refused.items():
            self._events.refused(path, why)
        for path, why in kept_notes(self._plan.gone, self._plan.unreachable):
            self._events.kept(path, why)

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to do."""
        return self._plan.is_idle

    async def embed(self, client: AsyncFramewatchClient) -> None:
        """Embeds what is to be embedded, and writes the index however that ends."""
        todo = self._plan.todo
        self._events.planned(len(todo), not any(file.is_video for file in todo))
        short_side = FRAME_MARGIN * max(self._model.image_width, self._model.image_height)
        pictures = read_pictures(todo, fps=self._fps, short_side=short_side, refuse=self._refuse)
        try:
            await embed_pictures(client, pictures, self._model, self._take, self._refuse_picture)
        except BaseException:
            self._save()
            if self._index.entries:
                self._events.broken_off(self.summary())
            raise
        self._save()

    def _take(self, picture: Picture, vector: Float32Array) -> None:
        self._draft.take(picture, vector)
        self._events.embedded()
        self._unsaved += 1
        self._embedded_count += 1
        if self._unsaved >= max(SAVE_EVERY, self._saved_count):
            self._save()

    def _refuse_picture(self, picture: Picture, why: str) -> None:
        self._draft.refuse(picture)
        self._refuse(picture.file.path, why)

    def _refuse(self, path: Path, why: str) -> None:
        self._refused[path] = why
        kept = "; the vectors that the index has of it are kept" if path in self._plan.kept else ""
        self._events.refused(path, why + kept)

    def _save(self) -> None:
        self._index = self._draft.index()
        self._unsaved, self._saved_count = 0, len(self._index.entries)
        if self._index.entries or self._before is not None:
            write_index(self._path, self._index)

    def summary(self) -> IndexSummary:
        """What has become of it up to now."""
        complete = self._draft.complete
        done = complete - self._refused.keys()
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
            refused=len(self._refused),
            outdated=len(self._plan.changed - complete),
            out_of_reach=self._plan.out_of_reach,
            videos_left_out=self._plan.videos_left_out,
        )
