from __future__ import annotations

import pytest

from framewatch_core.images.image import EncodedImage
from framewatch_server.engine.jobs import Job, Load
from tests.unit.framewatch_server.engine.rig import regions_view

MS = 1_000_000


@pytest.mark.parametrize(
    ("inputs", "decode_ns", "scores", "size", "cost"),
    [
        pytest.param(1, 0, 0, 1, 1.0, id="one input"),
        pytest.param(1, 3 * MS, 5, 1, 1.6, id="an ordinary frame takes one place, so that batches fill"),
        pytest.param(64, 3 * MS, 64 * 256, 64, 66.2, id="many regions and scores"),
        pytest.param(
            1,
            1000 * MS,
            5,
            22,
            201.0,
            id="a picture that takes a second to decode takes the most places that decoding may",
        ),
    ],
)
def test_load(inputs: int, decode_ns: int, scores: int, size: int, cost: float) -> None:
    load = Load.of(inputs, decode_ns, scores)
    assert (load.size(most_decode_places=22), round(load.cost, 1)) == (size, cost)


def test_an_image_of_which_nothing_is_known_is_guessed_by_its_bytes() -> None:
    small, large = (Job(EncodedImage(bytes(count)), regions_view(2)).load for count in (1000, 10_000_000))
    assert small == Load.of(2, 10_000)
    assert large == Load.of(2, 100 * MS)
