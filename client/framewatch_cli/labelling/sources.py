"""Sources of pictures to label: files below a folder, or frames of a video."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path, PurePath

from framewatch_cli.labelling.file_names import frame_name, picture_name
from framewatch_cli.labelling.sorting import PictureResult, draw_of_content, draw_of_time
from framewatch_cli.pictures.folder import is_picture, listed, walk
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
        root: the folder that the paths are relative to.
        paths: of the pictures, relative.

    """

    root: Path
    paths: tuple[PurePath, ...]

    @property
    def count(self) -> int:
        """Number of the pictures."""
        return len(self.paths)

    def close(self) -> None:
        """Does nothing: no file is open."""

    def result(self, relative: PurePath, data: bytes) -> PictureResult:
        """Returns the result of a picture, without scores. `data`: the file's bytes, empty if they can't be read."""
        return PictureResult(str(relative), picture_name(relative), draw=draw_of_content(data))


class FrameFiles:
    """Frames of a video or a camera."""

    def __init__(self, source: Source, *, every: int | None = None) -> None:
        """`every`: use each so-many-th of the source's frames, at least 1; None: all."""
        self.source = source
        self._every = every

    @property
    def count(self) -> int | None:
        """Approximate number of the frames; None: unknown or endless."""
        count = self.source.frame_count
        return None if count is None else -(-count // (self._every or 1))

    def close(self) -> None:
        """Closes the source; its iteration ends."""
        self.source.close()

    def __iter__(self) -> Iterator[Frame]:
        """Yields frames with their numbers and times."""
        for frame in self.source:
            if self._every is None or (frame.frame_id or 0) % self._every == 0:
                yield frame

    def result(self, frame_id: int, time_s: float) -> PictureResult:
        """Returns the result of a frame, without scores.

        A camera's frame is named by its wall time, since numbers begin anew with each run.
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
        return PictureResult(
            item, frame_name(source, name), draw=draw_of_time(source, since_s), frame_id=frame_id, time_s=time_s
        )


LabelSource = PictureFiles | FrameFiles


def open_label_source(spec: str, *, fps: float | None, every: int | None, left_out: Path) -> LabelSource:
    """Opens a source of pictures.

    Args:
        spec: a folder of pictures, which may lie in folders of it; or a source as for `open_source`.
        fps: of video, limit of frames a second; None: all.
        every: of video, use each so-many-th frame; None: all.
        left_out: a folder whose pictures are left out, as they are the labelled ones.

    Raises:
        SourceError: the source can't be opened, or holds no pictures.
        OSError: a folder can't be read.

    """
    if Path(spec).is_dir():
        return _pictures_below(Path(spec), left_out)
    source = open_source(spec, fps)
    if not isinstance(source, ImageFiles):
        return FrameFiles(source, every=every)
    root = Path(spec).absolute().parent if Path(spec).exists() else _split_glob(spec)[0]
    own = left_out.resolve()
    found = (Path(str(frame.image)).absolute() for frame in source)

    @cache  # a folder has many pictures, and to follow its links takes a while
    def is_own(folder: Path) -> bool:
        return folder.resolve().is_relative_to(own)

    # a glob may find a file several times
    paths = tuple(dict.fromkeys(_relative(path, root) for path in found if not is_own(path.parent)))
    if not paths:
        raise SourceError(f"{spec} holds no pictures but those in {left_out}, which are labelled already")
    return PictureFiles(root, paths)


def _relative(path: Path, root: Path) -> PurePath:
    """Returns a path below a folder, without the `..` that a pattern may have behind its first wildcard.

    Raises:
        SourceError: it leads out of the folder.

    """
    relative = path.relative_to(root)
    if ".." not in relative.parts:
        return relative
    real = path.parent.resolve() / path.name
    if not real.is_relative_to(root.resolve()):
        raise SourceError(f"{path} lies out of {root}, where the pattern's pictures are: give a pattern without '..'")
    return real.relative_to(root.resolve())


def source_inputs(spec: str) -> dict[str, str]:
    """Returns the identity of a source, the same in whatever folder a run begins.

    For a glob that includes the folder that its pictures are named below. URLs go without their password, since the
    identity is logged and printed.
    """
    if Path(spec).exists():
        return {"source": str(Path(spec).resolve())}
    if is_url(spec) or not glob.has_magic(spec):
        return {"source": without_password(spec)}
    root, pattern = _split_glob(spec)
    return {"source": str(root.resolve() / pattern), "root": str(root.resolve())}


def _split_glob(spec: str) -> tuple[Path, PurePath]:
    """Returns the innermost folder that holds every possible match, absolute, and the pattern below it.

    The common folder of the current matches would not do: it changes when a folder is added.
    """
    parts = Path(spec).parts
    count = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:count]).absolute(), PurePath(*parts[count:])


def _pictures_below(root: Path, left_out: Path) -> PictureFiles:
    found = [path for path in walk(root, _raise, left_out) if is_picture(path) and path.is_file()]
    if not found:
        raise SourceError(f"{root} holds no pictures, nor do its folders: expected {listed(IMAGE_SUFFIXES)}")
    return PictureFiles(root, tuple(path.relative_to(root) for path in sorted(found, key=natural_key)))


def _raise(error: OSError) -> None:
    raise error
