"""Meanings: phrases of one sense, and the concepts that they are true of.

"a bottle" is true of a bottle on a belt and of one on a table; "a bottle on a table" is true of the latter only.
"""

from dataclasses import dataclass

from framewatch_demo.captions import CONCEPTS, TEMPLATES, Concept
from framewatch_demo.words import BOTTLE, BOX, BOXES, CAR, CARS, CUP, DOG, PERSON, ROOM, spread


@dataclass(frozen=True)
class Meaning:
    """Phrases of one sense.

    Attributes:
        phrases: texts of that sense.
        true: names of the concepts that it is true of.
        unsure: names of the concepts for which it is undecided; these are neither examples nor counter-examples.
        place: the world that it names, or "" if it names none.
        thing: the thing that it names.

    """

    phrases: tuple[str, ...]
    true: frozenset[str]
    unsure: frozenset[str]
    place: str
    thing: str


def _named(world: str = "", thing: str = "", night: bool | None = None) -> frozenset[str]:
    return frozenset(
        concept.name
        for concept in CONCEPTS
        if (not world or concept.world == world)
        and (not thing or concept.thing == thing)
        and (night is None or concept.night == night)
    )


def _generic(thing: str, phrases: tuple[str, ...]) -> Meaning:
    return Meaning(phrases, _named(thing=thing), frozenset(), "", thing)


_EMPTY = _named(thing="nothing")
_FIXTURES = _named("door") | _named("shelf") | _named("dark")


def _absent(phrases: tuple[str, ...], things: tuple[str, ...], worlds: tuple[str, ...]) -> Meaning:
    """Returns the meaning that things are absent: true of empty places, false of the things, unsure of all others."""
    present = frozenset[str]().union(*(_named(thing=thing) for thing in things))
    true = frozenset[str]().union(*(_named(world, "nothing") for world in worlds))
    others = frozenset(concept.name for concept in CONCEPTS) - present - true
    return Meaning(phrases, true, others, "", "nothing")


MEANINGS: tuple[Meaning, ...] = (
    *(
        Meaning(concept.phrases, frozenset({concept.name}), frozenset(), concept.world, concept.thing)
        for concept in CONCEPTS
    ),
    Meaning(
        spread(
            "an empty room",
            "empty room",
            "the empty room",
            "nobody in {room}",
            "no one in {room}",
            "{room} with nobody in it",
            "{room} without people",
            "a room",
            "the room is empty",
            room=ROOM,
        ),
        _named("room", "nothing"),
        frozenset(),
        "room",
        "nothing",
    ),
    Meaning(
        spread("{thing} in {room}", "{room} with {thing}", "{thing} indoors", thing=PERSON, room=ROOM),
        _named("room", "person"),
        frozenset(),
        "room",
        "person",
    ),
    Meaning(
        spread("{thing} in {room}", "{room} with {thing}", thing=DOG, room=ROOM),
        _named("room", "dog"),
        frozenset(),
        "room",
        "dog",
    ),
    _generic("box", (*BOX, *BOXES, "box", "cardboard box", "parcel", "package")),
    _generic("bottle", (*BOTTLE, "bottle", "water bottle", "plastic bottle", "bottles", "one bottle")),
    _generic(
        "person",
        (
            *PERSON,
            "person",
            "man",
            "woman",
            "human",
            "pedestrian",
            "a pedestrian",
            "a person seen from behind",
            "persons",
        ),
    ),
    _generic("dog", (*DOG, "dog", "puppy", "dogs", "an animal", "a pet")),
    _generic("cup", (*CUP, "cup", "mug", "coffee cup", "cups")),
    _generic("car", (*CAR, *CARS, "car", "vehicle", "automobile")),
    Meaning(
        (
            "nothing",
            "an empty scene",
            "an empty place",
            "empty",
            "nothing there",
            "nothing to see",
            "an empty background",
            "background",
            "the background",
            "no object",
        ),
        _EMPTY,
        _FIXTURES,
        "",
        "nothing",
    ),
    _absent(
        ("nobody", "no person", "no one", "no people", "nobody there", "no human", "without people"),
        ("person",),
        ("room", "gate"),
    ),
    _absent(("no box", "without a box", "no boxes", "no parcel", "no package"), ("box",), ("belt",)),
    _absent(("no bottle", "without a bottle", "no bottles", "bottle missing"), ("bottle",), ("belt", "table")),
    _absent(("no car", "no cars", "without a car", "without cars", "no vehicle"), ("car",), ("parking", "gate")),
    _absent(("no dog", "without a dog", "no dogs", "no animal"), ("dog",), ("room",)),
    Meaning(
        ("night", "at night", "a night picture", "night time", "a dark scene"),
        _named("room", night=True),
        _named("dark"),
        "",
        "",
    ),
    Meaning(
        ("day", "by day", "daylight", "daytime", "a bright scene"),
        _named("room", night=False),
        _named("belt") | _named("table") | _named("parking") | _named("gate") | _named("door") | _named("shelf"),
        "",
        "",
    ),
)


def relation(meaning: Meaning, concept: Concept, close: bool) -> int:
    """Returns whether a meaning is true of a scene: 1 true, -1 false, 0 unsure.

    A close view does not show its place, so another place with the same thing is not a counter-example.
    """
    if concept.name in meaning.true:
        return 1
    if concept.name in meaning.unsure:
        return 0
    elsewhere = bool(meaning.place) and meaning.place != concept.world
    return 0 if close and elsewhere and meaning.thing == concept.thing else -1


def corpus() -> list[str]:
    """Returns every phrase in every template, to train the tokenizer on."""
    phrases = dict.fromkeys(phrase for meaning in MEANINGS for phrase in meaning.phrases)
    return [template.format(phrase) for template in TEMPLATES for phrase in phrases]
