"""Calibrates a rule on a recording with known stretches: takes examples, scores the recording, finds thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from framewatch_cli.pictures.examples import as_example
from framewatch_cli.pictures.frames import frames_at
from framewatch_cli.rules.recording import ItemSink, Recording, record
from framewatch_client import (
    AsyncFramewatchClient,
    SourceError,
    open_source,
    rule_name,
)
from framewatch_core.calibration.calibrate import Calibration, calibrate
from framewatch_core.calibration.intervals import Interval, complement
from framewatch_core.calibration.material import inner
from framewatch_core.errors import InvalidRegion, InvalidRequest
from framewatch_core.images.regions import WHOLE_FRAME_ID, Region
from framewatch_core.labels.labels import DEFAULT_TEMPLATES, Label, LabelSet
from framewatch_core.rules.rule import EventRule
from framewatch_core.time import NS_PER_S

DEFAULT_EXAMPLE_COUNT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationPlan:
    """Recording, labels and known stretches of a calibration.

    Attributes:
        source: a recording; see `open_source`.
        labels: the first one is calibrated, with its examples and prompts; the others complete its label set.
        present: stretches with the label's thing, in order, apart; empty: background only.
        absent: stretches without it; empty: all time that is not present.
        regions: regions that get the rule; empty: the whole frame.
        region_id: region that the stretches are about; empty: the first one.
        until_ns: end of the part that is used; None: all of it.
        example_count: how many examples, and as many counter-examples, are taken from the source for the calibrated
            label; none if the label has its own, or without present stretches.
        fps: see `open_source`.
        model: name of one of the server's models; empty: its default.
        templates: see `LabelSet`.

    Raises:
        InvalidRequest: no stretch is given.
        InvalidRegion: there is no such region.

    """

    source: str
    labels: tuple[Label, ...]
    present: tuple[Interval, ...] = ()
    absent: tuple[Interval, ...] = ()
    regions: tuple[Region, ...] = ()
    region_id: str = ""
    until_ns: int | None = None
    example_count: int = DEFAULT_EXAMPLE_COUNT
    fps: float | None = None
    model: str = ""
    templates: tuple[str, ...] = DEFAULT_TEMPLATES

    def __post_init__(self) -> None:
        if not (self.present or self.absent):
            raise InvalidRequest(
                "no stretch is known: give the times when it is there, when it is not there, or both", "present"
            )
        ids = [region.id for region in self.regions]
        if self.region_id and self.region_id not in ids:
            known = ", ".join(ids) or "none"
            raise InvalidRegion(f"there is no region {self.region_id!r}: known are {known}", "region_id")

    @property
    def known_region(self) -> Region | None:
        """Region that the stretches are about; None: the whole frame."""
        return next((region for region in self.regions if self.region_id in {"", region.id}), None)

    def absent_until(self, end_ns: int) -> tuple[Interval, ...]:
        """Returns the stretches without the label's thing in a recording of that length."""
        return self.absent or complement(self.present, end_ns)


@dataclass(frozen=True, slots=True)
class CalibrationRun:
    """Result of a calibration.

    Attributes:
        label_set: labels with the pictures that were used.
        calibration: calibration of the first label in the known region.
        rules: the calibrated rule for every region.
        recording: scores that the calibration rests on.

    """

    label_set: LabelSet
    calibration: Calibration
    rules: tuple[EventRule, ...]
    recording: Recording


async def calibrate_source(
    client: AsyncFramewatchClient,
    plan: CalibrationPlan,
    on_item: ItemSink | None = None,
) -> CalibrationRun:
    """Takes examples, scores the source and calibrates.

    Args:
        client: client of the server.
        plan: recording, labels and known stretches.
        on_item: is called with every result as it comes.

    Raises:
        SourceError: the source can't be read, or its length is needed and unknown.
        InvalidMaterial: there are no frames in the stretches.
        as `stream`.

    """
    label_set = LabelSet((with_examples(plan), *plan.labels[1:]), plan.templates)
    with open_source(plan.source, plan.fps) as source:
        recording = await record(
            client,
            source,
            label_set,
            regions=plan.regions,
            model=plan.model,
            until_ns=plan.until_ns,
            on_item=on_item,
        )
    calibration = calibrate_recording(recording, plan)
    return CalibrationRun(label_set, calibration, rules_of(calibration, plan.regions), recording)


def calibrate_recording(recording: Recording, plan: CalibrationPlan) -> Calibration:
    """Finds the rule of the plan's first label in its known region. Raises InvalidMaterial."""
    region = plan.known_region
    region_id = region.id if region else WHOLE_FRAME_ID
    end_ns = recording.end_ns if plan.until_ns is None else min(recording.end_ns, plan.until_ns)
    label = plan.labels[0].name
    material = recording.material(label, plan.present, plan.absent_until(end_ns), region_id)
    return calibrate(material, label, region_id=region_id, rule_id=rule_name(label, region_id) if region else "")


def rules_of(calibration: Calibration, regions: Sequence[Region]) -> tuple[EventRule, ...]:
    """Returns the calibrated rule for every region; for the whole frame if there are none."""
    rule = calibration.rule
    if not regions:
        return (rule,)
    return tuple(replace(rule, id=rule_name(rule.label, region.id), region_id=region.id) for region in regions)


def with_examples(plan: CalibrationPlan) -> Label:
    """Returns the calibrated label with its own pictures, else with frames of the source. Raises SourceError."""
    label = plan.labels[0]
    if label.examples or not plan.present or plan.example_count == 0:
        return label
    times = example_times(plan.present, plan.absent_until(_end_ns(plan)), plan.example_count)
    frames = frames_at(plan.source, [*times[0], *times[1]])
    pictures = tuple(as_example(frame, plan.known_region) for frame in frames)
    count = len(times[0])
    return replace(label, examples=pictures[:count], counter_examples=pictures[count:])


def _end_ns(plan: CalibrationPlan) -> int:
    if plan.until_ns is not None:
        return plan.until_ns
    with open_source(plan.source) as source:
        if source.duration_s is None:
            raise SourceError(f"{source.name} has an unknown length: give the end of the part to use")
        return round(source.duration_s * NS_PER_S)


def example_times(
    present: Sequence[Interval], absent: Sequence[Interval], count: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Returns times of examples and counter-examples: evenly from the first appearance and from the time before it.

    If there is nothing before it, counter-examples are from the first stretch after it. Ends of stretches are left out,
    because things come and go there.

    Raises:
        InvalidRequest: there is no absent stretch.

    """
    if not absent:
        raise InvalidRequest("no stretch is known to be without it: give one, or no examples", "absent")
    first = present[0]
    before = [stretch for stretch in absent if stretch.end_ns <= first.start_ns]
    return _evenly([first], count), _evenly(before or absent[:1], count)


def _evenly(stretches: Sequence[Interval], count: int) -> tuple[int, ...]:
    """Returns the middles of `count` equal parts of the stretches without their ends."""
    inners = [inner(stretch) for stretch in stretches]
    total = sum(stretch.length_ns for stretch in inners)
    return tuple(_moment(inners, (2 * i + 1) * total // (2 * count)) for i in range(count))


def _moment(stretches: Sequence[Interval], offset_ns: int) -> int:
    """Returns the time at an offset into the stretches, as if they followed each other without gaps."""
    for stretch in stretches:
        if offset_ns < stretch.length_ns:
            return stretch.start_ns + offset_ns
        offset_ns -= stretch.length_ns
    return stretches[-1].end_ns
