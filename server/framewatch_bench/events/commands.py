"""The command of `bench` that measures events against the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from framewatch_bench.events.summary import Summary, summaries
from framewatch_bench.options import Json
from framewatch_core.time import NS_PER_S
from framewatch_server.tables import Row, print_rows, progress

if TYPE_CHECKING:
    from framewatch_bench.events.cases import CaseResult
    from framewatch_core.calibration.estimates import Estimate

_LABEL = "something"


def events(
    truth: Path,
    /,
    *others: Path,
    model: str = "demo",
    label: str | None = None,
    share: Annotated[float | None, Parameter(validator=Number(gt=0, lt=1))] = None,
    only: str = "",
    json: Json = False,
) -> int:
    """Watches videos with known truth, as they are and disturbed, by rules calibrated on the first part of each.

    Exit code 1 if an event was missed, false or doubled, or a disturbance did not suspend the rules once.

    Args:
        truth: JSON file of truth, beside the videos that it names; for each video `fps`, `frames`, `regions`, `present`
            and `tolerance_frames`; perhaps `label`, `share`, and `fuzzy`, spans in which no event is wrong.
        others: More such files, for one report.
        model: A model, as `serve` takes it.
        label: Name of the label; calibration gives it examples from the video. By default each video's own, or
            "something".
        share: Share of each video, from its begin, that the rules are calibrated on. By default each video's own, or a
            third.
        only: Only cases whose names contain this text; by default all.
        json: Print one line of JSON per case, and then one per kind of case.

    """
    results = asyncio.run(_measure((truth, *others), model, label, share, only, as_json=json))
    if not json:
        print_rows("events by rules from calibration", list(map(_row, results)), as_json=False)
    if together := list(map(_summary_row, summaries(results))):
        print_rows("all videos together, with intervals of 95 %", together, as_json=json)
    return 0 if all(result.is_right for result in results) else 1


async def _measure(
    truths: Sequence[Path], model: str, label: str | None, share: float | None, only: str, *, as_json: bool
) -> list[CaseResult]:
    # the client and its rules are not needed for `--help`
    from framewatch_bench.events.cases import cases_of, find_rules, load_videos, watch_case  # noqa: PLC0415
    from framewatch_bench.spawn import ServerProcess  # noqa: PLC0415
    from framewatch_client import AsyncFramewatchClient  # noqa: PLC0415

    videos = [video for truth in truths for video in load_videos(truth, share)]
    results: list[CaseResult] = []
    with ServerProcess("--model", model) as server:
        async with AsyncFramewatchClient(server.address) as client:
            for video in videos:
                with progress.status(f"calibrating on {video.path.name}"):
                    run = await find_rules(client, video, label or video.truth.label or _LABEL)
                for case in cases_of(video.truth):
                    if only in case.name:
                        with progress.status(f"{video.path.name}: {case.name}"):
                            results.append(await watch_case(client, video, case, run))
                        if as_json:  # at once, since all cases together take a while
                            print_rows("", [_row(results[-1])], as_json=True)
    return results


def _row(result: CaseResult) -> Row:
    evaluation = result.evaluation
    return {
        "case": f"{Path(result.video).stem}: {result.case.name}",
        "right": result.is_right,
        **_counts(Summary.of(result.case.name, [result])),
        "delay s": _seconds(evaluation.median_delay_ns()),
        "began off s": _seconds(evaluation.max_error_ns()),
        "suspended": result.suspended,
        "resumed": result.resumed,
    }


def _summary_row(found: Summary) -> Row:
    return {
        "case": found.name,
        "right": f"{found.right}/{found.videos}",
        **_counts(found),
        **{name: _interval(getattr(found, name)) for name in ("precision", "recall", "f1")},
    }


def _counts(found: Summary) -> Row:
    return {
        "matched": f"{found.matched}/{found.matched + found.missed}",
        "false": found.wrong,
        "unsure": found.unsure,
    }


def _interval(estimate: Estimate) -> str:
    value = "" if estimate.value is None else f"{estimate.value:.2f} "
    return f"{value}({estimate.low:.2f} to {estimate.high:.2f})"


def _seconds(time_ns: float | None) -> float | None:
    return None if time_ns is None else round(time_ns / NS_PER_S, 2)
