"""Writes rules files for people to read and change: short lists on one line, and comments that explain the numbers."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from framewatch_cli.rules.document import YAML_VERSION
from framewatch_cli.rules.file import VERSION, LabelEntry, RulesFile
from framewatch_cli.rules.notes import RuleNotes
from framewatch_core.health.monitor import HealthPolicy
from framewatch_core.labels.labels import DEFAULT_TEMPLATES
from framewatch_core.rules.rule import EventRule
from framewatch_core.time import NS_PER_S

_UNBROKEN = 10**9
"""Characters of a line before it is broken: never, since a broken text is hard to read and to change."""
_VERSION_LINES = f"%YAML {'.'.join(map(str, YAML_VERSION))}\n---\n"
"""Lines that the emitter puts in front; the reader takes this version without them."""
_ITEM_INDENT = 2
_KEY_INDENT = 4


def write_rules(rules: RulesFile, header: Sequence[str] = (), notes: Mapping[str, RuleNotes] | None = None) -> str:
    """Returns the text of a rules file.

    Read again it gives the same rules, except for `EventRule.trail_count`, which files do not have.

    Args:
        rules: the contents; values that are the defaults are left out.
        header: lines of a comment at the beginning.
        notes: comments on rules, by the rules' names.

    """
    document = CommentedMap(_fields(rules, notes or {}))
    if rules.regions:
        document.yaml_add_eol_comment("x, y, width, height, as fractions of the frame", "regions", column=0)
    if header:
        document.yaml_set_comment_before_after_key("version", before=_comment(header))
    emitter = YAML(pure=True)
    emitter.version = YAML_VERSION  # or texts such as `no` get no quotes, and are read back as flags
    emitter.width = _UNBROKEN
    emitter.indent(mapping=2, sequence=_KEY_INDENT, offset=_ITEM_INDENT)
    text = io.StringIO()
    emitter.dump(document, text)
    return text.getvalue().removeprefix(_VERSION_LINES)


def _fields(rules: RulesFile, notes: Mapping[str, RuleNotes]) -> Iterator[tuple[str, object]]:
    yield "version", VERSION
    if rules.model:
        yield "model", _text(rules.model)
    if rules.templates != DEFAULT_TEMPLATES:
        yield "templates", _line_list(map(_text, rules.templates))
    yield "labels", [CommentedMap(_label_fields(entry)) for entry in rules.labels]
    if rules.regions:
        yield (
            "regions",
            {
                _text(region.id): _line_list((region.x, region.y, region.width, region.height))
                for region in rules.regions
            },
        )
    if rules.rules:
        yield "rules", _rules(rules.rules, notes)
    if rules.health != HealthPolicy():
        yield "health", CommentedMap(_health_fields(rules.health))


def _label_fields(entry: LabelEntry) -> Iterator[tuple[str, object]]:
    label = entry.label
    yield "name", _text(label.name)
    for name in ("prompts", "contrast_prompts"):
        if texts := getattr(label, name):
            yield name, _line_list(map(_text, texts))
    for name in ("examples", "counter_examples"):
        if examples := getattr(entry, name):
            yield name, _line_list(_text(str(example)) for example in examples)


def _rules(rules: Sequence[EventRule], notes: Mapping[str, RuleNotes]) -> CommentedSeq:
    items = CommentedSeq(CommentedMap(_rule_fields(rule)) for rule in rules)
    for index, (rule, item) in enumerate(zip(rules, items, strict=True)):
        note = notes.get(rule.name, RuleNotes())
        if note.above:
            items.yaml_set_comment_before_after_key(index, before=_comment(note.above), indent=_ITEM_INDENT)
        for key, text in note.behind.items():
            if key in item and text:
                item.yaml_add_eol_comment(_printable(text), key, column=_KEY_INDENT + len(f"{key}: {item[key]}") + 2)
    return items


def _rule_fields(rule: EventRule) -> Iterator[tuple[str, object]]:
    for key, text in (("id", rule.id), ("label", rule.label), ("region", rule.region_id)):
        if text:
            yield key, _text(text)
    yield "score", rule.score_kind.name.lower()
    yield "enter_at", rule.enter_at
    if rule.exit_below is not None:
        yield "exit_below", rule.exit_below
    yield "min_present_s", _seconds(rule.min_present_ns)
    yield "min_absent_s", _seconds(rule.min_absent_ns)
    for name in ("cooldown", "smoothing"):
        if time_ns := getattr(rule, f"{name}_ns"):
            yield f"{name}_s", _seconds(time_ns)


def _health_fields(health: HealthPolicy) -> Iterator[tuple[str, object]]:
    default = HealthPolicy()
    if health.disabled:
        yield "disabled", True
    if health.ignored:
        yield "ignored", _line_list(sorted(problem.name.lower() for problem in health.ignored))
    if health.frozen_after_ns != default.frozen_after_ns:
        yield "frozen_after_s", _seconds(health.frozen_after_ns)
    if health.settle_ns != default.settle_ns:
        yield "settle_s", _seconds(health.settle_ns)


def _seconds(time_ns: int) -> float:
    """Returns nanoseconds as seconds; as an int where they are whole, so that no `.0` is written."""
    seconds, rest_ns = divmod(time_ns, NS_PER_S)
    return time_ns / NS_PER_S if rest_ns else seconds


def _line_list(values: Iterable[object]) -> CommentedSeq:
    """Returns a list that is written on one line."""
    items = CommentedSeq(values)
    items.fa.set_flow_style()
    return items


def _text(text: str) -> str:
    """Returns a text that is written in the only style with escapes if it needs them."""
    if text.isprintable():
        return text
    escaped: str = DoubleQuotedScalarString(text)
    return escaped


def _comment(lines: Iterable[str]) -> str:
    """Returns lines of a comment, as ruamel.yaml takes them: without the `#`."""
    return "\n".join(_printable(line).rstrip() for line in lines)


def _printable(text: str) -> str:
    """Returns the text on one line, without characters that would end a comment or that YAML forbids."""
    return "".join(character if character.isprintable() else "?" for character in text)
