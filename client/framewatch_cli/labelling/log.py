"""The log of a labelling run: a file that a later run goes on from, even after a crash.

A picture is logged before it is put in its place, so that every picture in a folder is in the log.

The first line holds the run's options, each further line the scores of one picture. A line is written at once, so that
only the last one can be torn. The log keeps scores rather than labels: other thresholds need no server.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from framewatch_cli.labelling.sorting import PictureResult, Sorting
from framewatch_cli.pictures.atomic import replacing_text
from framewatch_cli.pictures.model import UsedModel
from framewatch_cli.pictures.names import check_component, check_relative
from framewatch_core.labels.scoring import LabelScore, ScoreKind

_FINISHED = "finished"


class LabelLogError(ValueError):
    """A log that a run can't go on from; the message states why and what to do."""


@dataclass(frozen=True, slots=True)
class LogHeader:
    """Options of a run.

    Attributes:
        inputs: the options that scores depend on, by name; plain JSON.
        sorting: the rules by which scores become labels, which may change from run to run.
        weights_digest: of the model that scored the pictures; empty: not known yet.

    """

    inputs: Mapping[str, Any]
    sorting: Sorting
    weights_digest: str = ""


class LabelLog:
    """The log of one output; a context manager that closes it.

    Attributes:
        done: items that need no further call.
        last_frame_id: highest number of a frame that was scored; None: there is none.
        finished_count: number of frames of a video that was labelled to its end; None: it was not.

    """

    def __init__(
        self, path: Path, header: LogHeader, was_kept: Callable[[PictureResult], bool] = lambda _: True
    ) -> None:
        """Goes on from the log at `path`, or begins one. Failed pictures are dropped, so that they are tried again.

        Args:
            path: of the log.
            header: options of this run.
            was_kept: returns True if the picture that was logged last was also put in its place.

        Raises:
            LabelLogError: the log is of other options, or is broken.
            OSError: the log can't be read or written.

        """
        self._path = path
        self._was_kept = was_kept
        self.done: set[str] = set()
        self.last_frame_id: int | None = None
        self.finished_count: int | None = None
        self._model = ""
        self._is_empty = True
        if path.exists():
            earlier = read_header(path)
            check_inputs(earlier, header, path)
            header = replace(header, weights_digest=earlier.weights_digest)
        self._file = self._begin(header)

    @property
    def used_model(self) -> UsedModel | None:
        """The model that scored the pictures so far; None: there are none."""
        return UsedModel(self._model, self._header.weights_digest) if self._model else None

    def note_weights(self, weights_digest: str) -> None:
        """Writes into the header which weights score the pictures to come. Raises OSError."""
        if weights_digest != self._header.weights_digest:
            self._file.close()
            self._file = self._begin(replace(self._header, weights_digest=weights_digest))

    def _begin(self, header: LogHeader) -> IO[str]:
        """Writes a new log with the pictures that stay, and opens it. A crash leaves the old log or the new one."""
        self._header = header
        with replacing_text(self._path) as file:
            file.write(_line(_header_object(header)))
            for picture in self._staying() if self._path.exists() else ():
                self._note(picture)
                self._is_empty = False
                file.write(_line(_picture_object(picture)))
            if self.finished_count is not None:
                file.write(_line({_FINISHED: self.finished_count}))
        return self._path.open("a", encoding="utf-8")

    def _staying(self) -> Iterator[PictureResult]:
        """Yields all pictures but those that failed, and but the last one if it was not put in its place."""
        last: PictureResult | None = None
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

    def _note(self, picture: PictureResult) -> None:
        self.done.add(picture.item)
        self._model = picture.model or self._model
        if picture.frame_id is not None and picture.scores:
            self.last_frame_id = max(picture.frame_id, self.last_frame_id or 0)

    def add(self, picture: PictureResult) -> None:
        """Appends a picture; the operating system has it when this returns. Raises OSError."""
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

    def pictures(self) -> Iterator[PictureResult]:
        """Yields all pictures in the order in which they were added. Raises LabelLogError."""
        return read_pictures(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Removes an empty log: it would only refuse a run with other options."""
        self._file.close()
        if self._is_empty:
            self._path.unlink()


def check_inputs(earlier: LogHeader, now: LogHeader, path: Path) -> None:
    """Raises LabelLogError if the scores of an earlier run are not those that this run asks for."""
    names = dict.fromkeys((*earlier.inputs, *now.inputs))
    different = [name for name in names if earlier.inputs.get(name) != now.inputs.get(name)]
    if different:
        changes = "; ".join(f"{name} was {_as_json(earlier, name)} and is {_as_json(now, name)}" for name in different)
        raise LabelLogError(
            f"{path} is of a run with other options: {changes}. Give the same options to go on with it, another --out, "
            "or --restart to begin anew"
        )


def _as_json(header: LogHeader, name: str) -> str:
    return json.dumps(header.inputs.get(name), ensure_ascii=False)


def read_header(path: Path) -> LogHeader:
    """Returns the options of a log's run. Raises LabelLogError, OSError."""
    with path.open("rb") as file:
        return _header(path, file.readline())


def _header(path: Path, line: bytes) -> LogHeader:
    try:
        data = json.loads(line)
        sorting = data["sorting"]
        sorted_by = Sorting(**{**sorting, "score": ScoreKind[sorting["score"]]})
        header = LogHeader(dict(data["inputs"]), sorted_by, str(data.get("weights_digest", "")))
        "".join(header.inputs["labels"])  # raises TypeError unless they are texts
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise LabelLogError(
            f"{path} is no log of this version of framewatch label: give another --out, or remove it"
        ) from error
    return header


def read_pictures(path: Path) -> Iterator[PictureResult]:
    """Yields the pictures of a log; a torn last line is ignored. Raises LabelLogError, OSError."""
    return (entry for entry in _entries(path) if isinstance(entry, PictureResult))


def _entries(path: Path) -> Iterator[PictureResult | int]:
    """Yields pictures, and the number of frames where a video was labelled to its end."""
    with path.open("rb") as lines:
        labels = frozenset(_header(path, next(lines, b"")).inputs["labels"])
        for number, line in enumerate(lines, 2):
            if not line.endswith(b"\n"):
                return
            try:
                data = json.loads(line)
                entry = int(data[_FINISHED]) if _FINISHED in data else _picture(data, labels)
            except (AttributeError, TypeError, ValueError, OverflowError, RecursionError) as error:
                raise LabelLogError(
                    f"{path}, line {number}: this is no picture's line ({error}): give another --out, or remove the "
                    "file"
                ) from error
            yield entry


def _line(data: Mapping[str, Any]) -> str:
    """Returns data as a line of JSON, in ASCII, since names of files need not be text."""
    return json.dumps(data, separators=(",", ":")) + "\n"


def _header_object(header: LogHeader) -> dict[str, Any]:
    sorting = {**asdict(header.sorting), "score": header.sorting.score.name}
    return {"inputs": dict(header.inputs), "sorting": sorting, "weights_digest": header.weights_digest}


def _picture_object(picture: PictureResult) -> dict[str, Any]:
    """Returns a picture as plain data without empty fields; scores are [probability, similarity, presence] by label."""
    scores = {score.label: [score.probability, score.similarity, score.presence] for score in picture.scores}
    data = {**asdict(picture), "scores": scores}
    return {name: value for name, value in data.items() if not (value is None or value is False or value in ("", {}))}


def _picture(data: dict[str, Any], labels: frozenset[str]) -> PictureResult:
    """Returns a picture. Raises AttributeError, TypeError, ValueError.

    Its names become parts of paths, of files that are moved and removed: they must not lead anywhere else.
    """
    check_component(data.get("name"))
    check_relative(data.get("item"))
    for name, kinds in _KINDS.items():
        if name in data and not isinstance(data[name], kinds):
            raise ValueError(f"{name} is {type(data[name]).__name__}")
    scores = tuple(_score(label, *values) for label, values in data.pop("scores", {}).items())
    if scores and {score.label for score in scores} != labels:
        raise ValueError("its scores are not those of the run's labels")
    return PictureResult(**data, scores=scores)


_KINDS: Mapping[str, tuple[type, ...]] = {
    "model": (str,),
    "error": (str,),
    "skipped": (bool,),
    "scores": (dict,),
    "frame_id": (int,),
    "time_s": (float, int),
    "draw": (float, int),
}


def _score(label: str, probability: float, similarity: float, presence: float | None) -> LabelScore:
    return LabelScore(label, float(probability), float(similarity), None if presence is None else float(presence))
