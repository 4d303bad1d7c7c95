"""Training scenes: chapters of paired renderings, made by worker processes and the same for the same seed."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import cv2
import numpy as np
from numpy.typing import NDArray

from framewatch_server.demo.captions import CONCEPTS
from framewatch_server.demo.model import GRID, SIDE
from framewatch_server.demo.scenes import render, square

UNSEEN_SEED = 2**40
"""Scenes from this seed on are for evaluation; training stays below."""

_CHAPTER_SEEDS = 2**24
_RUN_SEEDS = 2**32


@dataclass(frozen=True)
class SceneSet:
    """Concepts of one world that are rendered with the same place, camera and light.

    Attributes:
        concepts: their names.
        weight: how often the set is drawn, on any scale.
        close: share of close views.

    """

    concepts: tuple[str, ...]
    weight: float
    close: float


SCENE_SETS: tuple[SceneSet, ...] = (
    SceneSet(("belt_empty", "belt_box", "belt_boxes", "belt_bottle"), 0.15, 0.25),
    SceneSet(("room_empty_day", "room_person_day", "room_dog_day"), 0.26, 0.35),
    SceneSet(("room_empty_night", "room_person_night", "room_dog_night"), 0.11, 0.3),
    SceneSet(("table_empty", "table_bottle", "table_cup"), 0.17, 0.5),
    SceneSet(("parking_empty", "parking_car", "parking_cars"), 0.09, 0.2),
    SceneSet(("gate_empty", "gate_person", "gate_car"), 0.11, 0.3),
    SceneSet(("door_open", "door_closed"), 0.05, 0.3),
    SceneSet(("shelf_full", "shelf_empty"), 0.04, 0.3),
    SceneSet(("dark",), 0.02, 0.0),
)


@dataclass(frozen=True)
class Chapter:
    """Scenes in the order of their sets.

    Attributes:
        images: BGR uint8, shape (N, SIDE, SIDE, 3).
        coverage: share of every patch that the thing covers, 0..255, shape (N, GRID, GRID).
        concepts: index into `CONCEPTS`, shape (N,).
        close: whether it is a close view, shape (N,).
        sets: first scene of every set and, last, N.

    """

    images: NDArray[np.uint8]
    coverage: NDArray[np.uint8]
    concepts: NDArray[np.int64]
    close: NDArray[np.bool_]
    sets: NDArray[np.int64]


_Rendered = tuple[NDArray[np.uint8], NDArray[np.uint8], list[int], list[bool], list[int]]
_INDEX = {concept.name: index for index, concept in enumerate(CONCEPTS)}


def _render_sets(first_seed: int, count: int) -> _Rendered:
    cv2.setNumThreads(1)
    images, coverage, concepts, close, sizes = [], [], [], [], []
    for seed in range(first_seed, first_seed + count):
        chosen, near = _draw_set(seed)
        for name in chosen.concepts:
            scene = render(name, seed, near)
            images.append(square(scene.image, SIDE))
            covered = cv2.resize(scene.mask.astype(np.uint8) * 255, (GRID, GRID), interpolation=cv2.INTER_AREA)
            coverage.append(np.asarray(covered, dtype=np.uint8))
            concepts.append(_INDEX[name])
            close.append(near)
        sizes.append(len(chosen.concepts))
    return np.stack(images), np.stack(coverage), concepts, close, sizes


def _draw_set(seed: int) -> tuple[SceneSet, bool]:
    rng = np.random.default_rng([seed, 99])
    edges = np.cumsum([scene_set.weight for scene_set in SCENE_SETS])
    chosen = SCENE_SETS[int(np.searchsorted(edges, rng.uniform(0, edges[-1]), side="right"))]
    return chosen, bool(rng.random() < chosen.close)


class Renderer:
    """Worker processes that render chapters."""

    _PART = 50

    def __init__(self, workers: int, seed: int) -> None:
        # Forking a process in which torch has started threads can deadlock.
        self._pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
        self._first = seed * _RUN_SEEDS % UNSEEN_SEED

    def chapter(self, number: int, set_count: int) -> Iterator[Chapter | float]:
        """Yields the finished share (0..1) as it grows and, last, the chapter."""
        start = self._first + number * _CHAPTER_SEEDS
        parts = range(0, set_count, self._PART)
        counts = [min(self._PART, set_count - part) for part in parts]
        done: list[_Rendered] = []
        for part in self._pool.map(_render_sets, [start + part for part in parts], counts):
            done.append(part)
            yield len(done) / len(counts)
        yield _bind(done)

    def close(self) -> None:
        """Ends the workers."""
        self._pool.shutdown()


def _bind(parts: list[_Rendered]) -> Chapter:
    sizes = [size for part in parts for size in part[4]]
    return Chapter(
        images=np.concatenate([part[0] for part in parts]),
        coverage=np.concatenate([part[1] for part in parts]),
        concepts=np.array([index for part in parts for index in part[2]], dtype=np.int64),
        close=np.array([near for part in parts for near in part[3]], dtype=np.bool_),
        sets=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
    )
