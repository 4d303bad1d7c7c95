"""Options that several commands have, and what they come to."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, TypeVar

from cyclopts import Parameter
from cyclopts.validators import Number

from framewatch_cli.commands.actions import Output
from framewatch_cli.pictures.examples import ExampleSource, load_example, parse_example_option
from framewatch_client import DEFAULT_ADDRESS, DEFAULT_TIMEOUT_S, AsyncFramewatchClient, parse_region
from framewatch_core.calibration.intervals import parse_time
from framewatch_core.images.image import Image
from framewatch_core.images.regions import Region, check_regions
from framewatch_core.labels.labels import DEFAULT_TEMPLATES, Label, LabelSet
from framewatch_core.rules.rule import EventRule

if TYPE_CHECKING:
    from framewatch_cli.rules.file import RulesFile

T = TypeVar("T")

Labels = Annotated[list[str], Parameter(name="--label", negative=())]
Templates = Annotated[list[str] | None, Parameter(name="--template", negative="--no-template")]
Top = Annotated[int, Parameter(validator=Number(gte=0))]
Fps = Annotated[float | None, Parameter(validator=Number(gt=0))]
Repeated = Annotated[list[str] | None, Parameter(negative=())]
Flag = Annotated[bool, Parameter(negative=(), show_default=False)]


EXPLAINED_SCORES = 30
"""How many scores an event's trail shows."""


class UsageError(Exception):
    """Options that don't go together."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Which server.

    Attributes:
        server: HOST:PORT of the server.
        model: One of the server's models; its default if not given.

    """

    server: Annotated[str, Parameter(env_var="FRAMEWATCH_SERVER")] = DEFAULT_ADDRESS
    model: Annotated[str, Parameter(show_default=False)] = ""


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Common(Connection):
    """Options of every command.

    Attributes:
        json: Print each response as one line of JSON, in protobuf's mapping with the .proto's field names and zeros
            written out, and nothing else on standard output.

    """

    json: Flag = False


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Depicted:
    """What labels look like, besides their names.

    Attributes:
        example: LABEL=SPEC: pictures of it, best from the very camera; a few say more than any words, and presence then
            goes by them. SPEC: an image file, a folder of images, or frames of a video: VIDEO@9.2s, several
            VIDEO@9.2s,12s; #REGION behind it crops them to one of the regions. Repeat it for several. Needs
            counter-examples too.
        counter_example: LABEL=SPEC: pictures of the same place without it.
        contrast: LABEL=PROMPT: what the picture looks like when it is not there, such as "person=an empty room".
            Presence compares the label with that alone. Repeat it for several.
        template: A sentence with {label} in it that labels are put into; repeat it for several, which are averaged. By
            default "a photo of {label}"; with --no-template labels are used as they are.

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
        """The regions that examples may be cropped to: none."""
        return ()

    @property
    def templates(self) -> tuple[str, ...]:
        """The templates."""
        return DEFAULT_TEMPLATES if self.template is None else tuple(self.template)

    def labels(self, names: Sequence[str]) -> tuple[Label, ...]:
        """Labels with their pictures: those named, then those that only other options name.

        Raises:
            ValueError, SourceError, OSError, FramewatchError: what is wrong with one of them.

        """
        regions = {region.id: region for region in self.regions()}
        examples, counter_examples = (_pictures(o, regions) for o in (self.example, self.counter_example))
        contrasts = _contrasts(self.contrast or ())
        return tuple(
            Label(
                name,
                contrast_prompts=tuple(contrasts.get(name, ())),
                examples=tuple(examples.get(name, ())),
                counter_examples=tuple(counter_examples.get(name, ())),
            )
            for name in [
                *names,
                *dict.fromkeys(n for n in (*examples, *counter_examples, *contrasts) if n not in names),
            ]
        )

    def label_set(self, names: Sequence[str]) -> LabelSet:
        """The labels with the templates; raises as `labels`."""
        return LabelSet(self.labels(names), self.templates)


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Described(Depicted):
    """What labels look like and where to look, besides their names.

    Attributes:
        region: ID=X,Y,WIDTH,HEIGHT: a part of the frame that is looked at by itself, in fractions of the frame, such as
            left=0.06,0.28,0.17,0.62. Repeat it for several.

    """

    region: Repeated = None

    def regions(self) -> tuple[Region, ...]:
        """The regions. Raises ValueError, InvalidRegion."""
        regions = tuple(map(parse_region, self.region or ()))
        check_regions(regions)
        return regions


def _pictures(options: Sequence[str] | None, regions: Mapping[str, Region]) -> dict[str, list[Image]]:
    if not options:
        return {}
    found: dict[str, list[Image]] = {}
    for option in options:
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


def parse_moment(text: str | None, option: str) -> int | None:
    """An option's time in nanoseconds; None if it was not given. Raises UsageError."""
    if text is None:
        return None
    time_ns = parse_time(text)
    if not time_ns:
        raise UsageError(f"{option} {text}: expected a time of more than 0, such as 46.4s or 12:40")
    return time_ns


def check_folder_of(path: Path | None) -> None:
    """Raises UsageError if a file can't be written there, before the work is done. None: none is to be written."""
    if path is None:
        return
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path} can't be written: there is no folder {path.parent}; make it first")
    if path.is_dir():
        raise UsageError(f"{path} can't be written: it is a folder; give a file's name")


def load_rules(path: Path) -> RulesFile:
    """A rules file. Raises OSError, and UsageError with the file's name, line and path of what is wrong."""
    from framewatch_cli.rules.file import read_rules  # noqa: PLC0415  brings PyYAML
    from framewatch_cli.rules.yaml_nodes import RulesFileError  # noqa: PLC0415

    try:
        return read_rules(path)
    except RulesFileError as error:
        raise UsageError(f"{path}: {error}") from error


def load_plots(path: Path | None, module: str = "framewatch_cli.rules.plots") -> ModuleType | None:
    """The module that draws; None: there is nothing to draw.

    Raises:
        UsageError: what it needs is not installed.
        ValueError: it can't draw files of that kind.

    """
    if path is None:
        return None
    try:
        plots, drawn = (importlib.import_module(name) for name in ("framewatch_cli.rules.plots", module))
    except ModuleNotFoundError as error:
        raise UsageError(f"drawing {path} needs {error.name}: pip install 'framewatch[plot]'") from error
    plots.check_plot(path)
    return drawn


def with_trails(rules: Iterable[EventRule]) -> tuple[EventRule, ...]:
    """The rules, whose events tell what led to them."""
    return tuple(replace(rule, trail_count=rule.trail_count or EXPLAINED_SCORES) for rule in rules)


def run_with_client(
    server: str, command: Callable[[AsyncFramewatchClient], Awaitable[T]], timeout_s: float = DEFAULT_TIMEOUT_S
) -> T:
    """Runs a command with a client on an event loop of its own. `timeout_s`: of each call."""

    async def connected() -> T:
        async with AsyncFramewatchClient(server, timeout_s=timeout_s) as client:
            return await command(client)

    return asyncio.run(connected())


def hint_at_single_label(labels: Sequence[str], output: Output) -> None:
    """A softmax over one label is 1 whatever the picture shows."""
    if len(labels) == 1:
        output.say(
            "note: with a single label, models of the CLIP kind give it probability 1 whatever the picture shows: add "
            'one for what else there may be, such as --label "something else"',
            style="yellow",
        )
