"""A labelling run: pictures are scored, sorted, written down and kept, and what came of it is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from framewatch_cli.labelling.decisions import Show, Sorting, decide
from framewatch_cli.labelling.log import LabelLog, LogHeader, check_inputs, read_header, read_pictures
from framewatch_cli.labelling.models import pick_model
from framewatch_cli.labelling.scoring import Question, Scored, Warn, score_files, score_frames
from framewatch_cli.labelling.sources import FrameFiles, LabelSource, source_inputs
from framewatch_cli.labelling.stores import LabelStore, sort_anew
from framewatch_cli.labelling.summary import LabelSummary
from framewatch_cli.pictures.run_lock import only_run
from framewatch_cli.terminal.interrupts import Interrupt, first_interrupt
from framewatch_client import AsyncFramewatchClient, SourceError
from framewatch_core.labels.labels import Label, LabelSet


@dataclass(frozen=True, slots=True)
class LabelJob:
    """What is to be done.

    Attributes:
        source: what it was called.
        question: the labels and the model.
        sorting: how scores become labels.
        fps: of video, how many frames a second at most; None: all.
        every: of video, each so-many-th frame; None: all.

    """

    source: str
    question: Question
    sorting: Sorting
    fps: float | None = None
    every: int | None = None

    @property
    def header(self) -> LogHeader:
        """What another run must have asked for too if this one is to go on with it; plain JSON."""
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
    """The log that a run goes on from, while no other one writes there.

    What an earlier run sorted by other thresholds is sorted anew.

    Raises:
        LabelLogError: there is one of a run with other options.
        SourceError: another run is at it, or there is something else where labels should go.
        OSError: files can't be read or written.

    """
    _check_own(store, restart=restart)
    store.log_path.parent.mkdir(parents=True, exist_ok=True)
    busy = SourceError(
        f"another framewatch label is writing to {store.out}: wait until it has ended, or give another --out"
    )
    with only_run(store.lock_path, busy):
        store.tidy()
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
    show: Show,
    warn: Warn,
) -> bool:
    """Labels what is not labelled yet; returns whether Ctrl-C ended it before its time.

    Args:
        client: of the server.
        source: of the pictures.
        job: what is to be done.
        store: where they go.
        log: where they are written down.
        show: is told of each picture.
        warn: is told what the server finds questionable in the labels, once.

    Raises:
        FramewatchCallError: what ended it, such as that the model of the pictures so far is not loaded; what was done
            until then is kept.
        OSError: likewise.

    """
    if _is_done(source, log):
        return False
    model = pick_model(await client.list_models(), job.question.model, log)
    log.note_weights(model.weights_digest)
    question = replace(job.question, model=model.name)
    with first_interrupt(source.close) as interrupt:
        async with aclosing(_scored(client, source, question, log, interrupt, warn)) as results:
            async for scored in results:
                log.add(scored.picture)
                decision = decide(scored.picture, job.sorting)
                await asyncio.to_thread(store.keep, scored, decision)
                show(scored.picture, decision)
    if isinstance(source, FrameFiles) and source.count is not None and not interrupt.came:
        log.finish(source.count)
    return interrupt.came


def _is_done(source: LabelSource, log: LabelLog) -> bool:
    """Whether the server need not even be asked for its models."""
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
) -> AsyncGenerator[Scored, None]:
    if isinstance(source, FrameFiles):
        return score_frames(client, source, question, log.done, interrupt, warn, seen_last=log.last_frame_id)
    return score_files(client, source, question, log.done, interrupt, warn)


def write_results(log: LabelLog, store: LabelStore, summary: LabelSummary) -> None:
    """Writes the tables and counts the pictures, those of earlier runs too. Raises OSError, LabelLogError."""
    with store.tables(summary.sorting) as write:
        for picture in log.pictures():
            decision = decide(picture, summary.sorting)
            write(picture, decision)
            summary.add(picture, decision)
