"""Where pictures to label come from: files below a folder, or frames of a video."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePath

from framewatch_cli.labelling.decisions import Picture, draw_of_content, draw_of_time
from framewatch_cli.labelling.names import frame_name, picture_name
from framewatch_client import (
    IMAGE_SUFFIXES,
    Frame,
    ImageFiles,
    Source,
    SourceError,
    is_url,
    natural_key,
    open_source,
    without_password,
)


@dataclass(frozen=True, slots=True)
class PictureFiles:
    """Pictures of a folder, in natural order of their paths.

    Attributes:
        root: the folder that they are named below.
        paths: theirs below it.

    """

    root: Path
    paths: tuple[PurePath, ...]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.paths)

    def close(self) -> None:
        """Nothing is open."""

    def picture(self, relative: PurePath, data: bytes) -> Picture:
        """What is known of a picture before it is scored; `data`: the file's bytes, empty if they can't be read."""
        return Picture(str(relative), picture_name(relative), draw=draw_of_content(data))


class FrameFiles:
    """Frames of a video or a camera."""

    def __init__(self, source: Source, *, every: int | None = None) -> None:
        """`every`: of the source's frames, each so-many-th, at least 1; None: all."""
        self.source = source
        self._every = every

    @property
    def count(self) -> int | None:
        """About how many there are; None: unknown or endless."""
        count = self.source.frame_count
        return None if count is None else -(-count // (self._every or 1))

    def close(self) -> None:
        """Closes the source; what reads it comes to its end."""
        self.source.close()

    def __iter__(self) -> Iterator[Frame]:
        """Frames with their numbers and times."""
        for frame in self.source:
            if self._every is None or (frame.frame_id or 0) % self._every == 0:
                yield frame

    def picture(self, frame_id: int, time_s: float) -> Picture:
        """What is known of a frame before it is scored.

        A camera's is named by its wall time, since numbers begin anew with each run.
        """
        origin = self.source.origin_time
        if origin is None:
            item, since_s = f"frame {frame_id}", time_s
            name = f"frame{frame_id:06d}-{time_s:.3f}s"
        else:
            at = origin + timedelta(seconds=time_s)
            item, since_s = at.isoformat(timespec="milliseconds"), (at - datetime.fromtimestamp(0, UTC)).total_seconds()
            name = at.strftime("%Y%m%dT%H%M%S.%f")[:-3] + "Z"
        source = self.source.name
        return Picture(
            item, frame_name(source, name), draw=draw_of_time(source, since_s), frame_id=frame_id, time_s=time_s
        )


LabelSource = PictureFiles | FrameFiles


def open_label_source(spec: str, *, fps: float | None, every: int | None, passed_over: Path) -> LabelSource:
    """Opens what is to be labelled.

    Args:
        spec: a folder of pictures, which may lie in folders of it; or as in `open_source`.
        fps: of video, how many frames a second at most; None: all.
        every: of video, each so-many-th frame; None: all.
        passed_over: a folder whose pictures are left out: they are the labelled ones.

    Raises:
        SourceError: it can't be opened, or holds no pictures.

    """
    if Path(spec).is_dir():
        return _pictures_below(Path(spec), passed_over)
    source = open_source(spec, fps)
    if not isinstance(source, ImageFiles):
        return FrameFiles(source, every=every)
    root = Path(spec).absolute().parent if Path(spec).exists() else _split_glob(spec)[0]
    found = (Path(str(frame.image)).absolute() for frame in source)
    own = passed_over.absolute()
    # a glob may find a file several times
    paths = tuple(dict.fromkeys(path.relative_to(root) for path in found if not path.is_relative_to(own)))
    if not paths:
        raise SourceError(f"{spec} holds no pictures but those in {passed_over}, which are labelled already")
    return PictureFiles(root, paths)


def source_inputs(spec: str) -> dict[str, str]:
    """What a source is in whatever folder a run begins; of a glob also the folder that its pictures are named below.

    URLs are without their password: it is written down and told.
    """
    if Path(spec).exists():
        return {"source": str(Path(spec).resolve())}
    if is_url(spec) or not glob.has_magic(spec):
        return {"source": without_password(spec)}
    root, pattern = _split_glob(spec)
    return {"source": str(root.resolve() / pattern), "root": str(root.resolve())}


def _split_glob(spec: str) -> tuple[Path, PurePath]:
    """The folder that no match lies outside of, absolute, and the pattern below it.

    Not what the matches of today have in common: that changes with each folder that is added.
    """
    parts = Path(spec).parts
    count = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:count]).absolute(), PurePath(*parts[count:])


def _pictures_below(root: Path, passed_over: Path) -> PictureFiles:
    found: list[PurePath] = []
    for folder, folders, files in os.walk(root, onerror=_raise):
        # what is hidden is an editor's, a trash's or a run's of our own
        folders[:] = [name for name in folders if not name.startswith(".") and not _is_same(folder, name, passed_over)]
        paths = (Path(folder, name) for name in files if not name.startswith("."))
        found += (path.relative_to(root) for path in paths if _is_picture(path))
    if not found:
        raise SourceError(f"{root} holds no pictures, nor do its folders: expected {', '.join(sorted(IMAGE_SUFFIXES))}")
    return PictureFiles(root, tuple(sorted(found, key=lambda path: natural_key(Path(path)))))


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()


def _is_same(folder: str, name: str, passed_over: Path) -> bool:
    return name == passed_over.name and Path(folder, name).resolve() == passed_over.resolve()


def _raise(error: OSError) -> None:
    raise error
