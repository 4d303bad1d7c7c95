"""What the demo model can tell apart, and the words for it.

A `Concept` is a kind of scene. A `Meaning` is a set of phrases that say the same thing, together with the concepts that
they are true of; "a bottle" is true on a belt and on a table, "a bottle on a table" only there.
"""

from dataclasses import dataclass
from itertools import product


@dataclass(frozen=True)
class Concept:
    """A kind of scene.

    Attributes:
        name: the key that `render_scene` takes.
        world: the kind of place.
        thing: what is there; "nothing" where the place is empty.
        night: whether it is seen at night.
        phrases: ways to say all of that; the first is its caption.

    """

    name: str
    world: str
    thing: str
    night: bool
    phrases: tuple[str, ...]

    @property
    def caption(self) -> str:
        """The usual way to say it."""
        return self.phrases[0]


def _spread(*patterns: str, **words: tuple[str, ...]) -> tuple[str, ...]:
    """Every pattern filled with every combination of the words it names."""
    phrases: dict[str, None] = {}
    for pattern in patterns:
        used = [key for key in words if "{" + key + "}" in pattern]
        for combination in product(*(words[key] for key in used)):
            phrases[pattern.format(**dict(zip(used, combination, strict=True)))] = None
    return tuple(phrases)


_BELT = ("a conveyor belt", "a belt", "the conveyor belt", "the belt", "a moving conveyor belt")
_BOX = ("a box", "a cardboard box", "a parcel", "a package", "one box", "the box")
_BOXES = ("boxes", "several boxes", "cardboard boxes", "many parcels", "some packages", "two or more boxes")
_BOTTLE = ("a bottle", "a plastic bottle", "a water bottle", "a glass bottle", "the bottle", "a bottle of water")
_PERSON = ("a person", "a man", "a woman", "a human", "someone", "somebody", "a person standing", "a person walking", "people")
_DOG = ("a dog", "a puppy", "the dog", "a pet dog", "a dog sitting", "a dog standing")
_CUP = ("a cup", "a mug", "a coffee cup", "a cup of coffee", "the cup")
_CAR = ("a car", "one car", "a vehicle", "a single car", "an automobile", "the car")
_CARS = ("cars", "many cars", "several cars", "parked cars", "vehicles", "a lot of cars")
_NIGHT = ("at night", "in the dark", "by night", "at night time", "with the lights off")
_DAY = ("by day", "in daylight", "at daytime", "during the day", "in the day")
_ROOM = ("a room", "the room", "an indoor room", "an office", "a hall")
_LOT = ("a parking lot", "the parking lot", "a car park", "a parking area")
_GATE = ("a gate", "the gate", "a gate on a street", "an entrance gate", "a street gate")

