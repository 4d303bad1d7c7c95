"""The long run: `python -m tests.fuzz.pictures --runs 10000000`.

With atheris (CONTRIBUTING has the command that installs it) the inputs follow the coverage of the header walks; without it
they are mutations of the corpus alone, the same for the same seed. An input that breaks the property is written into
`build/fuzz/pictures` and ends the run.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import resource
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from random import Random

FOLDER = Path("build/fuzz/pictures")
_REPORT_EVERY = 100_000
_MAX_MEMORY_BYTES = 6 << 30


class Run:
    """Checks inputs, counts them, and keeps the slowest and the one that breaks the property."""

    def __init__(self, check: Callable[[bytes], bool], runs: int) -> None:
        self._check, self._runs = check, runs
        self._count = self._decoded = 0
        self._slowest_s = 0.0
        self._started = time.perf_counter()

    def __call__(self, data: bytes) -> None:
        """Checks an input; what breaks the property is raised."""
        self._count += 1
        before = time.process_time()  # not the time that other programs take
        try:
            self._decoded += self._check(data)
        except BaseException:
            path = FOLDER / f"broken-{self._count}"
            path.write_bytes(data)
            sys.stderr.write(f"input {self._count:,} breaks the property: {path}\n")
            raise
        took = time.process_time() - before
        if took > self._slowest_s:
            self._slowest_s = took
            (FOLDER / "slowest").write_bytes(data)
        if self._count % _REPORT_EVERY == 0 or self._count == self._runs:
            self._report()

    def _report(self) -> None:
        rate = self._count / (time.perf_counter() - self._started)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        sys.stderr.write(
            f"{self._count:,} inputs, {self._decoded:,} decoded, {rate:,.0f} a second, "
            f"slowest {self._slowest_s * 1000:.1f} ms, memory {memory:,} MiB\n"
        )


def main() -> None:
    """Runs until the property breaks or there were enough inputs."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.pictures")
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plain", action="store_true", help="without atheris, even if it is installed")
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    if options.plain or importlib.util.find_spec("atheris") is None:
        _run_plainly(options.runs, options.seed)
    else:
        _run_with_atheris(options.runs, options.seed)


def _run_plainly(runs: int, seed: int) -> None:
    """Checks mutations of the corpus."""
    from tests.fuzz.pictures.checks import check
    from tests.fuzz.pictures.mutations import mutate
    from tests.fuzz.pictures.seeds import corpus

    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY_BYTES, _MAX_MEMORY_BYTES))
    _quiet_libraries()
    random, files, run = Random(seed), corpus(), Run(check, runs)
    for _ in range(runs):
        run(mutate(random.choice(files), files, random))


def _run_with_atheris(runs: int, seed: int) -> None:
    """Lets libFuzzer mutate and choose; it ends the process."""
    import atheris

    with atheris.instrument_imports(include=["framewatch_core.images"]):
        from tests.fuzz.pictures.checks import check
    from tests.fuzz.pictures.mutations import MAX_BYTES, mutate
    from tests.fuzz.pictures.seeds import CORPUS, corpus

    files = corpus()

    def mutated(data: bytes, max_size: int, mutation_seed: int) -> bytes:
        random = Random(mutation_seed)
        if random.random() < 0.5:
            return bytes(atheris.Mutate(data, max_size))
        return mutate(data, files, random)[:max_size]

    found = FOLDER / "found"
    found.mkdir(exist_ok=True)
    options = {"runs": runs, "seed": seed, "max_len": MAX_BYTES, "timeout": 10, "rss_limit_mb": 4096}
    arguments = [f"-{name}={value}" for name, value in options.items()]
    folders = [str(found), str(CORPUS)]
    atheris.Setup(
        [sys.argv[0], *arguments, f"-artifact_prefix={FOLDER}/", *folders], Run(check, runs), custom_mutator=mutated
    )
    _quiet_libraries()
    atheris.Fuzz()


def _quiet_libraries() -> None:
    """Sends what native libraries print about broken files nowhere; our own standard error goes on."""
    ours = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    sys.stderr = os.fdopen(ours, "w", buffering=1)
    warnings.simplefilter("ignore")  # Pillow's, of metadata


if __name__ == "__main__":
    main()
