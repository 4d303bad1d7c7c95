"""Model card of a demo model's folder."""

from collections.abc import Sequence

from framewatch_demo.captions import CONCEPTS
from framewatch_demo.training.evaluate import TEMPLATE, Accuracy


def model_card(command: str, accuracies: Sequence[Accuracy], close_accuracies: Sequence[Accuracy]) -> str:
    """Returns the card's Markdown; `command` is the command that reproduces the folder."""
    captions = "\n".join(f"- {concept.caption}" for concept in CONCEPTS)
    return f"""---
license: apache-2.0
---

# framewatch demo model

A small CLIP that is part of framewatch, so that framewatch can be tried and tested without a download. **It is a demo
model**: it was trained from random weights on rendered scenes only, without photographs and videos.

## What it knows

{captions}

Each with paraphrases ("a parcel on a belt"), as bare nouns ("box", "a bottle", "nobody") and in templates
("{TEMPLATE.format("a box")}").

## What it does not know

Everything else. It takes any text and any picture and always returns scores, but they mean nothing for words and things
that it was not trained on. It does not count, read, or recognise persons. Use a real CLIP for real work.

## Top-1 on unseen scenes

The right caption against those of the same world, and against all {len(CONCEPTS)} captions (last row). In a close view
the thing fills the picture and hides the place, so captions that differ in the place only cannot be distinguished.

{_accuracy_table(accuracies, close_accuracies)}

## Reproduce

    {command}

It renders its own scenes; the same seed gives the same scenes and, on the same kind of machine, the same weights.
`python -m framewatch_demo.training.evaluate` measures a folder again, with `--videos` also on real videos.

## Format

transformers `CLIPModel`: `model.safetensors` (float32), `config.json`, `tokenizer.json` (byte-level BPE, lower case),
`preprocessor_config.json` (the whole picture is squeezed to a square, without a crop).
"""


def _accuracy_table(far: Sequence[Accuracy], close: Sequence[Accuracy]) -> str:
    rows = ["| captions of | far views | close views | scenes each |", "| --- | --- | --- | --- |"]
    for one, other in zip(far, close, strict=True):
        rows.append(f"| {one.group} | {one.top1:.3f} | {other.top1:.3f} | {one.count} |")
    return "\n".join(rows)
