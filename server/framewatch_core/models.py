"""Models that a server has loaded."""

from __future__ import annotations

from dataclasses import dataclass

from framewatch_core.labels.scoring import ScoreFunction


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded model; see `Model` in the .proto.

    Attributes:
        name: name of the model in calls.
        family: such as `clip` or `siglip`.
        image_width, image_height: size of its input, in pixels.
        dimension: numbers per vector.
        device: such as `cpu` or `cuda:0`.
        dtype: number format that it computes in: `float32`, `bfloat16`, `float16` or `int8`.
        engine: library that runs its image tower: `torch` or `openvino`.
        score_function: how it turns cosines into probabilities; None: a function of a later version that this one does
            not know.
        max_text_tokens: tokens that it reads of a text, those for beginning and end included.
        revision: commit on the hub that it was loaded from; empty for a folder.
        weights_digest: identifies its weights, 16 hexadecimal digits, the same in every dtype.
        memory_bytes: memory that was reserved for it.
        is_demo: True: the embedded demo model, which recognises a few rendered scenes and nothing else.

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

    @property
    def described(self) -> str:
        """Its name and its weights, for messages."""
        return f"{self.name} (weights {self.weights_digest})"
