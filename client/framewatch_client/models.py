"""The models that a server has."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_client import _wire as wire


class ScoreFunction(Enum):
    """How a model turns cosines into probabilities: over the label set, or for each label on its own."""

    SOFTMAX = auto()
    SIGMOID = auto()


@dataclass(frozen=True, slots=True)
class Model:
    """A model that is loaded.

    Attributes:
        name: how calls name it.
        family: such as `clip` or `siglip`.
        image_width, image_height: of its input, in pixels.
        dimension: how many numbers its vectors have.
        device: where it runs, such as `cpu` or `cuda:0`.
        dtype: what it computes in: `float32`, `bfloat16`, `float16` or `int8`.
        engine: the library that runs its image tower: `torch` or `openvino`.
        score_function: how its probabilities come about; None: in a way that this client doesn't know.
        max_text_tokens: how many tokens of a text it reads, those for beginning and end counted.
        revision: the commit on the hub that it was loaded from; empty for a folder.
        weights_digest: names its weights, 16 hexadecimal digits, in whatever dtype they are loaded.
        memory_bytes: the memory that was set aside for it.
        is_demo: whether it is the embedded demo model, which knows a few rendered scenes and nothing else.
        message: as it came.

    """

    name: str
    family: str
    image_width: int
    image_height: int
    dimension: int
    device: str
    dtype: str
    engine: str
    score_function: ScoreFunction | None
    max_text_tokens: int
    revision: str
    weights_digest: str
    memory_bytes: int
    is_demo: bool
    message: pb.Model = field(repr=False, compare=False)

    @property
    def described(self) -> str:
        """Its name and its weights, for messages."""
        return f"{self.name} (weights {self.weights_digest})"


def models(message: pb.ListModelsResponse) -> tuple[Model, ...]:
    """The models of a response; the first is the server's default."""
    return tuple(map(_model, message.models))


def _model(message: pb.Model) -> Model:
    names = pb.ScoreFunction.DESCRIPTOR
    return Model(
        name=message.name,
        family=message.family,
        image_width=message.image_width,
        image_height=message.image_height,
        dimension=message.dimension,
        device=message.device,
        dtype=message.dtype,
        engine=message.engine,
        score_function=wire.known(ScoreFunction, names, "SCORE_FUNCTION_", message.score_function),
        max_text_tokens=message.max_text_tokens,
        revision=message.revision,
        weights_digest=message.weights_digest,
        memory_bytes=message.memory_bytes,
        is_demo=message.demo,
        message=message,
    )
