"""Rules files: labels, regions, rules and the health policy as YAML.

    version: 1
    labels:
      - name: person
        examples: [person.mp4@9.2s, pictures/somebody.jpg]
        counter_examples: [person.mp4@1s]
    regions:
      door: [0.1, 0.2, 0.3, 0.7]      # x, y, width, height, fractions of the frame
    rules:
      - label: person
        region: door
        score: presence
        enter_at: 0.4
        exit_below: 0.12
        min_present_s: 0.2

Times are seconds of frame time. A missing key has the default of the label set, `EventRule` or `HealthPolicy`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from framewatch_cli.pictures.examples import Example, ExampleLoader, ExampleSource
from framewatch_cli.rules.document import MAX_DOCUMENT_CHARS, Node, RulesFileError, read_document
from framewatch_client import WatchKeywords
from framewatch_core.errors import FieldError
from framewatch_core.health.monitor import HealthPolicy, HealthProblem
from framewatch_core.images.image import EncodedImage, Image
from framewatch_core.images.regions import Region, check_regions
from framewatch_core.labels.labels import DEFAULT_TEMPLATES, Label, LabelSet
from framewatch_core.labels.scoring import ScoreKind
from framewatch_core.rules.rule import EventRule
from framewatch_core.time import nanoseconds

DomainT = TypeVar("DomainT")

VERSION = 1
FILE_KEYS = ("version", "model", "templates", "labels", "regions", "rules", "health")
LABEL_KEYS = ("name", "prompts", "contrast_prompts", "examples", "counter_examples")
TIME_KEYS = ("min_present_s", "min_absent_s", "cooldown_s", "smoothing_s")
RULE_KEYS = ("id", "label", "region", "score", "enter_at", "exit_below", *TIME_KEYS)
HEALTH_KEYS = ("disabled", "ignored", "frozen_after_s", "settle_s")
SCORES = tuple(kind.name.lower() for kind in ScoreKind)
PROBLEMS = tuple(problem.name.lower() for problem in HealthProblem)

# names that the domain's fields have in the file
_KEYS = {"min_present": "min_present_s", "min_absent": "min_absent_s", "cooldown": "cooldown_s"} | {
    "smoothing": "smoothing_s",
    "frozen_after": "frozen_after_s",
    "settle_time": "settle_s",
}
# takes the place of examples that are not loaded yet, so that the domain checks how many there are
_UNREAD = EncodedImage(b"unread")


@dataclass(frozen=True, slots=True)
class LabelEntry:
    """A label of the file, without pictures, and the examples that they are loaded from."""

    label: Label
    examples: tuple[Example, ...] = ()
    counter_examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class RulesFile:
    """Contents of a rules file.

    Attributes:
        labels: at least one, with unique names.
        rules: rules about these labels and regions, with unique names.
        regions: empty: the whole frame.
        model: name of a model; empty: the server's default.
        templates: sentences with `{label}`; empty: names are used as they are.
        health: policy for pictures that can't be trusted.
        folder: folder that the paths of examples are relative to.

    """

    labels: tuple[LabelEntry, ...]
    rules: tuple[EventRule, ...] = ()
    regions: tuple[Region, ...] = ()
    model: str = ""
    templates: tuple[str, ...] = DEFAULT_TEMPLATES
    health: HealthPolicy = field(default_factory=HealthPolicy)
    folder: Path = field(default=Path(), compare=False)

    def watch_keywords(self, model: str = "") -> WatchKeywords:
        """Returns all but the labels as options of a stream. `model`: takes the place of the file's own."""
        return {"rules": self.rules, "regions": self.regions, "health": self.health, "model": model or self.model}

    def label_set(self, load: ExampleLoader) -> LabelSet:
        """Loads the pictures and returns the label set. Raises as `load`, and InvalidLabelSet and LimitExceeded."""
        return LabelSet(tuple(self._label(entry, load) for entry in self.labels), self.templates)

    def _label(self, entry: LabelEntry, load: ExampleLoader) -> Label:
        return replace(
            entry.label,
            examples=self._pictures(entry.examples, load),
            counter_examples=self._pictures(entry.counter_examples, load),
        )

    def _pictures(self, examples: Sequence[Example], load: ExampleLoader) -> tuple[Image, ...]:
        regions = {region.id: region for region in self.regions}
        sources = (
            ExampleSource(self.folder / example.path, example.time_ns, regions.get(example.region))
            for example in examples
        )
        return tuple(image for source in sources for image in load(source))


