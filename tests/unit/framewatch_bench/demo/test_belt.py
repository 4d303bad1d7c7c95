"""The rendered belt video."""

import numpy as np
import pytest

from framewatch_bench.demo.belt import render_belt_video
from framewatch_demo import MODEL_DIR
from framewatch_demo.training.evaluate import TEMPLATE
from framewatch_demo.training.model import DemoModel


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


@pytest.mark.parametrize("seed", [1, 2])
def test_the_demo_model_finds_the_boxes(seed: int) -> None:
    model = DemoModel(MODEL_DIR)
    video = render_belt_video(seed, fps=5)
    labels = model.embed_texts([TEMPLATE.format(label) for label in ("box", "an empty conveyor belt")])
    logits = model.logit_scale * model.embed_images(list(video.frames)) @ labels.T
    probability = 1 / (1 + np.exp(logits[:, 1] - logits[:, 0]))
    for number, value in enumerate(probability):
        edges = [abs(number - bound) for interval in video.present for bound in interval]
        inside = any(first <= number <= last for first, last in video.present)
        if min(edges) > 0.5 * video.fps:
            assert value > 0.8 if inside else value < 0.5
