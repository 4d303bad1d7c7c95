"""Rules from a recording of which some stretches are known: takes examples, scores it and finds thresholds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from framewatch_cli.pictures.examples import as_example
from framewatch_cli.pictures.frames import frames_at
from framewatch_cli.rules.recording import Recording, record
from framewatch_client import AsyncFramewatchClient, Event, FrameResult, SourceError, open_source, rule_name
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
    """What to calibrate on what.

    Attributes:
        source: a recording; see `open_source`.
        labels: the first is calibrated, with its examples and prompts; the others are its company in the set.
        present: stretches with it, in order, apart; none: background only.
        absent: stretches without it; none: all that is not present.
        regions: that get the rule; none: the whole frame.
        region: id of the one that stretches are known of; empty: the first.
        until_ns: where the part that is used ends; None: where the source does.
        example_count: how many examples, and as many counter-examples, are taken from the source for the calibrated
            label; none are if it has its own, or without present stretches.
        fps: see `open_source`.
        model: one of the server's; empty: its default.
        templates: see `LabelSet`.

    Raises:
        InvalidRequest: stretches are missing or none.
        InvalidRegion: `region` is none of the regions.

    """

    source: str
    labels: tuple[Label, ...]
    present: tuple[Interval, ...] = ()
    absent: tuple[Interval, ...] = ()
    regions: tuple[Region, ...] = ()
    region: str = ""
    until_ns: int | None = None
    example_count: int = DEFAULT_EXAMPLE_COUNT
    fps: float | None = None
    model: str = ""
    templates: tuple[str, ...] = DEFAULT_TEMPLATES

    def __post_init__(self) -> None:
        if not (self.present or self.absent):
            raise InvalidRequest("no stretch is known: say when it is there, when it is not, or both", "present")
        ids = [region.id for region in self.regions]
        if self.region and self.region not in ids:
            raise InvalidRegion(f"there is no region {self.region!r}: known are {', '.join(ids) or 'none'}", "region")

    @property
    def judged_region(self) -> Region | None:
        """The region that stretches are known of; None: the whole frame."""
        return next((region for region in self.regions if self.region in {"", region.id}), None)

    def absent_until(self, end_ns: int) -> tuple[Interval, ...]:
        """The stretches without it in a recording of that length."""
        return self.absent or complement(self.present, end_ns)


@dataclass(frozen=True, slots=True)
class CalibrationRun:
    """What came out.

    Attributes:
        label_set: with the pictures that were used.
        calibration: of the first label in the judged region.
        rules: the calibrated rule for every region.
        recording: what it rests on.

    """

    label_set: LabelSet
    calibration: Calibration
    rules: tuple[EventRule, ...]
    recording: Recording


async def calibrate_source(
    client: AsyncFramewatchClient,
    plan: CalibrationPlan,
    on_item: Callable[[FrameResult | Event], object] | None = None,
) -> CalibrationRun:
    """Takes examples, scores the source and calibrates.

    Args:
        client: of the server.
        plan: what to do.
        on_item: is given every result as it comes.

    Raises:
        SourceError: the source can't be read, or its length is not known and needed.
        InvalidMaterial: the stretches hold no frames.
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
    """Finds the rule of the plan's first label in its judged region. Raises InvalidMaterial."""
    region = plan.judged_region
    region_id = region.id if region else WHOLE_FRAME_ID
    end_ns = recording.end_ns if plan.until_ns is None else min(recording.end_ns, plan.until_ns)
    label = plan.labels[0].name
    material = recording.material(label, plan.present, plan.absent_until(end_ns), region_id)
    return calibrate(material, label, region_id=region_id, rule_id=rule_name(label, region_id) if region else "")


def rules_of(calibration: Calibration, regions: Sequence[Region]) -> tuple[EventRule, ...]:
    """The calibrated rule for every region; for the whole frame without."""
    rule = calibration.rule
    if not regions:
        return (rule,)
    return tuple(replace(rule, id=rule_name(rule.label, region.id), region_id=region.id) for region in regions)


def with_examples(plan: CalibrationPlan) -> Label:
    """The calibrated label with pictures: its own, else frames of the source. Raises SourceError."""
    label = plan.labels[0]
    if label.examples or not plan.present or plan.example_count == 0:
        return label
    times = example_times(plan.present, plan.absent_until(_end_ns(plan)), plan.example_count)
    frames = frames_at(plan.source, [*times[0], *times[1]])
    pictures = tuple(as_example(frame, plan.judged_region) for frame in frames)
    count = len(times[0])
    return replace(label, examples=pictures[:count], counter_examples=pictures[count:])


def _end_ns(plan: CalibrationPlan) -> int:
    if plan.until_ns is not None:
        return plan.until_ns
    with open_source(plan.source) as source:
        if source.duration_s is None:
            raise SourceError(f"{source.name} does not say how long it is: say until when to use it")
        return round(source.duration_s * NS_PER_S)


def example_times(
    present: Sequence[Interval], absent: Sequence[Interval], count: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """When to take examples and counter-examples: evenly from the first appearance, and from what lies before it.

    Without anything before it, counter-examples are from the first stretch behind it. Ends of stretches, where things
    come and go, are left out.

    Raises:
        InvalidRequest: there is no absent stretch.

    """
    if not absent:
        raise InvalidRequest("no stretch is known to be without it: give one, or no examples", "absent")
    first = present[0]
    before = [stretch for stretch in absent if stretch.end_ns <= first.start_ns]
    return _evenly([first], count), _evenly(before or absent[:1], count)


def _evenly(stretches: Sequence[Interval], count: int) -> tuple[int, ...]:
    """Moments in the middles of so many equal parts of the stretches without their ends."""
    inners = [inner(stretch) for stretch in stretches]
    total = sum(stretch.length_ns for stretch in inners)
    return tuple(_moment(inners, (2 * i + 1) * total // (2 * count)) for i in range(count))


def _moment(stretches: Sequence[Interval], offset_ns: int) -> int:
    """What lies so far into the stretches, put one behind the other."""
    for stretch in stretches:
        if offset_ns < stretch.length_ns:
            return stretch.start_ns + offset_ns
        offset_ns -= stretch.length_ns
    return stretches[-1].end_ns
