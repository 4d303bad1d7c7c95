"""Options of the commands of `bench`: models, engines, sizes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from framewatch_core.errors import FramewatchError
from framewatch_demo import MODEL_DIR
from framewatch_server.tables import progress
from framewatch_server.vision.towers.encoder import Encoder
from framewatch_server.vision.towers.null import NULL

DEMO = "demo"
FRAME_COUNT = 44

Size = Literal["480p", "720p", "1080p", "4k"]
Json = Annotated[bool, Parameter(name="--json")]


class BenchError(FramewatchError):
    """The measurement that was asked for is not possible."""

    reason = "CANNOT_MEASURE"


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """Engine that runs the model; all options are those of `serve`.

    Attributes:
        device: Device, as `serve` takes it.
        dtype: Data type, as `serve` takes it.
        engine: Engine, as `serve` takes it.
        quantisation_images_dir: Folder of images for int8, as `serve` takes it.

    """

    device: str = "auto"
    dtype: str = "auto"
    engine: str = "auto"
    quantisation_images_dir: Annotated[Path | None, Parameter(name="--quantisation-images")] = None

    @property
    def flags(self) -> list[str]:
        """Flags of `serve` for the same engine."""
        folder = self.quantisation_images_dir
        images = ["--quantisation-images", str(folder)] if folder else []
        return ["--device", self.device, "--dtype", self.dtype, "--engine", self.engine, *images]

    def load(self, checkpoint: str) -> Encoder:
        """Loads the encoder that `serve` would load, in this process. Raises ModelLoadError."""
        from framewatch_server.vision.checkpoints.load import load_encoder  # noqa: PLC0415 torch: `--help` stays quick

        return load_encoder(
            checkpoint,
            device=self.device,
            dtype=self.dtype,
            engine=self.engine,
            quantisation_images_dir=self.quantisation_images_dir,
        )


AS_SERVE = EngineOptions()
"""Engine of a `serve` without flags."""


@contextmanager
def checkpoint_of(model: str) -> Iterator[str]:
    """Yields the model to load: `model` itself, or a folder with random weights if it is the name of a geometry."""
    from framewatch_bench.checkpoints import GEOMETRIES, make_checkpoint  # noqa: PLC0415 torch

    if model not in GEOMETRIES:
        yield model
        return
    with tempfile.TemporaryDirectory() as folder:
        with progress.status(f"making a {model} with random weights"):
            path = make_checkpoint(Path(folder) / model.replace("/", "-"), model)
        yield str(path)


@contextmanager
def shared_checkpoint_of(model: str) -> Iterator[str]:
    """Yields the same as `checkpoint_of`, but a name that other libraries know too. Raises BenchError for `null`."""
    require_tower(model)
    with checkpoint_of(model) as checkpoint:
        yield str(MODEL_DIR) if checkpoint == DEMO else checkpoint


def require_tower(model: str) -> None:
    """Raises BenchError for the model that computes nothing."""
    if model == NULL:
        raise BenchError(
            f"{NULL!r} computes nothing, so there is no tower to measure: name another model, such as ViT-B/32; "
            f"`bench serve {NULL}` measures the server itself"
        )
