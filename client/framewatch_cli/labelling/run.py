"""A labelling run: pictures are scored, sorted, logged and kept, and the results are counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from framewatch_cli.labelling.log import LabelLog, LogHeader, check_inputs, read_header, read_pictures
from framewatch_cli.labelling.scoring import Question, ScoredPicture, Warn, score_files, score_frames
from framewatch_cli.labelling.sorting import ShowPicture, Sorting, decide
from framewatch_cli.labelling.sources import FrameFiles, LabelSource, source_inputs
from framewatch_cli.labelling.store import LabelStore, sort_anew
from framewatch_cli.labelling.summary import LabelSummary
from framewatch_cli.pictures.lock import only_run
from framewatch_cli.pictures.model import pick_model
from framewatch_cli.terminal.interrupts import Interrupt, first_interrupt
from framewatch_client import AsyncFramewatchClient, SourceError
from framewatch_core.labels.labels import Label, LabelSet


@dataclass(frozen=True, slots=True)
class LabelJob:
    """The job of a run.

    Attributes:
        source: the source as it was given.
        question: the labels and the model.
        sorting: the rules by which scores become labels.
        fps: of video, limit of frames a second; None: all.
        every: of video, use each so-many-th frame; None: all.

    """

    source: str
    question: Question
    sorting: Sorting
    fps: float | None = None
    every: int | None = None

    @property
    def header(self) -> LogHeader:
        """The options that a later run must repeat to go on with this one; plain JSON."""
        label_set = self.question.label_set
        inputs: dict[str, Any] = {
            **source_inputs(self.source),
            "labels": list(label_set.names),
            "templates": list(label_set.templates),
            "contrasts": _of_labels(label_set, lambda label: list(label.contrast_prompts)),
            "examples": _of_labels(label_set, _example_keys),
            "model": self.question.model,
            "fps": self.fps,
            "every": self.every,
            "change threshold": self.question.change_threshold,
        }
        return LogHeader(inputs, self.sorting)


def _of_labels(label_set: LabelSet, read: Callable[[Label], list[Any]]) -> dict[str, list[Any]]:
    found = ((label.name, read(label)) for label in label_set.labels)
    return {name: value for name, value in found if value}


def _example_keys(label: Label) -> list[str]:
    return [repr(key) for keys in label.examples_key for key in keys]


@contextmanager
def open_log(job: LabelJob, store: LabelStore, *, restart: bool = False) -> Iterator[LabelLog]:
    """Yields the log that a run goes on from, and keeps other runs out meanwhile.

    Pictures that an earlier run sorted by other thresholds are sorted anew.

    Raises:
        LabelLogError: the log is of a run with other options.
        RunBusy: another run is writing to the same place.
        SourceError: something else lies where labels should go.
        OSError: files can't be read or written.

    """
    _check_own(store, restart=restart)
    store.log_path.parent.mkdir(parents=True, exist_ok=True)
    busy = f"another framewatch label is writing to {store.out}: wait until it has ended, or give another --out"
    with only_run(store.lock_path, busy):
        store.remove_parts()
        _prepare(job, store, restart=restart)
        with LabelLog(store.log_path, job.header, store.has) as log:
            yield log


def _check_own(store: LabelStore, *, restart: bool) -> None:
    if store.is_foreign and not (restart and store.out.is_file()):
        how = "--restart to write over it" if store.out.is_file() else "a new folder"
        raise SourceError(f"{store.out} is there already, and no run of framewatch label wrote it: give {how}")


def _prepare(job: LabelJob, store: LabelStore, *, restart: bool) -> None:
    path, header = store.log_path, job.header
    if restart:
        _clear(store)
    elif path.exists():
        earlier = read_header(path)
        check_inputs(earlier, header, path)
        if earlier.sorting != header.sorting:
            sort_anew(store, read_pictures(path), header.sorting)


def _clear(store: LabelStore) -> None:
    if store.log_path.exists():
        earlier = read_header(store.log_path)
        store.clear(read_pictures(store.log_path), earlier.inputs["labels"])
        store.log_path.unlink()


async def label_source(
    client: AsyncFramewatchClient,
    source: LabelSource,
    job: LabelJob,
    store: LabelStore,
    log: LabelLog,
    show: ShowPicture,
    warn: Warn,
) -> bool:
    """Labels the pictures that are not in the log yet.

    Args:
        client: of the server.
        source: of the pictures.
        job: the job of the run.
        store: the place where pictures go.
        log: the run's log.
        show: called with each picture.
        warn: called once with each of the server's warnings of the labels.

    Returns:
        True if Ctrl-C ended the run early.

    Raises:
        FramewatchCallError: a call failed for another reason than its picture, or the model of the pictures so far is
            not loaded. The pictures until then are kept, here and below.
        ModelReplaced: the model has other weights now.
        InvalidResponse: an answer does not fit its call.
        OSError: a file can't be written.

    """
    if _is_done(source, log):
        return False
    model = pick_model(
        await client.list_models(),
        job.question.model,
        log.used_model,
        results="the pictures so far were scored by",
        remedy="start the server with that one, give another --out, or --restart to label all anew",
    )
    log.note_weights(model.weights_digest)
    question = replace(job.question, model=model.name, weights_digest=model.weights_digest)
    with first_interrupt(source.close) as interrupt:
        async with aclosing(_scored(client, source, question, log, interrupt, warn)) as results:
            async for scored in results:
                log.add(scored.result)
                decision = decide(scored.result, job.sorting)
                await asyncio.to_thread(store.keep, scored, decision)
                show(scored.result, decision)
    if isinstance(source, FrameFiles) and source.count is not None and not interrupt.came:
        log.finish(source.count)
    return interrupt.came


def _is_done(source: LabelSource, log: LabelLog) -> bool:
    """Returns True if the run needs no call at all, not even for the server's models."""
    if isinstance(source, FrameFiles):
        return source.count is not None and log.finished_count == source.count
    return all(str(path) in log.done for path in source.paths)


def _scored(
    client: AsyncFramewatchClient,
    source: LabelSource,
    question: Question,
    log: LabelLog,
    interrupt: Interrupt,
    warn: Warn,
) -> AsyncGenerator[ScoredPicture, None]:
    if isinstance(source, FrameFiles):
        return score_frames(client, source, question, log.done, interrupt, warn, last_scored=log.last_frame_id)
    return score_files(client, source, question, log.done, interrupt, warn)


def write_results(log: LabelLog, store: LabelStore, summary: LabelSummary) -> None:
    """Writes the tables and counts the pictures, with those of earlier runs. Raises OSError, LabelLogError."""
    with store.tables(summary.sorting) as write:
        for picture in log.pictures():
            decision = decide(picture, summary.sorting)
            write(picture, decision)
            summary.add(picture, decision)
