"""The families of models that can be served, and the differences between them."""

from __future__ import annotations

from dataclasses import dataclass

from framewatch_core.errors import ModelLoadError
from framewatch_core.labels.scoring import ScoreFunction


@dataclass(frozen=True, slots=True)
class Family:
    """Properties of a family's checkpoints that are not in their files.

    Attributes:
        title: the name that people use.
        score_function: turns cosines into probabilities.
        pads_texts: True: texts are padded to the model's full length, as in its training. With less padding, vectors
            are wrong.
        class_tokens: the number of outputs, at the beginning of the image tower's last layer, that belong to no patch.

    """

    title: str
    score_function: ScoreFunction = ScoreFunction.SOFTMAX
    pads_texts: bool = False
    class_tokens: int = 1


FAMILIES = {
    "clip": Family("CLIP, MetaCLIP"),
    "metaclip_2": Family("MetaCLIP 2"),
    "siglip": Family("SigLIP, SigLIP 2", ScoreFunction.SIGMOID, pads_texts=True, class_tokens=0),
    "altclip": Family("AltCLIP"),
    "chinese_clip": Family("Chinese-CLIP"),
}
"""Families by transformers' model type."""

OPEN_CLIP = "open_clip"
"""Family of the checkpoints in OpenCLIP's own format, whatever their towers are."""

_NOT_SUPPORTED = {
    "siglip2": (
        "it is a NaFlex variant of SigLIP 2, whose inputs have varying shapes: take the fixed-size one of the same "
        "size, such as google/siglip2-base-patch16-224"
    ),
    "clip_text_model": "it is CLIP's text tower alone: take the whole model",
    "clip_vision_model": "it is CLIP's image tower alone: take the whole model",
    "siglip_text_model": "it is SigLIP's text tower alone: take the whole model",
    "siglip_vision_model": "it is SigLIP's image tower alone: take the whole model",
}


def family_of(model_type: str, name: str) -> Family:
    """Returns the family of a model type of transformers. Raises ModelLoadError for one that can't be served.

    Args:
        model_type: from the checkpoint's config.json.
        name: of the model, for the error.

    """
    if (family := FAMILIES.get(model_type)) is not None:
        return family
    known = ", ".join(f"{key} ({family.title})" for key, family in FAMILIES.items())
    why = _NOT_SUPPORTED.get(model_type, "it is of a family that is not known")
    raise ModelLoadError(
        f"the model {name!r} of the type {model_type!r} can't be served: {why}. Known types are {known}, and "
        "open_clip's checkpoints with framewatch[open-clip]"
    )
