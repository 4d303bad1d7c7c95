"""The short form: the kept corpus, and some thousand mutations of it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from framewatch_core.images.header import read_header
from tests.fuzz.pictures import checks
from tests.fuzz.pictures.checks import SizesDifferError, check
from tests.fuzz.pictures.mutations import MAX_BYTES, mutate
from tests.fuzz.pictures.seeds import CORPUS, corpus
from tests.paths import ROOT

FILES = sorted(CORPUS.iterdir())


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_corpus_is_decoded_to_its_size_or_refused(path: Path) -> None:
    assert check(path.read_bytes()) == (not path.name.startswith("refused-"))


def test_some_thousand_mutations_are_decoded_to_their_size_or_refused() -> None:
    # in a process of its own, which limits its memory
    command = [sys.executable, "-m", "tests.fuzz.pictures", "--plain", "--runs", "5000"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "5,000 inputs" in done.stderr


@pytest.mark.parametrize(
    "path", [path for path in FILES if not path.name.startswith("refused-")], ids=lambda path: path.name
)
def test_a_header_that_is_not_what_is_decoded_is_noticed(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    header = read_header(path.read_bytes())
    monkeypatch.setattr(checks, "read_header", lambda _: replace(header, width=header.width + 1))
    with pytest.raises(SizesDifferError):
        check(path.read_bytes())


def test_mutations_are_the_same_for_the_same_seed() -> None:
    files = corpus()
    first, second = ([mutate(file, files, Random(seed)) for file in files for seed in range(20)] for _ in range(2))
    assert first == second
    assert all(len(data) <= MAX_BYTES for data in first)
