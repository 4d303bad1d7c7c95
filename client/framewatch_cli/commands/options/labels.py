"""Options that describe labels by texts and pictures, and the regions that they are scored in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from cyclopts import Parameter

from framewatch_cli.commands.options.parameters import Repeated, Templates
from framewatch_cli.pictures.examples import ExampleSource, load_example, parse_example_option
from framewatch_client import parse_region
from framewatch_core.images.image import Image
from framewatch_core.images.regions import Region, check_regions
from framewatch_core.labels.labels import DEFAULT_TEMPLATES, Label, LabelSet


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class LabelOptions:
    """Descriptions of labels, besides their names.

    Attributes:
        example: LABEL=SPEC: pictures of the label's thing, best from the same camera. A few describe it better than
            words do, and presence then compares with them. SPEC: an image file, a folder of images, or frames of a
            video, VIDEO@9.2s or VIDEO@9.2s,12s. #REGION at its end crops them to one of the regions. Repeat it for
            more. Needs --counter-example too.
        counter_example: LABEL=SPEC: pictures of the same place without the label's thing.
        contrast: LABEL=PROMPT: describes the picture when the label's thing is not there, such as "person=an empty
            room". Presence compares the label with this alone. Repeat it for more.
        template: A sentence with {label} in it that the label's name is put into. Repeat it for several, whose
            embeddings are averaged. By default "a photo of {label}"; with --no-template the names are used as they
            are.

    """

    example: Repeated = None
    counter_example: Repeated = None
    contrast: Repeated = None
    template: Templates = None

    @property
    def given(self) -> list[str]:
        """Names of the options that were given."""
        names = (field.name for field in fields(self) if getattr(self, field.name) is not None)
        return [f"--{name.replace('_', '-')}" for name in names]

    def regions(self) -> tuple[Region, ...]:
        """Returns the regions that examples may be cropped to: none."""
        return ()

    @property
    def templates(self) -> tuple[str, ...]:
        """Templates of the label set."""
        return DEFAULT_TEMPLATES if self.template is None else tuple(self.template)

    def labels(self, names: Sequence[str]) -> tuple[Label, ...]:
        """Returns labels with their pictures: those named, then those that only these options name.

        Raises:
            ValueError, SourceError, OSError, FramewatchError: one of the options can't be used.

        """
        regions = {region.id: region for region in self.regions()}
        examples, counter_examples = (_pictures(o, regions) for o in (self.example, self.counter_example))
        contrasts = _contrasts(self.contrast or ())
        others = dict.fromkeys(name for name in (*examples, *counter_examples, *contrasts) if name not in names)
        return tuple(
            Label(
                name,
                contrast_prompts=tuple(contrasts.get(name, ())),
                examples=tuple(examples.get(name, ())),
                counter_examples=tuple(counter_examples.get(name, ())),
            )
            for name in (*names, *others)
        )

    def label_set(self, names: Sequence[str]) -> LabelSet:
        """Returns the labels with the templates; raises as `labels`."""
        return LabelSet(self.labels(names), self.templates)


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class LabelAndRegionOptions(LabelOptions):
    """Descriptions of labels, and the regions of the frame.

    Attributes:
        region: ID=X,Y,WIDTH,HEIGHT: a part of the frame that is scored by itself, in fractions of the frame, such as
            left=0.06,0.28,0.17,0.62. Repeat it for more.

    """

    region: Repeated = None

    def regions(self) -> tuple[Region, ...]:
        """Returns the regions. Raises ValueError, InvalidRegion."""
        regions = tuple(map(parse_region, self.region or ()))
        check_regions(regions)
        return regions


def _pictures(options: Sequence[str] | None, regions: Mapping[str, Region]) -> dict[str, list[Image]]:
    found: dict[str, list[Image]] = {}
    for option in options or ():
        label, examples = parse_example_option(option, regions)
        for example in examples:
            source = ExampleSource(Path(example.path), example.time_ns, regions.get(example.region))
            found.setdefault(label, []).extend(load_example(source))
    return found


def _contrasts(options: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for option in options:
        label, equals, prompt = option.partition("=")
        if not (label and equals and prompt):
            raise ValueError(
                f"the contrast {option!r} can't be read: expected LABEL=PROMPT, such as person=an empty room"
            )
        found.setdefault(label, []).append(prompt)
    return found
