"""Labels, rules and configs as callers write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from framewatch_client import (
    InvalidType,
    InvalidValue,
    event_rule,
    example_label,
    label_set,
    parse_region,
    parse_rule,
    stream_config,
)
from framewatch_client._inputs import finite_ns
from framewatch_core.errors import (
    EmptyImage,
    FramewatchError,
    InvalidLabelSet,
    InvalidRegion,
    InvalidRequest,
    InvalidRule,
    LimitExceeded,
)
from framewatch_core.images.image import EncodedImage
from framewatch_core.images.regions import Region
from framewatch_core.labels.labels import DEFAULT_TEMPLATES, Label, LabelSet
from framewatch_core.rules.rule import EventRule


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("box:0.8", EventRule("box", 0.8)),
        ("box:0.8:0.5", EventRule("box", 0.8, 0.5)),
        ("box:0.8:0.5:0.4", EventRule("box", 0.8, 0.5, 400_000_000)),
        ("box:0.8:0.5:0.3:2", EventRule("box", 0.8, 0.5, 300_000_000, 2_000_000_000)),
        ("a box, red:0.8", EventRule("a box, red", 0.8)),
        ("door: open:0.8:0.5", EventRule("door: open", 0.8, 0.5)),
        ("at 12:30:0.8:0.5:0:0", EventRule("at 12:30", 0.8, 0.5, 0, 0)),
        ("1:0.5:0.4:0:0", EventRule("1", 0.5, 0.4, 0, 0)),
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


@pytest.mark.parametrize("name", ["min_present_ns", "score"])
def test_event_rule_refuses_unknown_options(name: str) -> None:
    options: Any = {name: 1}
    with pytest.raises(InvalidType, match=f"a rule has no option {name}: expected some of cooldown_s, .*"):
        event_rule("box", 0.8, **options)


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


@pytest.mark.parametrize("seconds", [315_576_000_001, -1e30])
def test_times_are_durations_of_protobuf(seconds: float) -> None:
    with pytest.raises(InvalidValue, match="at most 315,576,000,000 s"):
        finite_ns("cooldown_s", seconds)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf")])
def test_times_are_finite(seconds: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        finite_ns("cooldown_s", seconds)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("left=0.06,0.28,0.17,0.62", Region("left", 0.06, 0.28, 0.17, 0.62)),
        ("a=b=0,0,1,1", Region("a=b", 0, 0, 1, 1)),
        ("the door = 0, 0.5, .5, 5e-1", Region("the door ", 0, 0.5, 0.5, 0.5)),
    ],
    ids=["decimals", "an id with an equals sign", "blanks"],
)
def test_parse_region(text: str, expected: Region) -> None:
    assert parse_region(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ValueError),
        ("left", ValueError),
        ("0,0,1,1", ValueError),
        ("=0,0,1,1", ValueError),
        ("left=0,0,1", ValueError),
        ("left=0,0,1,1,1", ValueError),
        ("left=0,0,1,wide", ValueError),
        ("left=0,0,1,2", InvalidRegion),
        ("left=0,0,nan,1", InvalidRegion),
        (" =0,0,1,1", InvalidRegion),
    ],
)
def test_parse_region_refuses(text: str, expected: type[Exception]) -> None:
    with pytest.raises(expected):
        stream_config(["a"], regions=[text])


def test_regions_may_be_one_text_or_several() -> None:
    right = Region("right", 0.5, 0, 0.5, 1)
    assert stream_config(["a"], regions="left=0,0,0.5,1").regions == (Region("left", 0, 0, 0.5, 1),)
    assert stream_config(["a"], regions=["left=0,0,0.5,1", right]).regions == (Region("left", 0, 0, 0.5, 1), right)


def test_example_label_takes_files_bytes_and_pixels(tmp_path: Path) -> None:
    pixels = np.full((40, 60, 3), 90, np.uint8)
    png = cv2.imencode(".png", pixels)[1].tobytes()
    path = tmp_path / "example.png"
    path.write_bytes(png)
    label = example_label("box", [path, str(path), png], [pixels], prompts=["a crate"], contrast_prompts=["nothing"])
    assert label.examples == (EncodedImage(png),) * 3
    assert (label.prompts, label.contrast_prompts) == (("a crate",), ("nothing",))
    (counter,) = label.counter_examples
    assert isinstance(counter, EncodedImage)
    decoded = cv2.imdecode(np.frombuffer(counter.data, np.uint8), cv2.IMREAD_COLOR)
    assert decoded.shape == pixels.shape
    assert np.abs(decoded.astype(int) - 90).max() <= 1


@pytest.mark.parametrize(
    ("examples", "counter_examples", "expected"),
    [
        ([], [b"x"], InvalidLabelSet),
        ([b"x"], [], InvalidLabelSet),
        ([b"x"] * 65, [b"x"], LimitExceeded),
        ([b""], [b"x"], EmptyImage),
        ([3], [b"x"], TypeError),
        (["/nowhere/x.png"], [b"x"], OSError),
    ],
    ids=["no example", "no counter-example", "too many", "an empty file", "no picture", "no file"],
)
def test_example_label_refuses(examples: list, counter_examples: list, expected: type[Exception]) -> None:
    with pytest.raises(expected):
        example_label("box", examples, counter_examples)
