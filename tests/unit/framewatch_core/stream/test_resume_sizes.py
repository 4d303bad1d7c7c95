"""Sizes of states: bounded, and no larger than what is counted."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import Enum
from types import FunctionType, ModuleType

import numpy as np
import pytest

from framewatch_core.health.monitor import HealthPolicy
from framewatch_core.images.regions import Region
from framewatch_core.images.statistics import PictureStats
from framewatch_core.labels.labels import Label, LabelSet
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.stream.config import StreamConfig
from framewatch_core.stream.messages import ReceivedFrame
from framewatch_core.stream.results import Timings
from framewatch_core.stream.resume import MAX_KEPT_EVENTS, MAX_KEPT_TRAIL_POINTS, StreamState
from framewatch_core.stream.session import SessionLimits, StreamSession
from framewatch_core.time import NS_PER_S
from tests.rules import quick_rule
from tests.unit.framewatch_core.health.drawn import measure, room, uniform

MIB = 1024 * 1024
LIMITS = SessionLimits(running=1, waiting=1)


def allocated_bytes(root: object) -> int:
    """Bytes of all objects that can be reached from one, each counted once, without classes and modules."""
    seen, count, left = {id(root)}, 0, [root]
    while left:
        each = left.pop()
        count += sys.getsizeof(each)
        for part in _parts(each):
            if id(part) not in seen and not isinstance(part, type | ModuleType | FunctionType | Enum):
                seen.add(id(part))
                left.append(part)
    return count


def _parts(each: object) -> Iterator[object]:
    yield from gc.get_referents(each)
    if isinstance(each, np.ndarray) and each.base is not None:
        yield each.base


def long_name(prefix: str, number: int, length: int = 256) -> str:
    """A name of its own object, as those of messages are, of characters that take four bytes each."""
    return f"{prefix}{number:04}" + "\N{PILE OF POO}" * (length - len(prefix) - 4)


def regions(count: int, length: int) -> tuple[Region, ...]:
    return tuple(Region(long_name("r", i, length), 0, 0, 0.5, 0.5 + i / 200) for i in range(count))


def config(rule_count: int, trail_count: int, region_count: int, length: int = 256, run: int = 0) -> StreamConfig:
    """All rules watch one label, each with a name of its own."""
    places = regions(region_count, length)
    return StreamConfig(
        LabelSet((Label("box", (long_name("p", 0, 2000),)), Label(long_name("other", 0, length)))),
        tuple(
            quick_rule(
                "box",
                0.5,
                id=long_name(f"i{run}", i, length),
                region_id=places[i % region_count].id if region_count else "",
                trail_count=trail_count,
            )
            for i in range(rule_count)
        ),
        regions=places,
        health=HealthPolicy(settle_ns=0),
    )


def state_after(
    configs: Sequence[StreamConfig], boxes: Sequence[float], pictures: Sequence[PictureStats] = ()
) -> StreamState:
    """The state after frames that are scored one by one, under configs in turns."""
    session = StreamSession[float, None]("s" * 32, LIMITS)
    for number, box in enumerate(boxes):
        under = configs[number % len(configs)]
        if number < len(configs) or len(configs) > 1:
            session.configure(under, None)
        session.receive(ReceivedFrame(number, 10**15 + number * NS_PER_S, box), 0)
        work = session.next_work()
        assert work is not None
        scores = (LabelScore("box", box, box, box), LabelScore(under.label_set.names[1], 1 - box, 0.1, 0.1))
        seen = {"": pictures[number % len(pictures)]} if pictures else {}
        seen |= {region.id: pictures[(number + i) % len(pictures)] for i, region in enumerate(under.regions) if seen}
        session.complete(work, {region.id: scores for region in under.viewed_regions}, Timings(), seen)
        while session.next_output() is not None:
            pass
    return session.hand_over()


WAVES = [0.1, 0.9 + 1e-9] * 200
PICTURES = [measure(room(seed)) for seed in range(12)] + [measure(uniform(0))]


@pytest.mark.parametrize(
    ("make", "at_most"),
    [
        pytest.param(lambda: StreamState("s"), 0.1, id="empty"),
        pytest.param(lambda: state_after([config(1, 0, 0, 8)], WAVES), 1, id="one rule"),
        pytest.param(lambda: state_after([config(20, 10, 4, 8)], WAVES, PICTURES), 8, id="twenty rules with trails"),
        pytest.param(lambda: state_after([config(100, 100, 64)], WAVES, PICTURES), 24, id="the longest trails"),
        pytest.param(lambda: state_after([config(1000, 0, 64)], WAVES[:12]), 24, id="as many rules as may be"),
        pytest.param(
            lambda: state_after([config(1000, 10, 64, run=run) for run in (0, 1)], [0.9] * 6),
            24,
            id="rules that replace each other",
        ),
        pytest.param(
            lambda: state_after([config(64, 0, 64)], [0.1] * 300, [PICTURES[0], PICTURES[-1]]), 8, id="unsteady health"
        ),
    ],
)
def test_states_are_no_larger_than_counted_and_bounded(make: object, at_most: float) -> None:
    state = make()  # type: ignore[operator]
    actual = allocated_bytes(state)
    assert actual <= state.byte_count
    assert state.byte_count <= 8 * actual + 20_000, "an estimate of any use"
    assert state.byte_count <= at_most * MIB
    assert len(state.events) <= MAX_KEPT_EVENTS
    points = [len(event.trail.points) for event in state.events if getattr(event, "trail", None)]
    assert sum(points) <= MAX_KEPT_TRAIL_POINTS
    assert sum(points) == state._trail_points


def test_all_events_of_one_frame_are_kept_with_their_trails() -> None:
    rules = config(1000, 10, 64)
    state = state_after([rules], [0.1] * 10 + [0.9])
    assert len(state.events) == 1000
    assert sum(len(event.trail.points) for event in state.events) == 10_000  # type: ignore[union-attr]
    replaced = state_after([rules, replace(config(1000, 10, 64, run=1))], [0.9, 0.9])
    assert len(replaced.events) == MAX_KEPT_EVENTS
    assert [event.at.frame_id for event in replaced.events].count(1) == 2000


def test_a_state_keeps_nothing_of_the_config_but_what_is_counted() -> None:
    """The texts of labels, which may be 64 MiB, go with the config."""
    state = state_after([config(1, 1, 1)], [0.1, 0.9])
    left, seen = [state], set[int]()
    while left:
        each = left.pop()  # type: ignore[var-annotated]
        assert not isinstance(each, Label | LabelSet | StreamConfig)
        seen.add(id(each))
        left += [part for part in gc.get_referents(each) if id(part) not in seen and not isinstance(part, type)]
