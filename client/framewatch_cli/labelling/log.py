"""What a labelling run has done so far: a file that a later run goes on from, also after a crash.

A picture is written down before it is put in its place, so that nothing lies in a folder that no log knows.

The first line says what was asked for, each further one what a picture scored. Lines are written whole and at once, so
that only the last one can be torn. Scores are kept rather than labels: other thresholds need no server.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from framewatch_cli.labelling.decisions import Picture, Sorting
from framewatch_core.labels.scoring import LabelScore, ScoreKind

_FINISHED = "finished"


class LabelLogError(ValueError):
    """A log that can't be gone on from; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class LogHeader:
    """What a run was asked for.

    Attributes:
        inputs: what scores depend on, by the option's name; plain JSON.
        sorting: how they become labels, which may change from run to run.
        weights_digest: the weights that scored the pictures, see `Model`; empty: not known yet.

    """

    inputs: Mapping[str, Any]
    sorting: Sorting
    weights_digest: str = ""


class LabelLog:
    """The log of one output; a context manager that closes it.

    Attributes:
        done: items that need not be asked for again.
        last_frame_id: the highest number of a frame that was scored; None: there is none.
        model: that scored the pictures so far; empty: there are none.
        finished_count: how many frames the video had that was labelled to its end; None: it was not.

    """

    def __init__(self, path: Path, header: LogHeader, was_kept: Callable[[Picture], bool] = lambda _: True) -> None:
        """Goes on from what is at `path`, or begins there. Pictures that failed are forgotten, to be tried again.

        Args:
            path: of the log.
            header: what is asked for now.
            was_kept: whether the picture that was added last was dealt with before the earlier run was cut off.

        Raises:
            LabelLogError: what is there was asked for otherwise, or is broken.
            OSError: it can't be read or written.

        """
        self._path = path
        self._was_kept = was_kept
        self.done: set[str] = set()
        self.last_frame_id: int | None = None
        self.model = ""
        self.finished_count: int | None = None
        self._is_empty = True
        if path.exists():
            earlier = read_header(path)
            check_inputs(earlier, header, path)
            header = replace(header, weights_digest=earlier.weights_digest)
        self._file = self._begin(header)

    @property
    def weights_digest(self) -> str:
        """The weights that scored the pictures so far; empty: not known, or there are none yet."""
        return self._header.weights_digest if self.model else ""

    def note_weights(self, weights_digest: str) -> None:
        """Writes down in the header which weights score what comes. Raises OSError."""
        if weights_digest != self._header.weights_digest:
            self._file.close()
            self._file = self._begin(replace(self._header, weights_digest=weights_digest))

    def _begin(self, header: LogHeader) -> IO[str]:
        """Writes the header anew and what is kept of the pictures; a crash leaves the old log or the new one."""
        self._header = header
        new = self._path.with_name(self._path.name + ".new")
        with new.open("w", encoding="utf-8") as file:
            file.write(_line(_header_object(header)))
            for picture in self._kept() if self._path.exists() else ():
                self._note(picture)
                self._is_empty = False
                file.write(_line(_picture_object(picture)))
            if self.finished_count is not None:
                file.write(_line({_FINISHED: self.finished_count}))
        new.replace(self._path)
        return self._path.open("a", encoding="utf-8")

    def _kept(self) -> Iterator[Picture]:
        """All but those that failed, and the last one if it was not dealt with any more."""
        last: Picture | None = None
        has_dropped = False
        for entry in _entries(self._path):
            if isinstance(entry, int):
                self.finished_count = entry
                continue
            if last is not None:
                yield last
            has_dropped = has_dropped or bool(entry.error)
            last = None if entry.error else entry
        if last is not None and self._was_kept(last):
            yield last
        elif last is not None:
            has_dropped = True
        if has_dropped:
            self.finished_count = None

    def _note(self, picture: Picture) -> None:
        self.done.add(picture.item)
        self.model = picture.model or self.model
        if picture.frame_id is not None and picture.scores:
            self.last_frame_id = max(picture.frame_id, self.last_frame_id or 0)

    def add(self, picture: Picture) -> None:
        """Appends a picture; it is with the operating system when this returns. Raises OSError."""
        self._note(picture)
        self._append(_picture_object(picture))

    def finish(self, frame_count: int) -> None:
        """Notes that a video was labelled to its end. Raises OSError."""
        self.finished_count = frame_count
        self._append({_FINISHED: frame_count})

    def _append(self, data: Mapping[str, Any]) -> None:
        self._is_empty = False
        self._file.write(_line(data))
        self._file.flush()

    def pictures(self) -> Iterator[Picture]:
        """All pictures in the order in which they were added. Raises LabelLogError."""
        return read_pictures(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """One that holds nothing is removed: it would only stand in the way of a run with other options."""
        self._file.close()
        if self._is_empty:
            self._path.unlink()


def check_inputs(earlier: LogHeader, now: LogHeader, path: Path) -> None:
    """Raises LabelLogError if scores of one run are none for the other."""
    names = dict.fromkeys((*earlier.inputs, *now.inputs))
    different = [name for name in names if earlier.inputs.get(name) != now.inputs.get(name)]
    if different:
        told = "; ".join(f"{name} was {_told(earlier, name)} and is {_told(now, name)}" for name in different)
        raise LabelLogError(
            f"{path} is of a run with other options: {told}. Give the same options to go on with it, another --out, or "
            "--restart to begin anew"
        )


def _told(header: LogHeader, name: str) -> str:
    return json.dumps(header.inputs.get(name), ensure_ascii=False)


def read_header(path: Path) -> LogHeader:
    """What the run was asked for. Raises LabelLogError, OSError."""
    try:
        with path.open(encoding="utf-8") as file:
            data = json.loads(file.readline())
        sorting = data["sorting"]
        sorted_by = Sorting(**{**sorting, "score": ScoreKind[sorting["score"]]})
        header = LogHeader(data["inputs"], sorted_by, str(data.get("weights_digest", "")))
    except (KeyError, TypeError, ValueError) as error:
        raise LabelLogError(
            f"{path} is no log of this version of framewatch label: give another --out, or remove it"
        ) from error
    return header


def read_pictures(path: Path) -> Iterator[Picture]:
    """The pictures of a log; a torn last line is none. Raises LabelLogError, OSError."""
    return (entry for entry in _entries(path) if isinstance(entry, Picture))


def _entries(path: Path) -> Iterator[Picture | int]:
    """Pictures, and how many frames there were where a video was labelled to its end."""
    with path.open("rb") as lines:
        next(lines, None)
        for number, line in enumerate(lines, 2):
            if not line.endswith(b"\n"):
                return
            try:
                data = json.loads(line)
                entry = int(data[_FINISHED]) if _FINISHED in data else _picture(data)
            except (AttributeError, TypeError, ValueError) as error:
                raise LabelLogError(
                    f"{path}, line {number}: this is no picture's line: give another --out, or remove the file"
                ) from error
            yield entry


def _line(data: Mapping[str, Any]) -> str:
    """ASCII, since names of files need not be text."""
    return json.dumps(data, separators=(",", ":")) + "\n"


def _header_object(header: LogHeader) -> dict[str, Any]:
    sorting = {**asdict(header.sorting), "score": header.sorting.score.name}
    return {"inputs": dict(header.inputs), "sorting": sorting, "weights_digest": header.weights_digest}


def _picture_object(picture: Picture) -> dict[str, Any]:
    """Scores as [probability, similarity, presence] by label; what is empty is left out."""
    scores = {score.label: [score.probability, score.similarity, score.presence] for score in picture.scores}
    data = {**asdict(picture), "scores": scores}
    return {name: value for name, value in data.items() if not (value is None or value is False or value in ("", {}))}


def _picture(data: dict[str, Any]) -> Picture:
    scores = tuple(LabelScore(label, *values) for label, values in data.pop("scores", {}).items())
    return Picture(**data, scores=scores)
