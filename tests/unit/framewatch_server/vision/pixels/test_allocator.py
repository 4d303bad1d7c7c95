"""Freed memory goes back to the system, where the C library can do that.

`test_decode_hostile.py` measures it.
"""

from __future__ import annotations

import pytest

from framewatch_server.vision.pixels import allocator
from framewatch_server.vision.pixels.allocator import give_back_memory


def test_glibc_is_asked_for_all_it_can_give(monkeypatch: pytest.MonkeyPatch) -> None:
    kept_back: list[int] = []
    monkeypatch.setattr(allocator, "_malloc_trim", kept_back.append)
    give_back_memory()
    assert kept_back == [0]


def test_other_c_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator, "_malloc_trim", None)
    give_back_memory()
