"""Hostile files: none of them gets further than the header walk, or it is harmless."""

from __future__ import annotations

import numpy as np
import pytest

from framewatch_bench.hostile.files import NAMES, damaged, grey_png, honest_files, hostile_file
from framewatch_core.errors import FramewatchError
from framewatch_core.images.header import read_header

HARMLESS = {
    "20,000 zTXt chunks",
    "300,000 tEXt chunks",
    "8 MB of fill bytes",
    "EXIF of an odd type",
    "EXIF beyond the file",
    "a profile after the pixels",
}
"""Files that may be read: their excess is stripped or skipped."""


@pytest.mark.parametrize("name", [name for name in NAMES if name not in HARMLESS])
def test_the_header_walk_refuses_it_or_finds_its_true_size(name: str) -> None:
    try:
        header = read_header(hostile_file(name))
    except FramewatchError:
        return
    assert header.width * header.height > 16_000_000


def test_a_grey_png_is_small_and_has_its_size() -> None:
    file = grey_png(4000, 3000)
    header = read_header(file)
    assert (header.width, header.height) == (4000, 3000)
    assert len(file) < 100_000


def test_damage_is_of_chance_and_of_one_seed_alone() -> None:
    file = honest_files()[0]
    first, again = (damaged(file, np.random.default_rng(1)) for _ in range(2))
    assert first == again != file
