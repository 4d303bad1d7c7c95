"""The config that the client writes is the config that the server reads."""

from __future__ import annotations

from dataclasses import replace

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.errors import FieldError, InvalidRequest, MissingField
from framewatch_core.health.monitor import HealthPolicy
from framewatch_core.health.problem import HealthProblem
from framewatch_core.images.image import EncodedImage, PixelFormat, RawImage
from framewatch_core.images.regions import Region
from framewatch_core.labels.labels import Label, LabelSet
from framewatch_core.labels.scoring import ScoreKind
from framewatch_core.resume_point import ResumePoint
from framewatch_core.rules.rule import EventRule
from framewatch_core.stream.config import OverflowPolicy, StreamConfig
from framewatch_core.stream.reuse import ReusePolicy
from framewatch_wire.config import config_from_proto, config_to_proto, resume_point_from_proto, resume_point_to_proto
from tests.unit.framewatch_wire.sent import sent
from tests.unit.framewatch_wire.values import NAMES, RESUME_POINTS, TIMES_NS, UNIT, WALL_TIMES_NS, S

BOX = Label(
    "box",
    ("a box",),
    ("an empty belt", "nothing"),
    (EncodedImage(b"one"), RawImage(b"x" * 12, 2, 2, PixelFormat.BGR24)),
    (EncodedImage(b"two"),),
)
PLAIN = StreamConfig(LabelSet((BOX, Label("empty"))))
REGIONS = (Region("left", 0.0625, 0.25, 0.125, 0.5), Region("all", 0, 0, 1, 1))
FULL_RULE = EventRule("box", 0.75, 0.5, S, 2 * S, ScoreKind.PRESENCE, "r", "left", 3 * S, S // 2, 7)


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(PLAIN, id="examples of both kinds, of files and pixels"),
        pytest.param(replace(PLAIN, label_set=LabelSet.of(["a"], [])), id="verbatim names"),
        pytest.param(replace(PLAIN, regions=REGIONS, rules=(FULL_RULE, EventRule("box", 1.0, region_id="all"))), id="rules and regions"),
        pytest.param(replace(PLAIN, health=HealthPolicy(disabled=True)), id="health disabled"),
        pytest.param(replace(PLAIN, health=HealthPolicy(False, frozenset(HealthProblem), 1, 0)), id="health in full"),
        pytest.param(replace(PLAIN, reuse=ReusePolicy(0.25, 0)), id="reuse"),
        pytest.param(replace(PLAIN, overflow_policy=OverflowPolicy.DROP_OLDEST, top_count=3, max_frame_rate=2.5, max_frame_gap_ns=1, origin_time_ns=5 * S + 1, model="m"), id="all else"),
    ],
)  # fmt: skip
def test_a_config_arrives_as_it_was(config: StreamConfig) -> None:
    assert config_from_proto(sent(config_to_proto(config))) == config


LEVELS = st.floats(0.015625, 1, width=32)
FRACTIONS = st.sampled_from([0.0, 0.125, 0.25, 0.5])


@st.composite
def configs(draw: st.DrawFn) -> StreamConfig:
    """Configs with all their fields."""
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    texts = st.lists(NAMES, max_size=2).map(tuple)
    labels = tuple(Label(name, draw(texts), draw(texts)) for name in names)
    templates = draw(st.sampled_from([(), ("a {label}",), ("a {label}", "the {label}")]))
    ids = draw(st.lists(NAMES, max_size=3, unique=True))
    regions = tuple(Region(id_, draw(FRACTIONS), draw(FRACTIONS), 0.5, 0.25) for id_ in ids)
    rules = tuple(
        EventRule(
            label=draw(st.sampled_from(names)),
            enter_at=max(pair),
            exit_below=draw(st.sampled_from([min(pair), None])),
            min_present_ns=draw(TIMES_NS),
            min_absent_ns=draw(TIMES_NS),
            score_kind=draw(st.sampled_from(ScoreKind)),
            id=id_,
            region_id=draw(st.sampled_from(ids)) if ids else "",
            cooldown_ns=draw(TIMES_NS),
            smoothing_ns=draw(TIMES_NS),
            trail_count=draw(st.integers(0, 100)),
        )
        for id_ in draw(st.lists(NAMES, max_size=3, unique=True))
        for pair in [draw(st.tuples(LEVELS, LEVELS))]
    )
    return StreamConfig(
        label_set=LabelSet(labels, templates),
        rules=rules,
        overflow_policy=draw(st.sampled_from(OverflowPolicy)),
        top_count=draw(st.integers(0, 2**32 - 1)),
        max_frame_rate=draw(st.none() | st.floats(0.001, 1000)),
        max_frame_gap_ns=draw(TIMES_NS.filter(bool)),
        origin_time_ns=draw(st.none() | WALL_TIMES_NS),
        model=draw(st.sampled_from(["", "m"])),
        reuse=ReusePolicy(draw(UNIT), draw(TIMES_NS)),
        regions=regions,
        health=HealthPolicy(
            draw(st.booleans()),
            frozenset(draw(st.lists(st.sampled_from(HealthProblem)))),
            draw(TIMES_NS.filter(bool)),
            draw(TIMES_NS),
        ),
    )


