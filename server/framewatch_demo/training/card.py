"""The model card that goes into a demo model's folder."""

from collections.abc import Sequence

from framewatch_demo.captions import CONCEPTS
from framewatch_demo.training.evaluate import TEMPLATE, Accuracy


def model_card(command: str, accuracies: Sequence[Accuracy], close_accuracies: Sequence[Accuracy]) -> str:
    """The card's Markdown; `command` is what reproduces the folder."""
    captions = "\n".join(f"- {concept.caption}" for concept in CONCEPTS)
    return f"""---
license: apache-2.0
---

# framewatch demo model

A small CLIP that framewatch ships so that it can be tried and tested without a download. **It is a demo model**: it was
trained from random weights on drawn scenes only. No photograph and no video was used.

## What it knows

{captions}

Each with paraphrases ("a parcel on a belt"), as bare nouns ("box", "a bottle", "nobody") and in templates
("{TEMPLATE.format("a box")}").

## What it does not know

Everything else. It takes any text and any picture and always answers, but for words and things that it was not trained
on the answer means nothing. It does not count, read, tell people apart or judge anybody. Use a real CLIP for real work.

## Top-1 on scenes that it has not seen

The right caption against those of the same world, and against all {len(CONCEPTS)} captions (last row). In a close view
the thing fills the picture and the place is hardly seen, so that captions which differ in the place are guesses.

{_accuracy_table(accuracies, close_accuracies)}

## Reproduce

    {command}

It renders its own scenes; the same seed gives the same scenes and, on the same kind of machine, the same weights.
`python -m framewatch_demo.training.evaluate` measures a folder again, and with `--videos` on real videos.

## Format

transformers `CLIPModel`: `model.safetensors` (float32), `config.json`, `tokenizer.json` (byte-level BPE, lower case),
`preprocessor_config.json` (the whole picture squeezed to a square, no crop).
"""


def _accuracy_table(far: Sequence[Accuracy], close: Sequence[Accuracy]) -> str:
    rows = ["| captions of | far views | close views | scenes each |", "| --- | --- | --- | --- |"]
    for one, other in zip(far, close, strict=True):
        rows.append(f"| {one.group} | {one.top1:.3f} | {other.top1:.3f} | {one.count} |")
    return "\n".join(rows)
