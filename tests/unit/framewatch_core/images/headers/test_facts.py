"""Sizes of turned pictures, and the parts of a file."""

from __future__ import annotations

import pytest

from framewatch_core.images.headers.facts import ImageFormat, ImageHeader, Spans


@pytest.mark.parametrize(("orientation", "expected"), [(1, (30, 20)), (3, (30, 20)), (5, (20, 30)), (8, (20, 30))])
def test_sideways_pictures_change_width_and_height(orientation: int, expected: tuple[int, int]) -> None:
    assert ImageHeader(ImageFormat.JPEG, 30, 20, (), orientation=orientation).upright_size == expected


def test_neighbours_become_one_part() -> None:
    spans = Spans()
    for span in ((0, 2), (2, 5), (7, 8), (8, 9)):
        spans.add(*span)
    assert spans.all() == ((0, 5), (7, 9))


def test_a_picture_is_its_parts() -> None:
    assert ImageHeader(ImageFormat.PNG, 1, 1, ((0, 2), (4, 6))).picture_of(b"abcdefg") == b"abef"