CONCEPTS: tuple[Concept, ...] = (
    Concept("belt_empty", "belt", "nothing", False, _spread(
        "an empty conveyor belt", "an empty belt", "empty conveyor belt", "the empty belt", "a bare conveyor belt",
        "an idle conveyor belt", "a conveyor belt", "{belt} with nothing on it", "{belt} without a box",
        "nothing on {belt}", "no box on {belt}", "a vacant conveyor belt", belt=_BELT)),
    Concept("belt_box", "belt", "box", False, _spread("{thing} on {belt}", "{belt} with {thing}", "{belt} carrying {thing}", thing=_BOX, belt=_BELT)),
    Concept("belt_boxes", "belt", "boxes", False, _spread("{thing} on {belt}", "{belt} with {thing}", "{belt} full of boxes", thing=_BOXES, belt=_BELT)),
    Concept("belt_bottle", "belt", "bottle", False, _spread("{thing} on {belt}", "{belt} with {thing}", "{belt} carrying {thing}", thing=_BOTTLE, belt=_BELT)),
    Concept("room_empty_day", "room", "nothing", False, _spread(
        "an empty room {light}", "nobody in {room} {light}", "{room} {light} with nobody in it", "{room} without people {light}",
        "no one in {room} {light}", room=_ROOM, light=_DAY)),
    Concept("room_person_day", "room", "person", False, _spread("{thing} in {room} {light}", "{room} {light} with {thing} in it", thing=_PERSON, room=_ROOM, light=_DAY)),
    Concept("room_dog_day", "room", "dog", False, _spread("{thing} in {room} {light}", "{room} {light} with {thing} in it", thing=_DOG, room=_ROOM, light=_DAY)),
    Concept("room_empty_night", "room", "nothing", True, _spread(
        "an empty room {light}", "nobody in {room} {light}", "{room} {light} with nobody in it", "{room} without people {light}",
        "a dark empty room", "an empty dark room", "no one in {room} {light}", room=_ROOM, light=_NIGHT)),
    Concept("room_person_night", "room", "person", True, _spread(
        "{thing} in {room} {light}", "{room} {light} with {thing} in it", "{thing} in a dark room", thing=_PERSON, room=_ROOM, light=_NIGHT)),
    Concept("room_dog_night", "room", "dog", True, _spread(
        "{thing} in {room} {light}", "{room} {light} with {thing} in it", "{thing} in a dark room", thing=_DOG, room=_ROOM, light=_NIGHT)),
    Concept("table_empty", "table", "nothing", False, _spread(
        "an empty table", "empty table", "the empty table", "a bare table", "a table with nothing on it", "nothing on the table",
        "a table without a bottle", "no bottle on the table", "an empty desk", "a table", "an empty place on a table",
        "a bare table top", "an empty tabletop", "a wall and an empty table")),
    Concept("table_bottle", "table", "bottle", False, _spread("{thing} on {table}", "{table} with {thing}", thing=_BOTTLE, table=("a table", "the table", "a desk", "a white table"))),
    Concept("table_cup", "table", "cup", False, _spread("{thing} on {table}", "{table} with {thing}", thing=_CUP, table=("a table", "the table", "a desk", "a wooden table"))),
    Concept("parking_empty", "parking", "nothing", False, _spread(
        "an empty parking lot", "an empty car park", "{lot} without cars", "{lot} with no cars", "no cars in {lot}",
        "a vacant parking lot", "free parking spaces", "empty parking spaces", "nothing in {lot}", lot=_LOT)),
    Concept("parking_car", "parking", "car", False, _spread("{thing} in {lot}", "{lot} with {thing}", thing=_CAR, lot=_LOT)),
    Concept("parking_cars", "parking", "cars", False, _spread("{thing} in {lot}", "{lot} with {thing}", "a full parking lot", thing=_CARS, lot=_LOT)),
    Concept("gate_empty", "gate", "nothing", False, _spread(
        "an empty street with a gate", "nobody at {gate}", "no one at {gate}", "{gate} with nobody there", "a closed gate on an empty street",
        "an empty entrance", "an empty street", "nothing at {gate}", gate=_GATE)),
    Concept("gate_person", "gate", "person", False, _spread("{thing} at {gate}", "{thing} in front of {gate}", "{thing} on the street", "{thing} outdoors", thing=_PERSON, gate=_GATE)),
    Concept("gate_car", "gate", "car", False, _spread("{thing} at {gate}", "{thing} in front of {gate}", "{thing} on the street", thing=_CAR, gate=_GATE)),
    Concept("door_open", "door", "open", False, ("an open door", "the door is open", "open door", "a door that stands open", "a doorway", "an opened door")),
    Concept("door_closed", "door", "closed", False, ("a closed door", "the door is closed", "closed door", "a shut door", "a door that is shut", "the door is shut")),
    Concept("shelf_full", "shelf", "full", False, ("a full shelf", "a shelf full of goods", "full shelves", "a shelf with products", "a stocked shelf", "goods on a shelf")),
    Concept("shelf_empty", "shelf", "bare", False, ("an empty shelf", "a bare shelf", "empty shelves", "a shelf with nothing on it", "a shelf without goods", "nothing on the shelf")),
    Concept("dark", "dark", "black", False, ("a black picture", "a covered camera", "a black image", "total darkness", "complete darkness", "a black screen", "no picture")),
)
BY_NAME: dict[str, Concept] = {concept.name: concept for concept in CONCEPTS}
WORLDS: tuple[str, ...] = tuple(dict.fromkeys(concept.world for concept in CONCEPTS))

TEMPLATES: tuple[str, ...] = (
    "{}", "{}", "a photo of {}", "a photo of {}", "a photo of {}.", "a photo of a {}", "this is a photo of {}", "This is a photo of {}.",
    "a picture of {}", "an image of {}", "a video frame of {}", "a camera picture of {}", "a surveillance image of {}",
    "a cropped photo of {}", "a blurry photo of {}", "a dark photo of {}", "a bright photo of {}", "a photo of the {}",
    "a frame showing {}", "there is {} in the picture", "we see {}", "{}.", "a close-up photo of {}", "a low resolution photo of {}",
)
"""Sentences around a phrase; each has one `{}`."""


@dataclass(frozen=True)
class Meaning:
    """Phrases of one sense.

    Attributes:
        phrases: ways to say it.
        true: names of the concepts it is true of.
        unsure: names of the concepts of which one cannot say; these are neither examples nor counterexamples.
        place: the world that it names, or "" where it names none.
        thing: the thing that it names.

    """

    phrases: tuple[str, ...]
    true: frozenset[str]
    unsure: frozenset[str]
    place: str
    thing: str


