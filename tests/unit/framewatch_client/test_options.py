"""Names, types, defaults and checks of a stream's options."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_type_hints

import pytest

from framewatch_client import InvalidType, InvalidValue
from framewatch_client.options import (
    NotifyKeywords,
    NotifyOptions,
    SendKeywords,
    SendOptions,
    StreamKeywords,
    StreamOptions,
    WatchKeywords,
    WatchOptions,
)

PARTS = {WatchKeywords: WatchOptions, SendKeywords: SendOptions, NotifyKeywords: NotifyOptions}


@pytest.mark.parametrize(("keywords", "options"), PARTS.items(), ids=lambda kind: kind.__name__)
def test_keywords_and_options_have_the_same_names_and_types(keywords: Any, options: Any) -> None:
    assert get_type_hints(keywords) == get_type_hints(options)
    assert [name for name in keywords.__annotations__ if f"        {name}: " not in keywords.__doc__] == []


def test_a_stream_takes_the_keywords_of_all_parts_and_no_others() -> None:
    names = [field.name for kind in PARTS.values() for field in fields(kind)]
    assert len(names) == len(set(names))
    assert set(StreamKeywords.__annotations__) == set(names)


def test_each_keyword_reaches_its_part() -> None:
    options = StreamOptions.of({"top_count": 2, "window": 3, "on_warning": print})
    assert options == StreamOptions(
        watch=WatchOptions(top_count=2), send=SendOptions(window=3), notify=NotifyOptions(on_warning=print)
    )


@pytest.mark.parametrize(
    ("keywords", "expected", "match"),
    [
        ({"windows": 3}, InvalidType, "no option windows: expected some of .* window"),
        ({"window": 0}, InvalidValue, "window is 0: expected at least 1 frame"),
        ({"jpeg_quality": 0}, InvalidValue, "jpeg_quality is 0: expected 1 to 100"),
        ({"reconnect_timeout_s": -1}, InvalidValue, "reconnect_timeout_s is -1: expected 0 or more"),
        ({"reconnect_timeout_s": float("nan")}, InvalidValue, "reconnect_timeout_s is nan"),
    ],
    ids=["unknown", "window", "quality", "negative time", "no time"],
)
def test_invalid_options_are_refused(keywords: Any, expected: type[Exception], match: str) -> None:
    with pytest.raises(expected, match=match):
        StreamOptions.of(keywords)


@pytest.mark.parametrize("name", ["max_frame_gap_s", "max_reuse_age_s"])
def test_times_are_finite(name: str) -> None:
    options: Any = {name: float("inf")}
    with pytest.raises(InvalidValue, match=f"{name}: .*finite"):
        WatchOptions(**options).config(["a"])
