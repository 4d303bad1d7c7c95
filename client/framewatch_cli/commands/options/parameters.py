"""Types of options that several commands have."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from framewatch_core.calibration.intervals import parse_time

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
Fps = Annotated[float | None, Parameter(validator=Number(gt=0))]
Labels = Annotated[list[str], Parameter(name="--label", negative=())]
Repeated = Annotated[list[str] | None, Parameter(negative=())]
Templates = Annotated[list[str] | None, Parameter(name="--template", negative="--no-template")]
Top = Annotated[int, Parameter(validator=Number(gte=0))]


class UsageError(Exception):
    """Options that can't be used, alone or together; the message says what to give instead."""


def parse_moment(text: str | None, option: str) -> int | None:
    """Returns an option's time in nanoseconds; None if it was not given. Raises UsageError."""
    if text is None:
        return None
    time_ns = parse_time(text)
    if not time_ns:
        raise UsageError(f"{option} {text}: expected a time of more than 0, such as 46.4s or 12:40")
    return time_ns
