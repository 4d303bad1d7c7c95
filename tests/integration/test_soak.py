"""The short form of the soak: honest clients get all that is promised while others attack."""

from __future__ import annotations

import json

from tests.integration.test_bench import run_bench

TIMED = ("p99", "log lines")
"""Words of promises that depend on the machine's speed, which only a soak of its own measures."""


def test_honest_clients_stand_beside_hostile_ones() -> None:
    done = run_bench("soak", "--seconds", "25", "--cameras", "1")
    rows = {row["promise"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert rows["honest frames unaccounted"]["kept"], done.stderr
    broken = [name for name, row in rows.items() if not row["kept"] and not any(word in name for word in TIMED)]
    assert not broken, done.stderr
