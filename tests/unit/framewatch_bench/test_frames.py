"""Frames of measurements, each with pixels of its own."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from framewatch_bench.frames import SIZES, JpegFrames, render_jpegs
from framewatch_core.images.header import read_header


def decoded(frames: JpegFrames) -> npt.NDArray[np.uint8]:
    pixels = cv2.imdecode(np.frombuffer(frames.new(), np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(pixels, np.uint8)


@pytest.mark.parametrize("size", ["480p", "720p", "1080p"])
def test_every_frame_is_new_in_its_top_rows_and_its_scene_below(size: str) -> None:
    frames = render_jpegs(size, 1)
    pictures = [decoded(frames) for _ in range(300)]
    assert {picture.shape[1::-1] for picture in pictures} == {SIZES[size]}
    assert len({picture[:64].tobytes() for picture in pictures}) == 300
    assert len({picture[64:].tobytes() for picture in pictures}) == 1


def test_scenes_take_turns_and_differ() -> None:
    frames = render_jpegs("480p", 3)
    first, second, third, again = (decoded(frames)[64:] for _ in range(4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)
    assert not np.array_equal(second, third)


def test_frames_of_two_processes_differ() -> None:
    one, other = render_jpegs("480p", 1), render_jpegs("480p", 1)
    assert not {one.new() for _ in range(50)} & {other.new() for _ in range(50)}


def test_the_server_reads_their_headers() -> None:
    header = read_header(render_jpegs("480p", 1).new())
    assert (header.width, header.height) == SIZES["480p"]
