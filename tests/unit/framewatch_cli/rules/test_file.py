"""Rules files: their contents, their errors, and the round trip from writing to reading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framewatch_cli.pictures.examples import Example, ExampleSource
from framewatch_cli.rules.document import MAX_DOCUMENT_CHARS, RulesFileError
from framewatch_cli.rules.file import LabelEntry, RulesFile, parse_rules, read_rules
from framewatch_cli.rules.notes import RuleNotes, calibration_notes
from framewatch_cli.rules.writer import write_rules
from framewatch_core.calibration.calibrate import calibrate
from framewatch_core.calibration.intervals import Interval
from framewatch_core.calibration.material import Material
from framewatch_core.errors import InvalidLabelSet
from framewatch_core.health.monitor import HealthPolicy, HealthProblem
from framewatch_core.images.image import EncodedImage, Image
from framewatch_core.images.regions import Region
from framewatch_core.labels.labels import DEFAULT_TEMPLATES, Label
from framewatch_core.labels.scoring import ScoreKind
from framewatch_core.rules.rule import EventRule
from framewatch_core.time import NS_PER_S
from tests.intervals import interval

WHOLE = """
version: 1
model: demo
templates: ["a photo of {label}", "{label}, seen from above"]
labels:
  - name: bottle
    prompts: [a bottle, a green bottle]
    contrast_prompts: an empty table
    examples: [bottles.mp4@2s#left, pictures/one.jpg]
    counter_examples: [bottles.mp4@10.25s#left]
  - name: hand
regions:
  left: [0.06, 0.28, 0.17, 0.62]
  right: [0.76, 0.28, 0.17, 0.62]
rules:
  - id: left bottle
    label: bottle
    region: left
    score: presence
    enter_at: 0.4
    exit_below: 0.12
    min_present_s: 0.2
    min_absent_s: 1
    cooldown_s: 2.5
    smoothing_s: 0.3
  - {label: hand, region: right, enter_at: 0.9}
health:
  disabled: false
  ignored: [blurred, scene_changed]
  frozen_after_s: 20
  settle_s: 0.5
"""


def test_everything_is_read() -> None:
    rules = parse_rules(WHOLE, Path("folder"))
    assert (rules.model, len(rules.templates), rules.folder) == ("demo", 2, Path("folder"))
    bottle, hand = rules.labels
    assert bottle.label == Label("bottle", ("a bottle", "a green bottle"), ("an empty table",))
    assert bottle.examples == (Example("bottles.mp4", 2 * NS_PER_S, "left"), Example("pictures/one.jpg"))
    assert bottle.counter_examples == (Example("bottles.mp4", 10_250_000_000, "left"),)
    assert hand == LabelEntry(Label("hand"))
    assert rules.regions == (Region("left", 0.06, 0.28, 0.17, 0.62), Region("right", 0.76, 0.28, 0.17, 0.62))
    assert rules.rules == (
        EventRule(
            "bottle",
            0.4,
            0.12,
            200_000_000,
            NS_PER_S,
            ScoreKind.PRESENCE,
            "left bottle",
            "left",
            cooldown_ns=2_500_000_000,
            smoothing_ns=300_000_000,
        ),
        EventRule("hand", 0.9, region_id="right"),
    )
    assert rules.health == HealthPolicy(
        False, frozenset({HealthProblem.BLURRED, HealthProblem.SCENE_CHANGED}), 20 * NS_PER_S, NS_PER_S // 2
    )


def test_little_is_needed() -> None:
    rules = parse_rules("version: 1\nlabels:\n- name: box\nrules:\nregions:\n")
    assert rules == RulesFile((LabelEntry(Label("box")),))
    assert (rules.templates, rules.health) == (DEFAULT_TEMPLATES, HealthPolicy())


def test_no_templates_is_not_the_default() -> None:
    assert parse_rules("version: 1\nlabels: [{name: box}]\ntemplates: []").templates == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a.jpg", Example("a.jpg"), id="picture"),
        pytest.param("a.mp4@9.2s", Example("a.mp4", 9_200_000_000), id="frame"),
        pytest.param("a.mp4@0s#left door", Example("a.mp4", 0, "left door"), id="cropped"),
        pytest.param("a@b.jpg", Example("a@b.jpg"), id="an at that is no time"),
        pytest.param("a@1s@2s", Example("a@1s", 2 * NS_PER_S), id="the last time counts"),
        pytest.param("a#b.jpg", Example("a#b.jpg"), id="a hash without a time"),
        pytest.param("a.mp4@0.000000001s", Example("a.mp4", 1), id="a nanosecond"),
    ],
)
def test_examples(text: str, expected: Example) -> None:
    assert Example.parse(text) == expected
    assert str(expected) == text


LABELS = "version: 1\nlabels:\n  - name: box\n"


@pytest.mark.parametrize(
    ("text", "line", "path", "message"),
    [
        pytest.param("", 0, "", "empty", id="empty"),
        pytest.param("version: [", 1, "", "no YAML", id="no YAML"),
        pytest.param("version: 1\n--- \nlabels: []", 2, "", "no YAML", id="two documents"),
        pytest.param("x" * (MAX_DOCUMENT_CHARS + 1), 0, "", "expected at most 1,000,000", id="too long"),
        pytest.param("[" * 100_000, 0, "", "nested too deeply: expected at most 16", id="too deep"),
        pytest.param("version: 1\nlabels: &a [*a]", 2, "labels[0]", "expected keys with values, got a list", id="a list in itself"),
        pytest.param("a: &a [x, x]\n" + "\n".join(f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]" for i in range(12)), 1, "a", "known are version", id="lists of lists of lists"),
        pytest.param("version: *one", 1, "", "undefined alias 'one'", id="no such anchor"),
        pytest.param(LABELS.replace("version: 1", "version: !!python/object/apply:os.getcwd []"), 1, "version", "expected a number, got a list", id="an object"),
        pytest.param(LABELS + "health: {disabled: !!bool perhaps}", 4, "health.disabled", "true or false, got perhaps", id="no flag"),
        pytest.param(LABELS + "health: {settle_s: !!int ''}", 4, "health.settle_s", "expected a number", id="an empty number"),
        pytest.param("- version: 1", 1, "", "expected keys with values, got a list", id="a list"),
        pytest.param("labels: [{name: a}]", 1, "", "version is missing", id="no version"),
        pytest.param("version: 2\nlabels: [{name: a}]", 1, "version", "expected 1", id="later version"),
        pytest.param("version: 1\nlabels: []", 2, "labels", "the label set is empty", id="no labels"),
        pytest.param("version: 1\nversion: 1", 2, "", "'version' is there twice", id="twice"),
        pytest.param("version: 1\nlabls: []", 2, "labls", "is 'labels' meant", id="near key"),
        pytest.param("version: 1\nxyz: []", 2, "xyz", "known are version, model", id="no near key"),
        pytest.param("version: 1\n2: []", 2, "", "expected a text, got 2", id="a number as key"),
        pytest.param("version: 1\nlabels: {name: a}", 2, "labels", "expected a list", id="labels as keys"),
        pytest.param("version: 1\nlabels: [{name: no}]", 2, "labels[0].name", "got no: put it in quotes", id="no"),
        pytest.param("version: 1\nlabels: [{name: 7}]", 2, "labels[0].name", "got 7: put it in quotes", id="number"),
        pytest.param("version: 1\nlabels: [{prompts: a}]", 2, "labels[0]", "name is missing", id="no name"),
        pytest.param(LABELS + "    prompts: [a, '']", 4, "labels[0].prompts[1]", "is empty", id="empty prompt"),
        pytest.param(LABELS + "  - name: box", 4, "labels[1].name", "must be unique", id="names"),
        pytest.param(LABELS + "    examples: [a.jpg]", 3, "labels[0].counter_examples", "give images of the same place", id="no counter-examples"),
        pytest.param(LABELS + '    examples: ["rtsp://u:p@h/a@1s"]', 4, "labels[0].examples[0]", r"rtsp://u:\*\*\*@h/a is a URL", id="URL"),
        pytest.param(LABELS + "    examples: [a@1s#door]", 4, "labels[0].examples[0]", "no region 'door'", id="example's region"),
        pytest.param(LABELS + "templates:\n  - x", 5, "templates[0]", "exactly once", id="template"),
        pytest.param(LABELS + "regions: {a: [0, 0, 1]}", 4, "regions.a", "x, y, width, height", id="three numbers"),
        pytest.param(LABELS + "regions: {a: [0, 0, 2, 1]}", 4, "regions.a", "outside", id="outside"),
        pytest.param(LABELS + "regions: {a: [0, 0, .nan, 1]}", 4, "regions.a[2]", "finite", id="NaN"),
        pytest.param(LABELS + "regions: {a: [0, 0, x, 1]}", 4, "regions.a[2]", "expected a number, got x", id="text"),
        pytest.param(LABELS + "rules: [{label: box}]", 4, "rules[0]", "enter_at is missing", id="no threshold"),
        pytest.param(LABELS + "rules:\n- label: box\n  enter_at: 2", 6, "rules[0].enter_at", "at most 1", id="threshold"),
        pytest.param(LABELS + "rules:\n- label: box\n  enter_at: 0.5\n  min_present_s: -1", 7, "rules[0].min_present_s", "0 or more", id="time"),
        pytest.param(LABELS + "rules:\n- label: box\n  enter: 0.5", 6, "rules[0].enter", "is 'enter_at' meant", id="rule's key"),
        pytest.param(LABELS + "rules: [{label: box, enter_at: 0.5, score: presense}]", 4, "rules[0].score", "is 'presence' meant", id="score"),
        pytest.param(LABELS + "rules: [{label: cat, enter_at: 0.5}]", 4, "rules[0].label", "none of the file's labels: box", id="label"),
        pytest.param(LABELS + "rules: [{label: box, enter_at: 0.5, region: a}]", 4, "rules[0].region", "no regions", id="region"),
        pytest.param(LABELS + "regions: {a: [0, 0, 1, 1]}\nrules: [{label: box, enter_at: 0.5}]", 5, "rules[0]", "one of a", id="no region"),
        pytest.param(LABELS + "rules: [{label: box, enter_at: 0.5}, {label: box, enter_at: 0.6}]", 4, "rules[1]", "an id of its own", id="rules' names"),
        pytest.param(LABELS + "health: {disabled: 1}", 4, "health.disabled", "true or false", id="flag"),
        pytest.param(LABELS + "health: {ignored: [dark]}", 4, "health.ignored[0]", "known are black", id="problem"),
        pytest.param(LABELS + "health:\n  frozen_after_s: 0", 5, "health.frozen_after_s", "more than 0", id="frozen"),
    ],
)  # fmt: skip
def test_errors_name_line_and_place(text: str, line: int, path: str, message: str) -> None:
    with pytest.raises(RulesFileError, match=message) as caught:
        parse_rules(text)
    assert (caught.value.line, caught.value.path) == (line, path)


def test_errors_read_well() -> None:
    with pytest.raises(RulesFileError) as caught:
        parse_rules(LABELS + "rules:\n- {label: box, entr_at: 1}")
    assert str(caught.value) == "line 5: rules[0].entr_at: there is no 'entr_at' here: is 'enter_at' meant?"


def test_files_are_read_from_their_folder(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(WHOLE)
    asked: list[ExampleSource] = []

    def load(source: ExampleSource) -> list[Image]:
        asked.append(source)
        return [EncodedImage(source.path.name.encode())] * (2 if source.time_ns is None else 1)

    rules = read_rules(path)
    bottle, hand = rules.label_set(load).labels
    assert [image.data for image in bottle.examples] == [b"bottles.mp4", b"one.jpg", b"one.jpg"], (
        "a folder gives several"
    )
    assert (len(bottle.counter_examples), hand.examples) == (1, ())
    assert asked[0] == ExampleSource(tmp_path / "bottles.mp4", 2 * NS_PER_S, rules.regions[0])
    assert asked[1] == ExampleSource(tmp_path / "pictures" / "one.jpg", None, None)


def test_examples_that_hold_no_picture_are_refused() -> None:
    with pytest.raises(InvalidLabelSet, match="give images of it too"):
        parse_rules(WHOLE).label_set(lambda source: [] if source.time_ns != 10_250_000_000 else [EncodedImage(b"x")])


def test_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RulesFileError, match="UTF-8"):
        read_rules(tmp_path / "rules.yaml")


def test_what_is_written_can_be_read_by_people() -> None:
    text = write_rules(
        parse_rules(WHOLE),
        ["made by hand"],
        {"left bottle": RuleNotes(("two lines:\nthis is\x07 one",), {"enter_at": "the middle"})},
    )
    assert text.splitlines()[:4] == [
        "# made by hand",
        "version: 1",
        "model: demo",
        "templates: ['a photo of {label}', '{label}, seen from above']",
    ]
    assert "    enter_at: 0.4  # the middle\n    exit_below: 0.12\n" in text
    assert "  # two lines:?this is? one\n  - id: left bottle\n" in text
    assert parse_rules(text) == parse_rules(WHOLE)


def calibrated_text(scores: np.ndarray, present: tuple[Interval, ...], absent: tuple[Interval, ...]) -> str:
    times = np.arange(len(scores), dtype=np.int64) * NS_PER_S // 10
    found = calibrate(Material(times, {ScoreKind.PRESENCE: scores}, present, absent), "box")
    rules = RulesFile((LabelEntry(Label("box")),), (found.rule,))
    text = write_rules(rules, (), {"box": calibration_notes(found, "door.mp4", "2026-11-21")})
    assert parse_rules(text) == rules
    return text


S = interval
STEP = np.where((np.arange(300) >= 100) & (np.arange(300) < 200), 0.9, 0.02)


def test_comments_explain_what_a_calibration_rests_on() -> None:
    text = calibrated_text(STEP, (S(10, 20),), (S(0, 10), S(20, 30)))
    assert (
        "# Calibrated 2026-11-21 from door.mp4: 1 stretch (10.0 s) with and 2 stretches (20.0 s) without box.\n" in text
    )
    assert "without it 90% of frames score at most 0.02, with it 90% at least 0.9." in text
    assert "recall: 1.00 [0.02, 1.00] (1 of 1)" in text
    assert "false events an hour: 0.00 [0.00, 442.67] (0 in 30.0 s)" in text
    assert "# 45% of the way from without to with it, by log-odds" in text
    assert "optimistic" in text


def test_comments_of_a_calibration_on_background_name_what_is_unknown() -> None:
    text = calibrated_text(np.full(300, 0.02), (), (S(0, 30),))
    assert "recall" not in text
    assert "How many appearances it finds is not known" in text
    assert "enter_at: 0.5  # well above the highest score without it or 0.5" in text


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20).filter(lambda text: text.strip())
TIMES_NS = st.integers(0, 10**13)
THRESHOLDS = st.floats(0, 1, exclude_min=True)


@st.composite
def rules_files(draw: st.DrawFn) -> RulesFile:
    names = draw(st.lists(TEXTS, min_size=1, max_size=3, unique=True))
    ids = draw(st.lists(TEXTS, max_size=2, unique=True))
    regions = tuple(Region(name, draw(st.floats(0, 0.5)), 0.25, draw(st.floats(0.001, 0.5)), 0.75) for name in ids)
    examples = st.lists(st.builds(Example, TEXTS.map(lambda t: t + ".mp4"), TIMES_NS), min_size=1, max_size=2)
    labels = []
    for name in names:
        prompts, contrast = draw(st.lists(TEXTS, max_size=2)), draw(st.lists(TEXTS, max_size=2))
        pictures = [tuple(draw(examples)) for _ in range(2)] if draw(st.booleans()) else [(), ()]
        labels.append(LabelEntry(Label(name, tuple(prompts), tuple(contrast)), *pictures))
    rules = []
    for i, name in enumerate(names):
        enter = draw(THRESHOLDS)
        rules.append(
            EventRule(
                name,
                enter,
                draw(st.none() | st.floats(0, enter, exclude_min=True)),
                *(draw(TIMES_NS) for _ in range(2)),
                score_kind=draw(st.sampled_from(ScoreKind)),
                id=draw(st.just("") | TEXTS.map(lambda text, i=i: f"{i}{text}")),
                region_id=draw(st.sampled_from(ids)) if ids else "",
                cooldown_ns=draw(TIMES_NS),
                smoothing_ns=draw(TIMES_NS),
            )
        )
    if len({rule.name for rule in rules}) < len(rules):
        rules = rules[:1]
    health = HealthPolicy(
        draw(st.booleans()),
        draw(st.frozensets(st.sampled_from(HealthProblem))),
        draw(st.integers(1, 10**13)),
        draw(TIMES_NS),
    )
    templates = tuple(draw(st.lists(st.sampled_from(["{label}", "a: {label} #1", DEFAULT_TEMPLATES[0]]), max_size=2)))
    return RulesFile(tuple(labels), tuple(rules), regions, draw(st.just("") | TEXTS), templates, health)


@settings(max_examples=60, deadline=None)
@given(rules=rules_files(), note=st.text(max_size=20))
def test_what_is_written_reads_back_the_same(rules: RulesFile, note: str) -> None:
    notes = {rule.name: RuleNotes((note,), {"enter_at": note, "label": note}) for rule in rules.rules}
    assert parse_rules(write_rules(rules, [note], notes)) == rules


@pytest.mark.parametrize(
    "text",
    ["no", "7", "1e-05", "~", "2001-01-01", "<<", "=", "?0", "0?", "- a", "a: b", "a #b", " a ", "'", "é😀", "a\u2028b", "a\nb"],
)  # fmt: skip
def test_texts_with_the_form_of_another_type_stay_texts(text: str) -> None:
    region = Region(text, 0, 0, 1, 1)
    rules = RulesFile((LabelEntry(Label(text, (text,))),), (EventRule(text, 0.5, region_id=text),), (region,))
    assert parse_rules(write_rules(rules)) == rules
