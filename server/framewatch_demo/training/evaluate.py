"""Measures a demo model: zero-shot top-1 on unseen scenes, and ROC AUC on real videos.

Run it as `python -m framewatch_demo.training.evaluate --model DIR --videos DIR`.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from framewatch_demo import MODEL_DIR
from framewatch_demo.captions import CONCEPTS, WORLDS
from framewatch_demo.scenes import render
from framewatch_demo.training.dataset import UNSEEN_SEED
from framewatch_demo.training.metrics import roc_auc
from framewatch_demo.training.model import DemoModel

TEMPLATE = "a photo of {}"
VIDEO_PROMPTS: dict[str, tuple[str, str]] = {
    "person.mp4": ("a person", "an empty room"),
    "bottles.mp4": ("a bottle", "an empty table"),
}
"""Prompts per real video: the thing to look for, and its absence."""

EVERYTHING = "all captions"


@dataclass(frozen=True)
class Accuracy:
    """Top-1 of a group of scenes: share (0..1) of the `count` scenes whose own caption scores highest."""

    group: str
    top1: float
    count: int


@dataclass(frozen=True)
class Separation:
    """Separation of a video region's frames with the thing from those without it.

    Attributes:
        video, region: as in ground_truth.json.
        prompts: the thing to look for, and its absence.
        auc: ROC AUC (0..1) of the first prompt's probability.
        frames: number of frames measured.

    """

    video: str
    region: str
    prompts: tuple[str, str]
    auc: float
    frames: int


def evaluate_scenes(model: DemoModel, per_concept: int, close: bool = False) -> list[Accuracy]:
    """Returns top-1 per world over that world's captions, and of all scenes over all captions (last)."""
    truth = np.repeat(np.arange(len(CONCEPTS)), per_concept)
    images = [render(CONCEPTS[index].name, UNSEEN_SEED + number, close).image for number, index in enumerate(truth)]
    captions = model.embed_texts([TEMPLATE.format(concept.caption) for concept in CONCEPTS])
    scores = model.embed_images(images) @ captions.T
    worlds = np.array([WORLDS.index(concept.world) for concept in CONCEPTS])
    results = []
    for index, world in enumerate(WORLDS):
        rows, columns = np.flatnonzero(worlds[truth] == index), np.flatnonzero(worlds == index)
        best = columns[scores[np.ix_(rows, columns)].argmax(axis=1)]
        results.append(Accuracy(world, float((best == truth[rows]).mean()), len(rows)))
    results.append(Accuracy(EVERYTHING, float((scores.argmax(axis=1) == truth).mean()), len(truth)))
    return results


def evaluate_videos(model: DemoModel, folder: Path, stride: int) -> list[Separation]:
    """Returns ROC AUC per region, on every `stride`-th frame, of the folder's videos that ground_truth.json names."""
    truth = json.loads((folder / "ground_truth.json").read_text())
    results = []
    for video, prompts in VIDEO_PROMPTS.items():
        if video in truth and (folder / video).exists():
            results += _evaluate_video(model, folder / video, truth[video], prompts, stride)
    return results


def _evaluate_video(
    model: DemoModel,
    path: Path,
    truth: dict[str, Any],
    prompts: tuple[str, str],
    stride: int,
) -> list[Separation]:
    names = list(truth["regions"])
    crops: dict[str, list[NDArray[np.uint8]]] = {name: [] for name in names}
    numbers = []
    for number, frame in _read_frames(path, stride):
        numbers.append(number)
        for name in names:
            crops[name].append(_crop(frame, truth["regions"][name]))
    labels = model.embed_texts([TEMPLATE.format(prompt) for prompt in prompts])
    results = []
    for name in names:
        similarity = model.embed_images(crops[name]) @ labels.T
        present = _present(np.array(numbers), truth["present"][name])
        auc = roc_auc(similarity[:, 0] - similarity[:, 1], present)
        results.append(Separation(path.name, name, prompts, auc, len(numbers)))
    return results


def _read_frames(path: Path, stride: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    capture = cv2.VideoCapture(str(path))
    number = 0
    while capture.grab():
        if number % stride == 0:
            decoded, frame = capture.retrieve()
            if decoded:
                yield number, np.asarray(frame, dtype=np.uint8)
        number += 1
    capture.release()


def _crop(frame: NDArray[np.uint8], region: Sequence[float]) -> NDArray[np.uint8]:
    """Returns the part of a frame inside a region: x, y, width, height in fractions of the frame."""
    high, wide = frame.shape[:2]
    x, y, width, height = region
    return frame[round(y * high) : round((y + height) * high), round(x * wide) : round((x + width) * wide)]


def _present(numbers: NDArray[np.int64], intervals: Sequence[Sequence[float]]) -> NDArray[np.bool_]:
    inside = [(numbers >= first) & (numbers <= last) for first, last in intervals]
    return np.asarray(np.any(inside, axis=0), dtype=np.bool_)


def print_accuracies(console: Console, title: str, accuracies: Sequence[Accuracy]) -> None:
    """Prints a table of top-1."""
    table = Table("captions of", "top-1", "scenes", title=title)
    for accuracy in accuracies:
        table.add_row(accuracy.group, f"{accuracy.top1:.3f}", str(accuracy.count))
    console.print(table)


def print_separations(console: Console, separations: Sequence[Separation]) -> None:
    """Prints a table of ROC AUC."""
    table = Table("video", "region", "prompt", "against", "ROC AUC", "frames", title="Real videos")
    for each in separations:
        table.add_row(each.video, each.region, *each.prompts, f"{each.auc:.4f}", str(each.frames))
    console.print(table)


def main() -> None:
    """Entry point of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m framewatch_demo.training.evaluate", description="Measures a demo model."
    )
    parser.add_argument("--model", type=Path, default=MODEL_DIR, help="model folder (default: the shipped one)")
    parser.add_argument("--videos", type=Path, help="folder with ground_truth.json and its videos")
    parser.add_argument("--per-concept", type=int, default=50, help="unseen scenes per concept (default 50)")
    parser.add_argument("--stride", type=int, default=3, help="measure every n-th video frame (default 3)")
    options = parser.parse_args()
    console = Console()
    model = DemoModel(options.model)
    print_accuracies(console, "Unseen scenes", evaluate_scenes(model, options.per_concept))
    print_accuracies(console, "Unseen close views", evaluate_scenes(model, options.per_concept, close=True))
    if options.videos is not None:
        print_separations(console, evaluate_videos(model, options.videos, options.stride))


if __name__ == "__main__":
    main()
