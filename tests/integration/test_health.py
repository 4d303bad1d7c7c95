"""Picture health over real gRPC: a camera that fails in the middle of the belt video."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from framewatch_bench.events.disturbances import Kind, spliced
from framewatch_client import Frame, FrameResult, FramewatchClient, HealthEvent, StreamItem
from framewatch_core.health.monitor import HealthPolicy, HealthProblem
from tests.integration.belt import Pixels, assert_near, belt, belt_frames, box_label, passages, presence_rule

LASTING_S = 6.0


def swapped(frames: Iterator[tuple[float, Pixels]]) -> Iterator[tuple[float, Pixels]]:
    """Returns frames with red and blue swapped."""
    return ((time_s, np.ascontiguousarray(pixels[..., ::-1])) for time_s, pixels in frames)


def with_splice(kind: Kind, at_s: float) -> Iterator[Frame]:
    """Returns the belt's frames with LASTING_S seconds of a disturbance inserted at a time."""
    frames = spliced(swapped(belt_frames()), kind, at_s=at_s, lasting_s=LASTING_S)
    return (Frame(pixels, time_s) for time_s, pixels in swapped(frames))


def watch(client: FramewatchClient, source: Iterator[Frame], **options: Any) -> list[StreamItem]:
    rules = [presence_rule("box", id="box")]
    return list(client.stream(source, [box_label(), "an empty belt"], rules=rules, **options))  # type: ignore[arg-type]


def health_events(items: list[Any]) -> list[tuple[str, HealthProblem | None]]:
    return [(item.kind.name, item.problem) for item in items if isinstance(item, HealthEvent)]


def test_black_frames_in_the_middle_of_a_passage_do_not_end_it(client: FramewatchClient) -> None:
    video, _ = belt()
    first, last = video.present[0]
    at_s = (first + 4) / video.fps
    items = watch(client, with_splice(Kind.BLACK, at_s))
    assert health_events(items) == [("SUSPENDED", HealthProblem.BLACK), ("RESUMED", None)]
    # frames are held for one more second after the splice, hence the tolerance
    true = [(first / video.fps, last / video.fps + LASTING_S)]
    true += [(a / video.fps + LASTING_S, (b + 1) / video.fps + LASTING_S) for a, b in video.present[1:]]
    assert_near(passages(items), true, 1.0)
    results = [item for item in items if isinstance(item, FrameResult)]
    black = [result for result in results if at_s <= result.time_s < at_s + LASTING_S]
    assert all(result.regions[0].problem is HealthProblem.BLACK for result in black)
    assert all(result.regions[0].suspended for result in black)
    assert not any(result.regions[0].problem for result in results if result not in black)


def test_health_events_carry_region_problem_and_times(client: FramewatchClient) -> None:
    items = watch(client, with_splice(Kind.BLACK, 5.0))
    suspended, resumed = (item for item in items if isinstance(item, HealthEvent))
    assert (suspended.region_id, suspended.problem, resumed.problem) == ("", HealthProblem.BLACK, None)
    assert suspended.began_time_s == pytest.approx(5.0)
    assert suspended.time_s == pytest.approx(6.0)
    assert resumed.began_time_s == pytest.approx(5.0 + LASTING_S)
    assert resumed.time_s == pytest.approx(6.0 + LASTING_S)


@pytest.mark.parametrize(
    "health",
    [HealthPolicy(disabled=True), HealthPolicy(ignored=frozenset({HealthProblem.BLACK}))],
    ids=["disabled", "black ignored"],
)
def test_an_ignored_problem_emits_no_health_event(client: FramewatchClient, health: HealthPolicy) -> None:
    items = watch(client, with_splice(Kind.BLACK, 5.0), health=health)
    assert health_events(items) == []
    assert not any(item.regions[0].suspended for item in items if isinstance(item, FrameResult))


def test_without_rules_pictures_are_not_assessed(client: FramewatchClient) -> None:
    items = list(client.stream(with_splice(Kind.BLACK, 5.0), ["box", "an empty belt"]))
    assert all(isinstance(item, FrameResult) and item.regions[0].problem is None for item in items)


def test_frames_that_reuse_an_embedding_are_assessed(client: FramewatchClient) -> None:
    black = np.zeros((180, 320, 3), np.uint8)
    frames = (Frame(black, i / 10) for i in range(15))
    items = watch(client, frames)
    assert [item.reused_frame_id for item in items if isinstance(item, FrameResult)] == [None] + [0] * 14
    assert health_events(items) == [("SUSPENDED", HealthProblem.BLACK)]
