"""Concepts: the kinds of scenes that the demo model distinguishes, and captions for them."""

from dataclasses import dataclass

from framewatch_demo.words import (
    BELT,
    BOTTLE,
    BOX,
    BOXES,
    CAR,
    CARS,
    CUP,
    DAY,
    DOG,
    GATE,
    LOT,
    NIGHT,
    PERSON,
    ROOM,
    spread,
)


@dataclass(frozen=True)
class Concept:
    """A kind of scene.

    Attributes:
        name: the key that `scenes.render` takes.
        world: the kind of place.
        thing: the thing in it; "nothing" if the place is empty.
        night: whether the scene is at night.
        phrases: texts that describe the scene; the first is its caption.

    """

    name: str
    world: str
    thing: str
    night: bool
    phrases: tuple[str, ...]

    @property
    def caption(self) -> str:
        """The usual text."""
        return self.phrases[0]


CONCEPTS: tuple[Concept, ...] = (
    Concept(
        "belt_empty",
        "belt",
        "nothing",
        False,
        spread(
            "an empty conveyor belt",
            "an empty belt",
            "empty conveyor belt",
            "the empty belt",
            "a bare conveyor belt",
            "an idle conveyor belt",
            "a conveyor belt",
            "{belt} with nothing on it",
            "{belt} without a box",
            "nothing on {belt}",
            "no box on {belt}",
            "a vacant conveyor belt",
            belt=BELT,
        ),
    ),
    Concept(
        "belt_box",
        "belt",
        "box",
        False,
        spread("{thing} on {belt}", "{belt} with {thing}", "{belt} carrying {thing}", thing=BOX + BOXES, belt=BELT),
    ),
    Concept(
        "belt_bottle",
        "belt",
        "bottle",
        False,
        spread("{thing} on {belt}", "{belt} with {thing}", "{belt} carrying {thing}", thing=BOTTLE, belt=BELT),
    ),
    Concept(
        "room_empty_day",
        "room",
        "nothing",
        False,
        spread(
            "an empty room {light}",
            "nobody in {room} {light}",
            "{room} {light} with nobody in it",
            "{room} without people {light}",
            "no one in {room} {light}",
            room=ROOM,
            light=DAY,
        ),
    ),
    Concept(
        "room_person_day",
        "room",
        "person",
        False,
        spread("{thing} in {room} {light}", "{room} {light} with {thing} in it", thing=PERSON, room=ROOM, light=DAY),
    ),
    Concept(
        "room_dog_day",
        "room",
        "dog",
        False,
        spread("{thing} in {room} {light}", "{room} {light} with {thing} in it", thing=DOG, room=ROOM, light=DAY),
    ),
    Concept(
        "room_empty_night",
        "room",
        "nothing",
        True,
        spread(
            "an empty room {light}",
            "nobody in {room} {light}",
            "{room} {light} with nobody in it",
            "{room} without people {light}",
            "a dark empty room",
            "an empty dark room",
            "no one in {room} {light}",
            room=ROOM,
            light=NIGHT,
        ),
    ),
    Concept(
        "room_person_night",
        "room",
        "person",
        True,
        spread(
            "{thing} in {room} {light}",
            "{room} {light} with {thing} in it",
            "{thing} in a dark room",
            thing=PERSON,
            room=ROOM,
            light=NIGHT,
        ),
    ),
    Concept(
        "room_dog_night",
        "room",
        "dog",
        True,
        spread(
            "{thing} in {room} {light}",
            "{room} {light} with {thing} in it",
            "{thing} in a dark room",
            thing=DOG,
            room=ROOM,
            light=NIGHT,
        ),
    ),
    Concept(
        "table_empty",
        "table",
        "nothing",
        False,
        spread(
            "an empty table",
            "empty table",
            "the empty table",
            "a bare table",
            "a table with nothing on it",
            "nothing on the table",
            "a table without a bottle",
            "no bottle on the table",
            "an empty desk",
            "a table",
            "an empty place on a table",
            "a bare table top",
            "an empty tabletop",
            "a wall and an empty table",
        ),
    ),
    Concept(
        "table_bottle",
        "table",
        "bottle",
        False,
        spread(
            "{thing} on {table}",
            "{table} with {thing}",
            thing=BOTTLE,
            table=("a table", "the table", "a desk", "a white table"),
        ),
    ),
    Concept(
        "table_cup",
        "table",
        "cup",
        False,
        spread(
            "{thing} on {table}",
            "{table} with {thing}",
            thing=CUP,
            table=("a table", "the table", "a desk", "a wooden table"),
        ),
    ),
    Concept(
        "parking_empty",
        "parking",
        "nothing",
        False,
        spread(
            "an empty parking lot",
            "an empty car park",
            "{lot} without cars",
            "{lot} with no cars",
            "no cars in {lot}",
            "a vacant parking lot",
            "free parking spaces",
            "empty parking spaces",
            "nothing in {lot}",
            lot=LOT,
        ),
    ),
    Concept(
        "parking_cars",
        "parking",
        "car",
        False,
        spread("{thing} in {lot}", "{lot} with {thing}", thing=CARS + CAR, lot=LOT),
    ),
    Concept(
        "gate_empty",
        "gate",
        "nothing",
        False,
        spread(
            "an empty street with a gate",
            "nobody at {gate}",
            "no one at {gate}",
            "{gate} with nobody there",
            "a closed gate on an empty street",
            "an empty entrance",
            "an empty street",
            "nothing at {gate}",
            gate=GATE,
        ),
    ),
    Concept(
        "gate_person",
        "gate",
        "person",
        False,
        spread(
            "{thing} at {gate}",
            "{thing} in front of {gate}",
            "{thing} on the street",
            "{thing} outdoors",
            thing=PERSON,
            gate=GATE,
        ),
    ),
    Concept(
        "gate_car",
        "gate",
        "car",
        False,
        spread("{thing} at {gate}", "{thing} in front of {gate}", "{thing} on the street", thing=CAR, gate=GATE),
    ),
    Concept(
        "door_open",
        "door",
        "open",
        False,
        ("an open door", "the door is open", "open door", "a door that stands open", "a doorway", "an opened door"),
    ),
    Concept(
        "door_closed",
        "door",
        "closed",
        False,
        (
            "a closed door",
            "the door is closed",
            "closed door",
            "a shut door",
            "a door that is shut",
            "the door is shut",
        ),
    ),
    Concept(
        "shelf_full",
        "shelf",
        "full",
        False,
        (
            "a full shelf",
            "a shelf full of goods",
            "full shelves",
            "a shelf with products",
            "a stocked shelf",
            "goods on a shelf",
        ),
    ),
    Concept(
        "shelf_empty",
        "shelf",
        "bare",
        False,
        (
            "an empty shelf",
            "a bare shelf",
            "empty shelves",
            "a shelf with nothing on it",
            "a shelf without goods",
            "nothing on the shelf",
        ),
    ),
    Concept(
        "dark",
        "dark",
        "black",
        False,
        (
            "a black picture",
            "a covered camera",
            "a black image",
            "total darkness",
            "complete darkness",
            "a black screen",
            "no picture",
        ),
    ),
)
BY_NAME: dict[str, Concept] = {concept.name: concept for concept in CONCEPTS}
WORLDS: tuple[str, ...] = tuple(dict.fromkeys(concept.world for concept in CONCEPTS))

TEMPLATES: tuple[str, ...] = (
    "{}",
    "{}",
    "a photo of {}",
    "a photo of {}",
    "a photo of {}.",
    "a photo of a {}",
    "this is a photo of {}",
    "This is a photo of {}.",
    "a picture of {}",
    "an image of {}",
    "a video frame of {}",
    "a camera picture of {}",
    "a surveillance image of {}",
    "a cropped photo of {}",
    "a blurry photo of {}",
    "a dark photo of {}",
    "a bright photo of {}",
    "a photo of the {}",
    "a frame showing {}",
    "there is {} in the picture",
    "we see {}",
    "{}.",
    "a close-up photo of {}",
    "a low resolution photo of {}",
)
"""Sentences that a phrase is put into; each has one `{}`. One that is listed twice is drawn twice as often."""
