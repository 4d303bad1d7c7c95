"""Words of the captions; each tuple lists names of one thing."""

from itertools import product


def spread(*patterns: str, **words: tuple[str, ...]) -> tuple[str, ...]:
    """Fills every pattern with every combination of the words that it names; without duplicates, in order."""
    phrases: dict[str, None] = {}
    for pattern in patterns:
        used = [key for key in words if "{" + key + "}" in pattern]
        for combination in product(*(words[key] for key in used)):
            phrases[pattern.format(**dict(zip(used, combination, strict=True)))] = None
    return tuple(phrases)


BELT = ("a conveyor belt", "a belt", "the conveyor belt", "the belt", "a moving conveyor belt")
BOX = ("a box", "a cardboard box", "a parcel", "a package", "the box")
BOXES = ("boxes", "cardboard boxes", "parcels", "packages")
BOTTLE = ("a bottle", "a plastic bottle", "a water bottle", "a glass bottle", "the bottle", "a bottle of water")
PERSON = (
    "a person",
    "a man",
    "a woman",
    "a human",
    "someone",
    "somebody",
    "a person standing",
    "a person walking",
    "people",
)
DOG = ("a dog", "a puppy", "the dog", "a pet dog", "a dog sitting", "a dog standing")
CUP = ("a cup", "a mug", "a coffee cup", "a cup of coffee", "the cup")
CAR = ("a car", "a vehicle", "an automobile", "the car")
CARS = ("cars", "parked cars", "vehicles", "automobiles")
NIGHT = ("at night", "in the dark", "by night", "at night time", "with the lights off")
DAY = ("by day", "in daylight", "at daytime", "during the day", "in the day")
ROOM = ("a room", "the room", "an indoor room", "an office", "a hall")
LOT = ("a parking lot", "the parking lot", "a car park", "a parking area")
GATE = ("a gate", "the gate", "a gate on a street", "an entrance gate", "a street gate")
