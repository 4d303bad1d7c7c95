"""The command `framewatch watch`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from framewatch_cli.commands.options.connection import Connection, run_with_client
from framewatch_cli.commands.options.files import load_rules, with_trails
from framewatch_cli.commands.options.labels import LabelAndRegionOptions
from framewatch_cli.commands.options.parameters import Flag, Fps, Repeated, Top, UsageError
from framewatch_cli.pictures.examples import load_example
from framewatch_cli.terminal.output import Output
from framewatch_cli.watching.watch import WatchSettings, watch_source
from framewatch_client import (
    DEFAULT_JPEG_QUALITY,
    WatchKeywords,
    parse_rule,
    rule_name,
    stream_config,
)
from framewatch_core.images.regions import Region
from framewatch_core.labels.labels import Label, LabelSet
from framewatch_core.labels.scoring import ScoreKind
from framewatch_core.rules.rule import EventRule
from framewatch_core.stream.config import OverflowPolicy

DEFAULT_ENTER_AT = 0.8
DEFAULT_EXIT_BELOW = 0.5

ScoreName = Literal["probability", "similarity", "presence"]


def watch(
    source: str,
    /,
    *,
    rules: Path | None = None,
    label: Repeated = None,
    background: Repeated = None,
    rule: Annotated[list[str] | None, Parameter(negative="--no-rules")] = None,
    score: ScoreName | None = None,
    label_options: LabelAndRegionOptions = LabelAndRegionOptions(),
    explain: Flag = False,
    fps: Fps = None,
    overflow: Literal["block", "drop-oldest"] | None = None,
    max_frames: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    top: Top = 0,
    quality: Annotated[int, Parameter(validator=Number(gte=1, lte=100))] = DEFAULT_JPEG_QUALITY,
    change_threshold: Annotated[float, Parameter(validator=Number(gte=0, lte=1))] = 0.0,
    json: Flag = False,
    connection: Connection = Connection(),
) -> int:
    """Watch a video, images, a camera or a stream, and print an event when a thing appears or is gone.

    Parameters
    ----------
    source
        A video file, a folder or (quoted) glob of images, a camera's index, or an RTSP or HTTP URL.
    rules
        A rules file. It has labels, pictures, regions and rules, and takes the place of the options for them.
    label
        A thing to look for. Repeat it for more. Probabilities compare the labels with each other, so give a background
        too.
    background
        What the picture shows when nothing of it is there, such as "an empty room": a label without a rule of its own.
        Repeat it for more.
    rule
        When to emit ENTERED and EXITED: LABEL:ENTER[:EXIT[:MIN_PRESENT_S[:MIN_ABSENT_S]]]. ENTERED: the score was at
        least ENTER for MIN_PRESENT_S seconds. EXITED: it was less than EXIT for MIN_ABSENT_S seconds. Both times are
        0.3 unless given. Repeat it for more. Each rule holds in every region. Without this option every label has
        LABEL:0.8:0.5; with --no-rules there are scores only.
    score
        The score that rules compare: the label's probability among all labels, its similarity, or its presence against
        its own contrast. By default presence for labels with examples or contrast prompts, else probability.
    label_options
        Descriptions of labels, and regions.
    explain
        Show the scores that led to each event and, at the end, what every rule waits for and what holds it back.
    fps
        Of video: send at most so many frames a second. Of images: so many of them make a second, by default 1.
    overflow
        What happens when frames come faster than they are scored: the source waits (block; default for files), or the
        oldest frame is dropped (drop-oldest; default for cameras and streams).
    max_frames
        End after so many frames.
    top
        How many labels each result carries, the best first; 0: all.
    quality
        Quality of the JPEG that a frame is sent as, 1 to 100. Frames are first shrunk to the size that the server
        needs.
    change_threshold
        A frame that differs by less than this from the last one that the model scored gets that one's scores: this
        saves computing while nothing happens. 0 to 1, about 0.05 for most fixed cameras. 0: only an identical frame.
    json
        Print each response as one line of JSON, and nothing else on standard output: protobuf's mapping, with the
        .proto's field names and with zeros.
    connection
        Server and model.

    """
    if rules is None:
        label_set = _label_set(label or [], background or [], label_options)
        watched = _watch_keywords(label_set, background or [], rule, score, label_options.regions())
    else:
        _check_alone(label, background, rule, score, label_options)
        file = load_rules(rules)
        label_set, watched = file.label_set(load_example), file.watch_keywords()
    # the server would refuse a bad config too, but only once the source is open
    config = stream_config(label_set, **watched)
    options: WatchKeywords = {
        **watched,
        "model": connection.model or config.model,
        "top_count": top,
        "change_threshold": change_threshold,
    }
    if overflow is not None:
        options["overflow"] = OverflowPolicy[overflow.upper().replace("-", "_")]
    settings = WatchSettings(
        source=source,
        fps=fps,
        max_frames=max_frames,
        label_set=label_set,
        rules=with_trails(config.rules) if explain else config.rules,
        options=options,
        jpeg_quality=quality,
        explain=explain,
    )
    output = Output(json)
    return run_with_client(connection.server, lambda client: watch_source(client, settings, output))


def _check_alone(
    label: list[str] | None,
    background: list[str] | None,
    rule: list[str] | None,
    score: ScoreName | None,
    label_options: LabelAndRegionOptions,
) -> None:
    values = {"--label": label, "--background": background, "--rule": rule, "--score": score}
    given = [name for name, value in values.items() if value is not None] + label_options.given
    if given:
        raise UsageError(f"--rules can't be given with {', '.join(given)}: the rules file has all of that")


def _label_set(names: list[str], background: list[str], label_options: LabelAndRegionOptions) -> LabelSet:
    if not (names or label_options.given):
        raise UsageError("nothing to look for was given: --label LABEL --background LABEL, or --rules FILE")
    return label_options.label_set([*names, *background])


def _watch_keywords(
    label_set: LabelSet,
    background: Sequence[str],
    rule: list[str] | None,
    score: ScoreName | None,
    regions: Sequence[Region],
) -> WatchKeywords:
    """Returns the regions, and in each of them the rules that the options describe."""
    watched = [name for name in label_set.names if name not in background]
    plain = _default_rules(watched) if rule is None else map(parse_rule, rule)
    labels = {label.name: label for label in label_set.labels}
    scored = [replace(rule, score_kind=_score_kind(score, labels.get(rule.label))) for rule in plain]
    return {"rules": list(_in_regions(scored, regions)), "regions": regions}


def _score_kind(name: ScoreName | None, label: Label | None) -> ScoreKind:
    if name is not None:
        return ScoreKind[name.upper()]
    has_contrast = label is not None and (label.examples or label.contrast_prompts)
    return ScoreKind.PRESENCE if has_contrast else ScoreKind.PROBABILITY


def _in_regions(rules: Sequence[EventRule], regions: Sequence[Region]) -> Iterator[EventRule]:
    """Yields each rule once for every region; as it is if there are none."""
    if not regions:
        yield from rules
    for rule in rules if regions else ():
        for region in regions:
            yield replace(rule, id=rule_name(rule.label, region.id), region_id=region.id)


def _default_rules(labels: Sequence[str]) -> Iterator[EventRule]:
    for label in labels:
        yield EventRule(label, DEFAULT_ENTER_AT, DEFAULT_EXIT_BELOW)
