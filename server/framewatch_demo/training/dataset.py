"""Training scenes: batches of paired renderings from a worker process, the same for the same seed."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import cv2
import numpy as np
from numpy.typing import NDArray

from framewatch_demo.captions import CONCEPTS
from framewatch_demo.scenes import render, square
from framewatch_demo.training.model import GRID, SIDE

UNSEEN_SEED = 2**40
"""First seed of the scenes for evaluation; training uses lower seeds only."""

_RUN_SEEDS = 2**32
_AHEAD = 64
_REPLAY_EVERY = 4
_REMEMBERED = 192
_CLOSE_AT_FIRST = 0.8
_CLOSE_UNTIL = 0.4


@dataclass(frozen=True)
class SceneSet:
    """Concepts of one world that are rendered with the same place, camera and light.

    Attributes:
        concepts: names of the concepts.
        weight: frequency of the set, on any scale.
        close: share of close views.

    """

    concepts: tuple[str, ...]
    weight: float
    close: float


SCENE_SETS: tuple[SceneSet, ...] = (
    SceneSet(("belt_empty", "belt_box", "belt_bottle"), 0.17, 0.25),
    SceneSet(("room_empty_day", "room_person_day", "room_dog_day"), 0.25, 0.35),
    SceneSet(("room_empty_night", "room_person_night", "room_dog_night"), 0.17, 0.3),
    SceneSet(("table_empty", "table_bottle", "table_cup"), 0.17, 0.5),
    SceneSet(("parking_empty", "parking_cars"), 0.07, 0.2),
    SceneSet(("gate_empty", "gate_person", "gate_car"), 0.11, 0.3),
    SceneSet(("door_open", "door_closed"), 0.04, 0.3),
    SceneSet(("shelf_full", "shelf_empty"), 0.03, 0.3),
    SceneSet(("dark",), 0.02, 0.0),
)


@dataclass(frozen=True)
class Batch:
    """Rendered scenes.

    Attributes:
        images: BGR uint8, shape (N, SIDE, SIDE, 3).
        coverage: share of each patch that the thing covers, 0..255, shape (N, GRID, GRID).
        concepts: index into `CONCEPTS`, shape (N,).
        close: whether it is a close view, shape (N,).

    """

    images: NDArray[np.uint8]
    coverage: NDArray[np.uint8]
    concepts: NDArray[np.int64]
    close: NDArray[np.bool_]


_INDEX = {concept.name: index for index, concept in enumerate(CONCEPTS)}


def render_batch(first_seed: int, set_count: int, close: float = 0.0) -> Batch:
    """Renders `set_count` random sets of scenes, one per seed; at least the share `close` of them are close views."""
    cv2.setNumThreads(1)
    images, coverage, concepts, views = [], [], [], []
    for seed in range(first_seed, first_seed + set_count):
        chosen, near = _draw_set(seed, close)
        for name in chosen.concepts:
            scene = render(name, seed, near)
            images.append(square(scene.image, SIDE))
            covered = cv2.resize(scene.mask.astype(np.uint8) * 255, (GRID, GRID), interpolation=cv2.INTER_AREA)
            coverage.append(np.asarray(covered, dtype=np.uint8))
            concepts.append(_INDEX[name])
            views.append(near)
    return Batch(np.stack(images), np.stack(coverage), np.array(concepts), np.array(views))


def _draw_set(seed: int, close: float) -> tuple[SceneSet, bool]:
    rng = np.random.default_rng([seed, 99])
    edges = np.cumsum([scene_set.weight for scene_set in SCENE_SETS])
    chosen = SCENE_SETS[int(np.searchsorted(edges, rng.uniform(0, edges[-1]), side="right"))]
    return chosen, bool(rng.random() < max(chosen.close, close))


def stream_batches(seed: int, count: int, sets_per_batch: int) -> Iterator[Batch]:
    """Yields batches from a process that renders ahead of the caller; the same seed gives the same batches.

    Training is faster than rendering, so every fourth batch is one of the last 192 again.
    """
    rng = np.random.default_rng([seed, 8])
    recent: deque[Batch] = deque(maxlen=_REMEMBERED)
    fresh = _render_batches(seed, count - count // _REPLAY_EVERY, sets_per_batch)
    for number in range(1, count + 1):
        if number % _REPLAY_EVERY:
            recent.append(next(fresh))
            yield recent[-1]
        else:
            yield recent[int(rng.integers(len(recent)))]


def _render_batches(seed: int, count: int, sets_per_batch: int) -> Iterator[Batch]:
    first = seed * _RUN_SEEDS % UNSEEN_SEED
    # A fork of a process in which torch has started threads can deadlock.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        waiting: deque[Future[Batch]] = deque()
        for number in range(count):
            # Things that fill the picture are learnt first; after that, small ones are learnt faster.
            close = _CLOSE_AT_FIRST * (1 - number / (_CLOSE_UNTIL * count))
            waiting.append(pool.submit(render_batch, first + number * sets_per_batch, sets_per_batch, close))
            if len(waiting) > _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
