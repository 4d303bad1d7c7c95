from __future__ import annotations

import pytest

from framewatch_core.errors import FieldError, InvalidRequest, InvalidRule, LimitExceeded
from framewatch_core.frames import StreamConfig, Timings
from framewatch_core.labels import LabelSet
from framewatch_core.rules import EventRule

LABELS = LabelSet.of(["box", "empty"])


@pytest.mark.parametrize(
    ("arguments", "error", "field"),
    [
        pytest.param({"rules": (EventRule("car", 0.5),)}, InvalidRule, "rules[0].label", id="unknown label"),
        pytest.param({"rules": (EventRule("box", 0.5), EventRule("box", 0.6))}, InvalidRule, "rules[0].id", id="same name"),
        pytest.param(
            {"rules": (EventRule("empty", 0.5, id="box"), EventRule("box", 0.6))}, InvalidRule, "rules[0].id", id="an id is a label"
        ),
        pytest.param({"rules": tuple(EventRule("box", 0.5, id=str(i)) for i in range(1001))}, LimitExceeded, "rules", id="many"),
        pytest.param({"max_frame_rate": 0.0}, InvalidRequest, "max_frame_rate", id="rate 0"),
        pytest.param({"max_frame_rate": float("inf")}, InvalidRequest, "max_frame_rate", id="rate infinite"),
        pytest.param({"max_frame_rate": float("nan")}, InvalidRequest, "max_frame_rate", id="rate NaN"),
        pytest.param({"max_frame_gap_ns": 0}, InvalidRequest, "max_frame_gap", id="gap 0"),
    ],
)  # fmt: skip
def test_impossible_configs_name_their_field(arguments: dict[str, object], error: type[FieldError], field: str) -> None:
    with pytest.raises(error) as caught:
        StreamConfig(**{"label_set": LABELS, **arguments})  # type: ignore[arg-type]
    assert caught.value.field == field


def test_timings_of_several_images_add_up() -> None:
    assert Timings(1, 2, 3, 4) + Timings(10, 20, 30, 2) == Timings(11, 22, 33, 4)
