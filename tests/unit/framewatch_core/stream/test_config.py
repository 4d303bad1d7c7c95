from __future__ import annotations

from dataclasses import replace

import pytest

from framewatch_core.errors import FieldError, InvalidRegion, InvalidRequest, InvalidRule, LimitExceeded
from framewatch_core.health.monitor import HealthPolicy
from framewatch_core.images.image import EncodedImage
from framewatch_core.images.regions import Region
from framewatch_core.labels.labels import Label, LabelSet
from framewatch_core.labels.scoring import ScoreKind
from framewatch_core.rules.rule import EventRule
from framewatch_core.stream.config import StreamConfig
from framewatch_core.stream.results import Timings

LABELS = LabelSet.of(["box", "empty"])
LEFT = Region("left", 0, 0, 0.5, 1)


@pytest.mark.parametrize(
    ("arguments", "error", "field"),
    [
        pytest.param({"rules": (EventRule("car", 0.5),)}, InvalidRule, "rules[0].label", id="unknown label"),
        pytest.param({"rules": (EventRule("box", 0.5), EventRule("box", 0.6))}, InvalidRule, "rules[0].id", id="same name"),
        pytest.param(
            {"rules": (EventRule("empty", 0.5, id="box"), EventRule("box", 0.6))}, InvalidRule, "rules[0].id", id="an id is a label"
        ),
        pytest.param({"rules": tuple(EventRule("box", 0.5, id=str(i)) for i in range(1001))}, LimitExceeded, "rules", id="many"),
        pytest.param({"rules": (EventRule("box", 0.5, region_id="r"),)}, InvalidRule, "rules[0].region_id", id="a region, but there are none"),
        pytest.param({"rules": (EventRule("box", 0.5),), "regions": (LEFT,)}, InvalidRule, "rules[0].region_id", id="the whole frame, but there are regions"),
        pytest.param({"rules": (EventRule("box", 0.5, region_id="left"), EventRule("box", 0.5, id="b", region_id="right")), "regions": (LEFT,)}, InvalidRule, "rules[1].region_id", id="unknown region"),
        pytest.param({"regions": (LEFT, LEFT)}, InvalidRegion, "regions[1].id", id="region twice"),
        pytest.param({"regions": tuple(Region(str(i), 0, 0, 1, 1) for i in range(65))}, LimitExceeded, "regions", id="many regions"),
        pytest.param({"top_count": -1}, InvalidRequest, "top_count", id="top count"),
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


PICTURE, OTHER = EncodedImage(b"x"), EncodedImage(b"y")
BOX = Label("box", (), ("an empty table",), (PICTURE,), (OTHER,))
BASE = StreamConfig(
    LabelSet((BOX, Label("empty"))),
    (EventRule("box", 0.5, region_id="left"), EventRule("empty", 0.5, region_id="right")),
    regions=(LEFT, Region("right", 0.5, 0, 0.5, 1)),
)


def with_box(**changes: object) -> StreamConfig:
    return replace(BASE, label_set=LabelSet((replace(BOX, **changes), BASE.label_set.labels[1])))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("later", "kept"),
    [
        pytest.param(replace(BASE), ["box", "empty"], id="the same"),
        pytest.param(with_box(examples=(OTHER,)), ["box", "empty"], id="another example"),
        pytest.param(with_box(counter_examples=(OTHER, OTHER)), ["box", "empty"], id="another counter-example"),
        pytest.param(with_box(contrast_prompts=("an empty room",)), ["box", "empty"], id="another contrast"),
        pytest.param(with_box(prompts=("a crate",)), ["box", "empty"], id="another prompt"),
        pytest.param(replace(BASE, label_set=replace(BASE.label_set, templates=("{label}",))), ["box", "empty"], id="another template"),
        pytest.param(replace(BASE, label_set=LabelSet((Label("empty"), Label("car"), BOX))), ["box", "empty"], id="labels added and moved"),
        pytest.param(replace(BASE, regions=(replace(LEFT, width=0.4), BASE.regions[1])), ["box", "empty"], id="another box of a region"),
        pytest.param(replace(BASE, regions=(*BASE.regions[::-1], Region("new", 0, 0, 1, 1))), ["box", "empty"], id="regions added and moved"),
        pytest.param(replace(BASE, rules=(replace(BASE.rules[0], enter_at=0.6), BASE.rules[1])), ["box", "empty"], id="another threshold"),
        pytest.param(replace(BASE, rules=(BASE.rules[1],)), ["empty"], id="a rule is gone"),
        pytest.param(replace(BASE, rules=(replace(BASE.rules[0], id="other"), BASE.rules[1])), ["empty"], id="another id"),
        pytest.param(replace(BASE, rules=(replace(BASE.rules[0], region_id="right"), BASE.rules[1])), ["empty"], id="another region"),
        pytest.param(replace(BASE, rules=(replace(BASE.rules[0], score_kind=ScoreKind.PRESENCE), BASE.rules[1])), ["empty"], id="another kind of score"),
        pytest.param(replace(BASE, top_count=1, health=HealthPolicy(disabled=True), max_frame_rate=5.0), ["box", "empty"], id="all else"),
    ],
)  # fmt: skip
def test_which_rules_are_the_same_in_a_later_config(later: StreamConfig, kept: list[str]) -> None:
    before, after = (config.with_example_keys().rules_by_identity() for config in (BASE, later))
    assert sorted(before[key].label for key in before.keys() & after.keys()) == kept


@pytest.mark.parametrize(
    ("later", "edited"),
    [
        pytest.param(replace(BASE), [], id="the same"),
        pytest.param(with_box(examples=(OTHER,)), ["box"], id="another example"),
        pytest.param(with_box(prompts=("a crate",)), ["box"], id="another prompt"),
        pytest.param(replace(BASE, label_set=replace(BASE.label_set, templates=("{label}",))), ["box", "empty"], id="another template"),
        pytest.param(replace(BASE, regions=(replace(LEFT, width=0.4), BASE.regions[1])), ["box"], id="another box of a region"),
        pytest.param(replace(BASE, rules=(replace(BASE.rules[0], enter_at=0.6), BASE.rules[1])), [], id="another threshold"),
    ],
)  # fmt: skip
def test_which_rules_watch_something_else_in_a_later_config(later: StreamConfig, edited: list[str]) -> None:
    before, after = (config.with_example_keys() for config in (BASE, later))
    subjects = before.subjects_by_identity(), after.subjects_by_identity()
    rules = after.rules_by_identity()
    assert sorted(rules[key].label for key in rules if subjects[0][key] != subjects[1][key]) == edited


def test_a_condensed_config_keeps_no_picture_and_is_condensed_once() -> None:
    small = BASE.with_example_keys()
    assert PICTURE not in small.label_set.labels[0].examples
    assert small.with_example_keys() == small


@pytest.mark.parametrize(
    ("config", "assessed"),
    [
        pytest.param(BASE, {rule.region_id for rule in BASE.rules}, id="rules"),
        pytest.param(replace(BASE, rules=()), set(), id="no rules to suspend"),
        pytest.param(replace(BASE, health=HealthPolicy(disabled=True)), set(), id="disabled"),
    ],
)
def test_which_pictures_are_assessed(config: StreamConfig, assessed: set[str]) -> None:
    assert config.assessed_regions == assessed
