"""Options of `framewatch label` in groups, and the objects that each group describes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from framewatch_cli.commands.options.files import check_folder_of, load_plots
from framewatch_cli.commands.options.parameters import Flag, Fps, UsageError
from framewatch_cli.labelling.folder_store import FolderStore, Link
from framewatch_cli.labelling.run import LabelJob
from framewatch_cli.labelling.sorting import DEFAULT_MIN_MARGIN, DEFAULT_MIN_SCORE, Sorting
from framewatch_cli.labelling.sources import FrameFiles, LabelSource, PictureFiles
from framewatch_cli.labelling.store import LabelStore
from framewatch_cli.labelling.table_store import TableStore
from framewatch_cli.pictures.atomic import real_file
from framewatch_cli.pictures.sheet import check_sheet
from framewatch_client import without_password
from framewatch_core.labels.scoring import ScoreKind

DEFAULT_FPS = 1.0
DEFAULT_CHANGE_THRESHOLD = 0.05
TABLE_SUFFIXES = frozenset({".csv", ".jsonl"})
OTHER_SUFFIXES = frozenset({".json", ".parquet", ".tsv", ".txt", ".xlsx", ".zip"})
"""Suffixes of files that are not written, and that a folder is hardly meant to have."""

Share = Annotated[float, Parameter(validator=Number(gte=0, lte=1))]


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class SortingOptions:
    """Rules by which scores become labels.

    Attributes:
        min_score: Least score of the best label; with less the picture is uncertain.
        min_margin: Least distance of that score to the next label's; with less the picture is uncertain.
        score: The score that counts: the probability among all labels, or each label's presence against its own
            contrast.
        val_share: Share of the labelled pictures that goes to OUT/validation instead, chosen by their content, so that
            it is always the same. Of video, stretches of 10 seconds go there, since neighbouring frames show nearly the
            same.

    """

    min_score: Share = DEFAULT_MIN_SCORE
    min_margin: Share = DEFAULT_MIN_MARGIN
    score: Literal["probability", "presence"] = "probability"
    val_share: Annotated[float, Parameter(validator=Number(gte=0, lt=1))] = 0.0

    @property
    def sorting(self) -> Sorting:
        """The rules."""
        return Sorting(ScoreKind[self.score.upper()], self.min_score, self.min_margin, self.val_share)


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class FrameOptions:
    """Choice of a video's frames.

    Attributes:
        fps: Of video, limit of frames a second; 1 if neither this nor --every is given.
        every: Of video, use each so-many-th frame.
        change_threshold: Of video, skip frames that differ by less than this from the last one that was not skipped; 0
            to 1. 0 skips only frames that are the same. Near-duplicates teach a model nothing.

    """

    fps: Fps = None
    every: Annotated[int | None, Parameter(validator=Number(gte=1))] = None
    change_threshold: Share = DEFAULT_CHANGE_THRESHOLD

    @property
    def max_fps(self) -> float | None:
        """Limit of frames a second; None: every so-many-th frame is used. Raises UsageError if both were given."""
        if self.fps is not None and self.every is not None:
            raise UsageError("--fps and --every can't be given together: each chooses the frames of a video")
        return DEFAULT_FPS if self.fps is None and self.every is None else self.fps


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class StoreOptions:
    """Kind of the output.

    Attributes:
        link: Link to the pictures instead of copying them: hard or symbolic.
        metadata: Write metadata.jsonl with the scores into OUT/train and OUT/validation. datasets then loads its
            columns, with the label as text, instead of classes.
        restart: Remove the output of an earlier run at --out and begin anew, also with other options.

    """

    link: Link | None = None
    metadata: Flag = False
    restart: Flag = False

    def store(self, out: Path, source: LabelSource, job: LabelJob) -> LabelStore:
        """Returns the place for labelled pictures. Raises UsageError: the options don't fit `out`."""
        labels = job.question.label_set.names
        root = source.root.absolute() if isinstance(source, PictureFiles) else None
        suffix = out.suffix.lower()
        if suffix in OTHER_SUFFIXES:
            raise UsageError(f"--out {out}: expected a folder, NAME.csv or NAME.jsonl; {suffix} is not written")
        if suffix not in TABLE_SUFFIXES:
            return FolderStore(out, labels, root, link=self.link, metadata=self.metadata)
        for name, given in (("--link", self.link), ("--metadata", self.metadata)):
            if given:
                raise UsageError(
                    f"{name} is for a folder of pictures, and --out {out} is a table: leave one of them out"
                )
        path = Path(job.source)
        shown_source = str(path.absolute()) if path.exists() else without_password(job.source)
        return TableStore(real_file(out), labels, root, shown_source)


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class DrawingOptions:
    """Pictures of the result.

    Attributes:
        plot: A PNG to draw: the distribution of the scores, with the threshold, and the number of pictures of each
            label. Needs framewatch[plot].
        sheet: An HTML page to write: the most uncertain pictures with their labels. It needs no other file.

    """

    plot: Path | None = None
    sheet: Path | None = None

    def load_plots(self) -> ModuleType | None:
        """Returns the module that draws the plot; None: there is none to draw.

        Raises:
            UsageError: matplotlib is not installed.
            ValueError: the plot or the sheet is of another format.

        """
        check_sheet(self.sheet)
        return load_plots(self.plot, "framewatch_cli.labelling.plots")

    def check(self, source: LabelSource, store: LabelStore) -> None:
        """Raises UsageError, before the work, if the pictures can't be drawn after it."""
        new_folder = store.log_path.absolute().parent
        for path in (self.plot, self.sheet):
            if path is not None and (path.is_dir() or path.absolute().parent != new_folder):
                check_folder_of(path)
        is_live = isinstance(source, FrameFiles) and source.source.is_live
        if self.sheet is not None and is_live and not store.keeps_pictures:
            raise UsageError(
                f"--sheet {self.sheet}: the source is live, and its frames will be gone: give a folder as --out, or "
                "leave --sheet out"
            )
