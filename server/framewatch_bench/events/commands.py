"""The command of `bench` that measures events against the truth."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from framewatch_bench.options import Json
from framewatch_core.time import NS_PER_S
from framewatch_server.tables import Row, print_rows, progress

if TYPE_CHECKING:
    from framewatch_bench.events.cases import CaseResult


def events(
    truth: Path,
    *,
    model: str = "demo",
    label: str = "something",
    share: Annotated[float, Parameter(validator=Number(gt=0, lt=1))] = 1 / 3,
    only: str = "",
    json: Json = False,
) -> int:
    """Watches videos with known truth, as they are and disturbed, by rules calibrated on the first part of each.

    Exit code 1 if an event was missed, false or doubled, or a disturbance did not suspend the rules once.

    Args:
        truth: JSON file of truth, beside the videos that it names; for each video `fps`, `frames`, `regions`, `present`
            and `tolerance_frames`.
        model: A model, as `serve` takes it.
        label: Name of the label; calibration gives it examples from the video.
        share: Share of each video, from its begin, that the rules are calibrated on.
        only: Only cases whose names contain this text; by default all.
        json: Print one line of JSON per case.

    """
    rows = asyncio.run(_measure(truth, model, label, share, only, as_json=json))
    if not json:
        print_rows("events by rules from calibration", rows, as_json=False)
    return 0 if all(row["right"] for row in rows) else 1


async def _measure(truth: Path, model: str, label: str, share: float, only: str, *, as_json: bool) -> list[Row]:
    # the client and its rules are not needed for `--help`
    from framewatch_bench.events.cases import cases_of, find_rules, load_videos, watch_case  # noqa: PLC0415
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
                        if as_json:  # at once, since all cases together take a while
                            print_rows("", rows[-1:], as_json=True)
    return rows


def _row(result: CaseResult) -> Row:
    evaluation = result.evaluation
    matched = len(evaluation.matches)
    return {
        "case": f"{Path(result.video).stem}: {result.case.name}",
        "right": result.is_right,
        "matched": f"{matched}/{matched + sum(len(rule.missed) for rule in evaluation.rules)}",
        "false": sum(len(rule.false) + len(rule.doubled) for rule in evaluation.rules),
        "delay s": _seconds(evaluation.median_delay_ns()),
        "began off s": _seconds(evaluation.max_error_ns()),
        "suspended": result.suspended,
        "resumed": result.resumed,
    }


def _seconds(time_ns: float | None) -> float | None:
    return None if time_ns is None else round(time_ns / NS_PER_S, 2)
