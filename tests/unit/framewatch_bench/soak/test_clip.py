"""Events of the clip, compared with the truth."""

from __future__ import annotations

import pytest

from framewatch_bench.soak.clip import Clip
from framewatch_client import Event, EventKind
from framewatch_core.time import Moment

ENTERED, EXITED = EventKind.ENTERED, EventKind.EXITED
CLIP = Clip((b"",) * 10, ((ENTERED, 2), (EXITED, 7)))


def event(kind: EventKind, frame: int) -> Event:
    moment = Moment(frame, frame)
    return Event(event_id="", at=moment, began=moment, kind=kind, rule_id="r", label="box")


@pytest.mark.parametrize(
    ("happenings", "rounds", "wrong"),
    [
        pytest.param([(ENTERED, 2), (EXITED, 7)], 1, 0, id="as it was"),
        pytest.param([(ENTERED, 4), (EXITED, 5)], 1, 0, id="within half a second"),
        pytest.param([(ENTERED, 5), (EXITED, 7)], 1, 1, id="too late"),
        pytest.param([(ENTERED, 2)], 1, 1, id="one missing"),
        pytest.param([(ENTERED, 2), (EXITED, 7), (ENTERED, 9)], 1, 1, id="one more"),
        pytest.param([(ENTERED, 2), (ENTERED, 7)], 1, 1, id="doubled"),
        pytest.param([(ENTERED, 2), (EXITED, 7), (ENTERED, 12), (EXITED, 17)], 2, 0, id="shown twice"),
        pytest.param([(ENTERED, 2), (EXITED, 7)], 2, 2, id="none in the second showing"),
        pytest.param([], 0, 0, id="not shown"),
    ],
)
def test_wrong_events_are_counted(happenings: list[tuple[EventKind, int]], rounds: int, wrong: int) -> None:
    assert CLIP.wrong_events([event(*each) for each in happenings], rounds) == wrong
