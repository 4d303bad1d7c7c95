"""The rendered belt video."""

import numpy as np
import pytest

from framewatch_bench.demo.belt import render_belt_video


@pytest.mark.parametrize("seed", range(20))
def test_the_truth_is_ordered_and_inside_the_clip(seed: int) -> None:
    video = render_belt_video(seed)
    assert 2 <= len(video.present) <= 3
    bounds = [bound for interval in video.present for bound in interval]
    assert bounds == sorted(set(bounds))
    assert bounds[0] > 0
    assert bounds[-1] < video.frame_count - 1
    assert video.frame_count == round(24.0 * video.fps)


def test_frames_are_pictures_and_can_be_read_twice() -> None:
    video = render_belt_video(2, fps=5, seconds=12, width=320, height=180)
    first, second = list(video.frames), list(video.frames)
    assert len(first) == video.frame_count == 60
    assert all(frame.shape == (180, 320, 3) and frame.dtype == np.uint8 for frame in first)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_box_changes_the_picture_of_the_belt() -> None:
    video = render_belt_video(1, fps=5)
    frames = [frame.astype(int) for frame in video.frames]
    first, last = video.present[0]
    changed = [float((np.abs(frame - frames[0]).max(axis=2) > 40).mean()) for frame in frames]
    assert changed[(first + last) // 2] > 0.03
    assert changed[1] < 0.005
