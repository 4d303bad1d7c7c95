"""Single frames of recordings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from framewatch_cli.pictures.frames import frames_at
from framewatch_core.time import NS_PER_S


def test_frames_are_the_nearest_ones_in_the_order_asked_for(make_video: Callable[..., Path]) -> None:
    video = str(make_video(20, 10.0))
    frames = frames_at(video, [1_000_000_000, 140_000_000, 160_000_000])
    assert [round(float(frame.mean()) / 4) for frame in frames] == [10, 1, 2]


def test_frames_of_a_folder_of_images(tmp_path: Path, picture: np.ndarray) -> None:
    for index in range(3):
        cv2.imwrite(str(tmp_path / f"{index}.png"), np.full_like(picture, index * 10))
    (frame,) = frames_at(str(tmp_path), [2 * NS_PER_S])
    assert int(frame[0, 0, 0]) == 20
