"""Labels, rules and configs as callers write them."""

from __future__ import annotations

import pytest

from framewatch_client import event_rule, parse_rule
from framewatch_client.inputs import label_set, nanoseconds, stream_config
from framewatch_core.errors import FramewatchError, InvalidLabelSet, InvalidRequest, InvalidRule
from framewatch_core.labels import DEFAULT_TEMPLATES, Label, LabelSet
from framewatch_core.rules import EventRule


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("box:0.8", EventRule("box", 0.8)),
        ("box:0.8:0.5", EventRule("box", 0.8, 0.5)),
        ("box:0.8:0.5:0.3", EventRule("box", 0.8, 0.5, 300_000_000)),
        ("box:0.8:0.5:0.3:2", EventRule("box", 0.8, 0.5, 300_000_000, 2_000_000_000)),
        ("a box, red:0.8", EventRule("a box, red", 0.8)),
        ("door: open:0.8:0.5", EventRule("door: open", 0.8, 0.5)),
        ("at 12:30:0.8:0.5:0:0", EventRule("at 12:30", 0.8, 0.5)),
        ("1:0.5:0.4:0:0", EventRule("1", 0.5, 0.4)),
    ],
    ids=[
        "enter",
        "exit",
        "present",
        "absent",
        "spaces",
        "colon in the label",
        "number in the label",
        "label of digits",
    ],
)
def test_parse_rule(text: str, expected: EventRule) -> None:
    assert parse_rule(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("box", ValueError),
        ("", ValueError),
        (":0.8", ValueError),
        ("0.8", ValueError),
        ("box:", ValueError),
        ("box:high", ValueError),
        ("box:0.5:0.8", InvalidRule),
        ("box:1.5", InvalidRule),
        ("box:nan", InvalidRule),
        ("box:0.5:0.4:-1", InvalidRule),
        ("box:0.5:0.4:inf", ValueError),
    ],
)
def test_parse_rule_refuses(text: str, expected: type[Exception]) -> None:
    with pytest.raises(expected):
        parse_rule(text)


def test_event_rule_takes_seconds() -> None:
    rule = event_rule("box", 0.8, min_present_s=0.1, min_absent_s=1.5, id="b")
    assert (rule.min_present_ns, rule.min_absent_ns, rule.name) == (100_000_000, 1_500_000_000, "b")


@pytest.mark.parametrize(
    ("labels", "templates", "names", "expected_templates"),
    [
        (["a", "b"], None, ("a", "b"), DEFAULT_TEMPLATES),
        ("a", None, ("a",), DEFAULT_TEMPLATES),
        ([Label("a", ("x",)), "b"], [], ("a", "b"), ()),
        (["a"], "see {label}", ("a",), ("see {label}",)),
        (LabelSet.of(["a"], ["t {label}"]), None, ("a",), ("t {label}",)),
        (LabelSet.of(["a"], ["t {label}"]), [], ("a",), ()),
    ],
    ids=["names", "one name", "labels, verbatim", "one template", "a set", "a set with other templates"],
)
def test_label_set(
    labels: object, templates: list[str] | None, names: tuple[str, ...], expected_templates: tuple[str, ...]
) -> None:
    made = label_set(labels, templates)  # type: ignore[arg-type]
    assert (made.names, made.templates) == (names, expected_templates)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"labels": []}, InvalidLabelSet),
        ({"labels": ["a", "a"]}, InvalidLabelSet),
        ({"labels": ["a"], "templates": ["no place"]}, InvalidLabelSet),
        ({"labels": ["a"], "max_frame_rate": 0.0}, InvalidRequest),
        ({"labels": ["a"], "max_frame_gap_s": 0.0}, InvalidRequest),
        ({"labels": ["a"], "rules": [EventRule("a", 0.5), EventRule("a", 0.6)]}, InvalidRule),
    ],
    ids=["no label", "twice", "template", "rate", "gap", "two rules of a name"],
)
def test_config_is_checked_as_the_server_does(options: dict[str, object], expected: type[FramewatchError]) -> None:
    with pytest.raises(expected):
        stream_config(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("seconds", [float("nan"), float("inf")])
def test_times_are_finite(seconds: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        nanoseconds(seconds)
