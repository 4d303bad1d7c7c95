"""`bench events`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from framewatch_bench.options import Json
from framewatch_server.tables import Row, print_rows, progress

if TYPE_CHECKING:
    from framewatch_bench.events.events import CaseResult

_NS_PER_S = 1e9


def events(
    truth: Path,
    *,
    model: str = "demo",
    label: str = "something",
    share: Annotated[float, Parameter(validator=Number(gt=0, lt=1))] = 1 / 3,
    only: str = "",
    json: Json = False,
) -> int:
    """Watches videos whose truth is known, as they are and disturbed, by rules calibrated on a first part of each.

    Exit code 1 if an event was missed, false or doubled, or a bad stretch did not suspend the rules once.

    Args:
        truth: JSON file of truth, beside the videos that it names; for each video `fps`, `frames`, `regions`, `present`
            and `tolerance_frames`.
        model: As `serve` takes it.
        label: What is watched for; its examples say more than its name.
        share: How much of each video the rules are calibrated on, from its begin.
        only: Cases whose names contain this; empty: all.
        json: One line of JSON per case.

    """
    rows = asyncio.run(_measure(truth, model, label, share, only, as_json=json))
    if not json:
        print_rows("events by rules from calibration", rows, as_json=False)
    return 0 if all(row["right"] for row in rows) else 1


async def _measure(truth: Path, model: str, label: str, share: float, only: str, *, as_json: bool) -> list[Row]:
    # torch comes with the server; --help stays quick
    from framewatch_bench.events.events import cases_of, find_rules, load_videos, watch_case  # noqa: PLC0415
    from framewatch_bench.spawn import ServerProcess  # noqa: PLC0415
    from framewatch_client import AsyncFramewatchClient  # noqa: PLC0415

    rows: list[Row] = []
    with ServerProcess("--model", model) as server:
        async with AsyncFramewatchClient(server.address) as client:
            for video in load_videos(truth, share):
                with progress.status(f"calibrating on {video.path.name}"):
                    run = await find_rules(client, video, label)
                for case in cases_of(video.truth):
                    if only in case.name:
                        with progress.status(f"{video.path.name}: {case.name}"):
                            rows.append(_row(await watch_case(client, video, case, run)))
                        if as_json:  # all of them take a while
                            print_rows("", rows[-1:], as_json=True)
    return rows


def _row(result: CaseResult) -> Row:
    evaluation = result.evaluation
    matched = len(evaluation.matches)
    return {
        "case": f"{Path(result.video).stem}: {result.case.name}",
        "right": result.is_right,
        "told": f"{matched}/{matched + sum(len(rule.missed) for rule in evaluation.rules)}",
        "false": sum(len(rule.false) + len(rule.doubled) for rule in evaluation.rules),
        "delay s": _seconds(evaluation.median_delay_ns()),
        "began off s": _seconds(evaluation.max_error_ns()),
        "suspended": result.suspended,
        "resumed": result.resumed,
    }


def _seconds(time_ns: float | None) -> float | None:
    return None if time_ns is None else round(time_ns / _NS_PER_S, 2)
