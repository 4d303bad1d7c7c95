"""Frames of video files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from framewatch_client import OverflowPolicy, open_source


def test_video_file(make_video: Callable[..., Path]) -> None:
    with open_source(str(make_video(12, 10.0))) as source:
        assert (source.frame_count, source.is_live, source.overflow) == (12, False, OverflowPolicy.BLOCK)
        frames = list(source)
    assert [frame.time_s for frame in frames] == pytest.approx([n / 10 for n in range(12)])
    assert [frame.frame_id for frame in frames] == list(range(12))
    assert [round(np.mean(np.asarray(frame.image))) for frame in frames] == pytest.approx(
        [n * 4 for n in range(12)], abs=2
    )


def test_video_file_thinned(make_video: Callable[..., Path]) -> None:
    with open_source(str(make_video(20, 10.0)), fps=4) as source:
        frames = list(source)
        assert source.frame_count == len(frames) == 8
    assert [frame.frame_id for frame in frames] == [0, 3, 5, 8, 10, 13, 15, 18]


def test_video_closed_while_it_is_read(make_video: Callable[..., Path]) -> None:
    source = open_source(str(make_video(5, 10.0)))
    frames = iter(source)
    next(frames)
    source.close()
    assert list(frames) == []
