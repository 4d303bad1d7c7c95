"""Rules made up for tests."""

from __future__ import annotations

from typing import Any

from framewatch_core.rules.rule import EventRule


def quick_rule(
    label: str,
    enter_at: float,
    exit_below: float | None = None,
    min_present_ns: int = 0,
    min_absent_ns: int = 0,
    **fields: Any,
) -> EventRule:
    """A rule whose events come with the first frame that counts."""
    return EventRule(label, enter_at, exit_below, min_present_ns, min_absent_ns, **fields)
