"""The long run: `python -m tests.fuzz.messages --runs 10000000`.

A sequence of requests that breaks the property is written into `build/fuzz/messages`, and the run goes on, so that it
finds others too; the exit code is then 1.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from tests.fuzz.messages.checks import BrokenError
from tests.fuzz.messages.run import Run
from tests.fuzz.messages.seeds import Sequence

FOLDER = Path("build/fuzz/messages")
_MOST_BROKEN = 20


async def _run(runs: int, seed: int) -> int:
    run, broken = Run(seed), dict[str, int]()
    for sequence in run.sequences():
        try:
            await run.check(sequence)
        except BrokenError as error:
            _write(sequence, error, broken)
        if (line := run.report()) is not None:
            sys.stderr.write(f"{line}, {sum(broken.values())} broke the property\n")
        if run.count >= runs or len(broken) >= _MOST_BROKEN:
            break
    sys.stderr.write(f"{run.report(at_end=True)}, {sum(broken.values())} broke the property\n")
    return 1 if broken else 0


def _write(sequence: Sequence, error: BrokenError, broken: dict[str, int]) -> None:
    """Keeps the first sequence of each kind of fault."""
    kind = f"{sequence.method} {str(error)[:40]}"
    broken[kind] = broken.get(kind, 0) + 1
    if broken[kind] == 1:
        path = FOLDER / f"broken-{len(broken)}.txt"
        path.write_text(sequence.to_text())
        sys.stderr.write(f"{path}: {sequence.method}: {str(error)[:2000]}\n")


def main() -> None:
    """Runs until there were enough requests, or too many kinds of faults."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.messages")
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    sys.exit(asyncio.run(_run(options.runs, options.seed)))


if __name__ == "__main__":
    main()