def read_rules(path: Path) -> RulesFile:
    """Reads a rules file. Raises OSError, and RulesFileError with the line and the path of the value."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MAX_DOCUMENT_CHARS + 1)
    except UnicodeDecodeError as error:
        raise RulesFileError(f"this is no text in UTF-8: {error.reason}") from error
    return parse_rules(text, path.parent)


def parse_rules(text: str, folder: Path = Path()) -> RulesFile:
    """Parses a rules file's text. Raises RulesFileError.

    Args:
        text: YAML.
        folder: folder that the paths of examples are relative to.

    """
    document = read_document(text)
    keys = document.fields(FILE_KEYS, required=("version", "labels"))
    if keys["version"].number() != VERSION:
        raise keys["version"].error(f"expected {VERSION}: is the file of a later framewatch?")
    regions = _regions(keys["regions"]) if "regions" in keys else ()
    region_ids = {region.id for region in regions}
    labels = tuple(_label(node, region_ids) for node in keys["labels"].items())
    templates = keys["templates"].texts() if "templates" in keys else DEFAULT_TEMPLATES
    try:
        label_set = LabelSet(tuple(_with_stand_ins(entry) for entry in labels), templates)
    except FieldError as error:
        error.field = error.field.replace("templates.templates", "templates")
        raise document.error_of(error) from error
    return RulesFile(
        labels=labels,
        rules=_rules(keys["rules"], label_set.names, region_ids) if "rules" in keys else (),
        regions=regions,
        model=keys["model"].text() if "model" in keys else "",
        templates=templates,
        health=_health(keys["health"]) if "health" in keys else HealthPolicy(),
        folder=folder,
    )


def _with_stand_ins(entry: LabelEntry) -> Label:
    return replace(
        entry.label,
        examples=(_UNREAD,) * len(entry.examples),
        counter_examples=(_UNREAD,) * len(entry.counter_examples),
    )


def _label(node: Node, region_ids: set[str]) -> LabelEntry:
    keys = node.fields(LABEL_KEYS, required=("name",))
    prompts, contrast = (keys[name].texts() if name in keys else () for name in ("prompts", "contrast_prompts"))
    try:
        entry = LabelEntry(
            Label(keys["name"].text(), prompts, contrast),
            _examples(keys.get("examples"), region_ids),
            _examples(keys.get("counter_examples"), region_ids),
        )
        _with_stand_ins(entry)
    except FieldError as error:
        raise node.error_of(error) from error
    return entry


def _examples(node: Node | None, region_ids: set[str]) -> tuple[Example, ...]:
    if node is None:
        return ()
    nodes = node.items()
    examples = [_example(item) for item in nodes]
    for item, example in zip(nodes, examples, strict=True):
        if example.region and example.region not in region_ids:
            raise item.error(f"there is no region {example.region!r} in the file")
    return tuple(examples)


def _example(node: Node) -> Example:
    try:
        return Example.parse(node.text())
    except ValueError as error:
        raise node.error(str(error)) from error


def _regions(node: Node) -> tuple[Region, ...]:
    regions = tuple(_region(name, extent) for name, extent in node.values().items())
    try:
        check_regions(regions)
    except FieldError as error:
        raise node.error(error.message) from error
    return regions


def _region(name: str, node: Node) -> Region:
    extent = [item.number() for item in node.items()]
    if len(extent) != 4:
        raise node.error(f"expected [x, y, width, height], got {len(extent)} numbers")
    try:
        return Region(name, *extent)
    except FieldError as error:
        raise node.error(error.message) from error


def _rules(node: Node, labels: tuple[str, ...], region_ids: set[str]) -> tuple[EventRule, ...]:
    rules: dict[str, EventRule] = {}
    for item in node.items():
        rule = _rule(item)
        if rule.label not in labels:
            raise item.values()["label"].error(f"{rule.label!r} is none of the file's labels: {', '.join(labels)}")
        if rule.region_id not in (region_ids or {""}):
            known = f"one of {', '.join(sorted(region_ids))}" if region_ids else "none, for the file has no regions"
            raise item.values().get("region", item).error(f"the rule's region is {rule.region_id!r}: expected {known}")
        if rule.name in rules:
            raise item.error(f"several rules are called {rule.name!r}: give each an id of its own")
        rules[rule.name] = rule
    return tuple(rules.values())


def _rule(node: Node) -> EventRule:
    keys = node.fields(RULE_KEYS, required=("label", "enter_at"))
    values: dict[str, Any] = {name: keys[name].text() for name in ("id", "label") if name in keys}
    values |= {name: keys[name].number() for name in ("enter_at", "exit_below") if name in keys}
    values |= {name.removesuffix("_s") + "_ns": nanoseconds(keys[name].number()) for name in TIME_KEYS if name in keys}
    if "region" in keys:
        values["region_id"] = keys["region"].text()
    if "score" in keys:
        values["score_kind"] = ScoreKind[keys["score"].choice(SCORES).upper()]
    return _built(EventRule, node, values)


def _health(node: Node) -> HealthPolicy:
    keys = node.fields(HEALTH_KEYS)
    values: dict[str, Any] = {}
    if "disabled" in keys:
        values["disabled"] = keys["disabled"].flag()
    if "ignored" in keys:
        values["ignored"] = frozenset(HealthProblem[item.choice(PROBLEMS).upper()] for item in keys["ignored"].items())
    for name in ("frozen_after", "settle"):
        if f"{name}_s" in keys:
            values[f"{name}_ns"] = nanoseconds(keys[f"{name}_s"].number())
    return _built(HealthPolicy, node, values)


def _built(kind: Callable[..., DomainT], node: Node, values: dict[str, Any]) -> DomainT:
    """Builds a domain object; its errors name the keys of the file."""
    try:
        return kind(**values)
    except FieldError as error:
        error.field = _KEYS.get(error.field, error.field)
        raise node.error_of(error) from error