@given(configs())
def test_any_config_arrives_as_it_was(config: StreamConfig) -> None:
    assert config_from_proto(sent(config_to_proto(config))) == config


@given(RESUME_POINTS)
def test_a_resume_point_arrives_as_it_was(point: ResumePoint) -> None:
    assert resume_point_from_proto(sent(resume_point_to_proto(point))) == point


def test_defaults_stay_absent() -> None:
    message = config_to_proto(StreamConfig(LabelSet.of(["a"]), (EventRule("a", 0.5),)))
    absent = {"max_frame_rate", "max_frame_gap", "origin_time", "health", "resume", "reuse"}
    assert not absent & {field.name for field, _ in message.ListFields()}
    assert {field.name for field, _ in message.rules[0].ListFields()} == {
        "label",
        "score_kind",
        "enter_at",
        "min_present",  # written out: a time of 0 is another
        "min_absent",
    }


def test_what_is_absent_has_its_default() -> None:
    message = pb.StreamConfig(label_set=pb.LabelSet(labels=[pb.Label(name="a")]))
    message.rules.add(label="a", enter_at=0.5)
    assert config_from_proto(message) == StreamConfig(LabelSet.of(["a"]), (EventRule("a", 0.5),))


def test_a_condensed_label_can_not_be_sent() -> None:
    with pytest.raises(ValueError, match="give the picture"):
        config_to_proto(PLAIN.with_example_keys())


@pytest.mark.parametrize(
    ("message", "error", "field"),
    [
        pytest.param(pb.StreamConfig(regions=[pb.Region(id="r", width=1, height=2)]), FieldError, "config.regions[0].height", id="region"),
        pytest.param(pb.StreamConfig(health=pb.HealthPolicy(ignored=[99])), InvalidRequest, "config.health.ignored", id="problem"),  # type: ignore[list-item]
        pytest.param(pb.StreamConfig(health=pb.HealthPolicy(ignored=[pb.HEALTH_PROBLEM_NONE])), InvalidRequest, "config.health.ignored", id="no problem"),
        pytest.param(pb.StreamConfig(label_set=pb.LabelSet(labels=[pb.Label(name="a"), pb.Label(name="b", examples=[pb.Image()])])), FieldError, "config.label_set.labels[1].examples[0]", id="example"),
        pytest.param(pb.StreamConfig(label_set=pb.LabelSet(labels=[pb.Label(name="b", contrast_prompts=["a", ""])])), FieldError, "config.label_set.labels[0].contrast_prompts[1]", id="contrast"),
        pytest.param(pb.StreamConfig(rules=[pb.EventRule(label="a")]), MissingField, "config.rules[0].enter_at", id="threshold"),
        pytest.param(pb.StreamConfig(rules=[pb.EventRule(label="a", enter_at=0.5, score_kind=99)]), InvalidRequest, "config.rules[0].score_kind", id="score kind"),  # type: ignore[arg-type]
        pytest.param(pb.StreamConfig(rules=[pb.EventRule(label="a", enter_at=0.5, cooldown=Duration(seconds=1, nanos=-1))]), InvalidRequest, "config.rules[0].cooldown", id="duration"),
        pytest.param(pb.StreamConfig(origin_time=Timestamp(seconds=2**62)), InvalidRequest, "config.origin_time", id="origin time"),
        pytest.param(pb.StreamConfig(overflow_policy=99), InvalidRequest, "config.overflow_policy", id="overflow policy"),  # type: ignore[arg-type]
        pytest.param(pb.StreamConfig(reuse=pb.Reuse(change_threshold=2)), InvalidRequest, "config.reuse.change_threshold", id="reuse"),
    ],
)  # fmt: skip
def test_what_can_not_be_names_its_field(message: pb.StreamConfig, error: type[FieldError], field: str) -> None:
    if not message.HasField("label_set"):
        message.label_set.labels.add(name="a")
    with pytest.raises(error) as caught:
        config_from_proto(message)
    assert caught.value.field == field


def test_labels_are_required() -> None:
    with pytest.raises(MissingField) as caught:
        config_from_proto(pb.StreamConfig())
    assert caught.value.field == "config.label_set"