def _named(world: str = "", thing: str = "", night: bool | None = None) -> frozenset[str]:
    return frozenset(
        concept.name for concept in CONCEPTS
        if (not world or concept.world == world) and (not thing or concept.thing == thing)
        and (night is None or concept.night == night)
    )


def _bare(phrases: tuple[str, ...], *nouns: str) -> tuple[str, ...]:
    return phrases + nouns


def _generic(thing: str, phrases: tuple[str, ...], unsure: frozenset[str] = frozenset()) -> Meaning:
    return Meaning(phrases, _named(thing=thing), unsure, "", thing)


_EMPTY = _named(thing="nothing")
_FIXTURES = _named("door") | _named("shelf") | _named("dark")


def _absent(phrases: tuple[str, ...], things: tuple[str, ...], worlds: tuple[str, ...]) -> Meaning:
    """That a thing is missing: true of empty places, false where it is, and of other things one had better not ask."""
    present = frozenset[str]().union(*(_named(thing=thing) for thing in things))
    true = frozenset[str]().union(*(_named(world, "nothing") for world in worlds))
    others = frozenset(concept.name for concept in CONCEPTS) - present - true
    return Meaning(phrases, true, others, "", "nothing")


MEANINGS: tuple[Meaning, ...] = (
    *(Meaning(concept.phrases, frozenset({concept.name}), frozenset(), concept.world, concept.thing) for concept in CONCEPTS),
    Meaning(_spread("an empty room", "empty room", "the empty room", "nobody in {room}", "no one in {room}", "{room} with nobody in it", "{room} without people", "a room", "the room is empty", room=_ROOM), _named("room", "nothing"), frozenset(), "room", "nothing"),
    Meaning(_spread("{thing} in {room}", "{room} with {thing}", "{thing} indoors", thing=_PERSON, room=_ROOM), _named("room", "person"), frozenset(), "room", "person"),
    Meaning(_spread("{thing} in {room}", "{room} with {thing}", thing=_DOG, room=_ROOM), _named("room", "dog"), frozenset(), "room", "dog"),
    _generic("box", _bare(_BOX, "box", "cardboard box", "parcel", "package"), _named(thing="boxes")),
    _generic("boxes", _bare(_BOXES, "parcels", "packages")),
    _generic("bottle", _bare(_BOTTLE, "bottle", "water bottle", "plastic bottle", "bottles", "one bottle")),
    _generic("person", _bare(_PERSON, "person", "man", "woman", "human", "pedestrian", "a pedestrian", "a person seen from behind", "persons")),
    _generic("dog", _bare(_DOG, "dog", "puppy", "dogs", "an animal", "a pet")),
    _generic("cup", _bare(_CUP, "cup", "mug", "coffee cup", "cups")),
    _generic("car", _bare(_CAR, "car", "vehicle", "automobile"), _named(thing="cars")),
    _generic("cars", _bare(_CARS, "a group of cars", "rows of cars")),
    Meaning(("nothing", "an empty scene", "an empty place", "empty", "nothing there", "nothing to see", "an empty background", "background", "the background", "no object"), _EMPTY, _FIXTURES, "", "nothing"),
    _absent(("nobody", "no person", "no one", "no people", "nobody there", "no human", "without people"), ("person",), ("room", "gate")),
    _absent(("no box", "without a box", "no boxes", "no parcel", "no package"), ("box", "boxes"), ("belt",)),
    _absent(("no bottle", "without a bottle", "no bottles", "bottle missing"), ("bottle",), ("belt", "table")),
    _absent(("no car", "no cars", "without a car", "without cars", "no vehicle"), ("car", "cars"), ("parking", "gate")),
    _absent(("no dog", "without a dog", "no dogs", "no animal"), ("dog",), ("room",)),
    Meaning(("night", "at night", "a night picture", "night time", "a dark scene"), _named("room", night=True), _named("dark"), "", ""),
    Meaning(("day", "by day", "daylight", "daytime", "a bright scene"), _named("room", night=False), _named("belt") | _named("table") | _named("parking") | _named("gate") | _named("door") | _named("shelf"), "", ""),
)


def relation(meaning: Meaning, concept: Concept, close: bool) -> int:
    """Whether a meaning holds of a scene: 1 true, -1 false, 0 unsure.

    A close view does not show where it was taken, so another place with the same thing is not a counterexample.
    """
    if concept.name in meaning.true:
        return 1
    if concept.name in meaning.unsure:
        return 0
    elsewhere = bool(meaning.place) and meaning.place != concept.world
    return 0 if close and elsewhere and meaning.thing == concept.thing else -1


def corpus() -> list[str]:
    """Every phrase in every template, for training the tokenizer."""
    phrases = dict.fromkeys(phrase for meaning in MEANINGS for phrase in meaning.phrases)
    return [template.format(phrase) for template in TEMPLATES for phrase in phrases]
