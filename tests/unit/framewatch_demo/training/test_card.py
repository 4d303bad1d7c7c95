"""The model card of the shipped weights."""

import re

from framewatch_demo import MODEL_DIR
from framewatch_demo.training.card import model_card
from framewatch_demo.training.evaluate import Accuracy


def test_the_shipped_card_is_the_one_that_training_writes() -> None:
    shipped = (MODEL_DIR / "README.md").read_text()
    (command,) = re.findall(r"^    (python -m framewatch_demo\.training\.train .*)$", shipped, re.MULTILINE)
    rows = re.findall(r"^\| ([a-z ]+) \| ([\d.]+) \| ([\d.]+) \| (\d+) \|$", shipped, re.MULTILINE)
    far, close = ([Accuracy(row[0], float(row[column]), int(row[3])) for row in rows] for column in (1, 2))
    assert len(rows) == 9
    assert model_card(command, far, close) == shipped
