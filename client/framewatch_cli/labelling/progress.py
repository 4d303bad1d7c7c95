"""Progress bar of a labelling run, with the number of pictures in each pile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from framewatch_cli.labelling.sorting import Decision, PictureResult, Pile, ShowPicture
from framewatch_cli.terminal.progress import ProgressCounter


@contextmanager
def label_progress(console: Console, total: int | None, done_count: int) -> Iterator[ShowPicture]:
    """Yields a function that counts labelled pictures on the terminal; it shows nothing where there is none.

    Args:
        console: the terminal.
        total: number of all pictures; None if that is unknown.
        done_count: number of those that earlier runs have labelled.

    """
    piles = dict.fromkeys(Pile, 0)
    with ProgressCounter(console, "pictures") as progress:
        progress.start(total, done_count)

        def show(_picture: PictureResult, decision: Decision) -> None:
            piles[decision.pile] += 1
            progress.advance(", ".join(f"{count:,} {pile}" for pile, count in piles.items() if count))

        yield show
