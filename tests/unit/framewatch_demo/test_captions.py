"""Captions, and the meanings that are true of each scene."""

import pytest

from framewatch_demo.captions import BY_NAME, CONCEPTS, TEMPLATES
from framewatch_demo.training.meanings import MEANINGS, Meaning, relation


def meaning_of(phrase: str, place: str = "") -> Meaning:
    return next(meaning for meaning in MEANINGS if phrase in meaning.phrases and meaning.place == place)


@pytest.mark.parametrize(
    ("phrase", "place", "concept", "close", "expected"),
    [
        ("a bottle", "", "belt_bottle", False, 1),
        ("a bottle", "", "table_bottle", False, 1),
        ("a bottle", "", "table_empty", False, -1),
        ("a bottle on a table", "table", "belt_bottle", False, -1),
        ("a bottle on a table", "table", "belt_bottle", True, 0),
        ("nobody", "", "room_empty_night", False, 1),
        ("nobody", "", "room_person_day", False, -1),
        ("nobody", "", "belt_box", False, 0),
        ("boxes", "", "belt_box", False, 1),
        ("an empty room", "room", "room_empty_day", False, 1),
        ("an empty room", "room", "room_dog_day", False, -1),
    ],
)
def test_relation(phrase: str, place: str, concept: str, close: bool, expected: int) -> None:
    assert relation(meaning_of(phrase, place), BY_NAME[concept], close) == expected


def test_every_concept_has_true_and_false_meanings() -> None:
    for concept in CONCEPTS:
        found = {relation(meaning, concept, close=False) for meaning in MEANINGS}
        assert {1, -1} <= found


def test_no_phrase_is_both_true_and_false_of_a_scene() -> None:
    for concept in CONCEPTS:
        true = {p for m in MEANINGS if relation(m, concept, close=False) > 0 for p in m.phrases}
        false = {p for m in MEANINGS if relation(m, concept, close=False) < 0 for p in m.phrases}
        assert not true & false


def test_templates_take_one_phrase() -> None:
    assert all(template.count("{}") == 1 for template in TEMPLATES)
