"""The Node client's vectors, models and warnings, against a real server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from framewatch_bench.spawn import ServerProcess
from tests.integration.node_tools import NodeTools
from tests.integration.test_node_client import LABELS, Cli, place, responses, write

NAMES = ("frame2.jpg", "frame9.jpg", "frame10.jpg")
LONG = " ".join(["a"] * 120)
"""A text of more tokens than the demo model reads."""


@pytest.fixture
def cli(node: NodeTools, server: ServerProcess) -> Cli:
    """Runs `framewatch-node`."""

    def run(*arguments: str) -> Any:
        return node.run(str(node.node), "dist/src/cli.js", *arguments, "--server", server.address)

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures, numbered without leading zeros."""
    for radius, name in enumerate(NAMES):
        write(tmp_path / name, place(radius, radius=10 * radius))
    return tmp_path


def options(name: str, *values: str) -> list[str]:
    return [text for value in values for text in (name, value)]


def test_embed_prints_the_vectors_that_scores_come_from(cli: Cli, folder: Path) -> None:
    done = cli("embed", str(folder), *options("--text", *LABELS))
    lines = responses(done)
    sources = [line.get("path") or line["text"] for line in lines]
    assert sources == [*(str(folder / name) for name in NAMES), *LABELS]
    vectors = np.array([line["vector"] for line in lines], dtype=np.float32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)

    picture = str(folder / NAMES[1])
    (classified,) = responses(cli("classify", picture, *options("--label", *LABELS), "--no-template", "--json"))
    similarities = {score["label"]: score["similarity"] for score in classified["scores"]}
    assert vectors[3:] @ vectors[1] == pytest.approx([similarities[label] for label in LABELS], abs=1e-5)
    assert f"3 pictures, 3 texts: vectors of {vectors.shape[1]} numbers by {classified['model']}" in done.stderr


def test_embed_names_the_picture_that_cannot_be_decoded(cli: Cli, folder: Path) -> None:
    (folder / NAMES[1]).write_bytes(b"no picture")
    done = cli("embed", str(folder))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("INVALID_ARGUMENT: UNSUPPORTED_FORMAT: ")
    assert f"\n  {folder / NAMES[1]}: " in done.stderr


def test_models_are_listed_and_selected_by_name(cli: Cli, folder: Path) -> None:
    ((model,),) = (answer["models"] for answer in responses(cli("models", "--json")))
    listed = cli("models")
    assert listed.returncode == 0, listed.stderr
    assert listed.stdout.startswith(f"{model['name']}  {model['family']}  ")
    assert listed.stdout.endswith("  (demo)  (default)\n")

    classify = ("classify", str(folder / NAMES[0]), *options("--label", *LABELS))
    (classified,) = responses(cli(*classify, "--json", "--model", model["name"]))
    assert classified["model"] == model["name"]
    unknown = cli(*classify, "--model", "missing")
    assert unknown.returncode == 1
    assert unknown.stderr.startswith("NOT_FOUND: MODEL_NOT_FOUND: ")


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("classify", NAMES[0], "--label", LONG, "--label", "b"), "label_set.labels[0].name"),
        (("watch", ".", "--label", LONG, "--label", "b"), "config.label_set.labels[0].name"),
        (("watch", ".", "--label", LONG, "--label", "b", "--json"), "config.label_set.labels[0].name"),
        (("embed", NAMES[0], "--text", LONG), "texts[0]"),
    ],
    ids=lambda value: " ".join(value[:1] + value[6:]) if isinstance(value, tuple) else "",
)
def test_a_text_that_is_too_long_gets_a_warning(cli: Cli, folder: Path, arguments: tuple[str, ...], field: str) -> None:
    command, path, *rest = arguments
    done = cli(command, str(folder / path), *rest)
    assert done.returncode == 0, done.stderr
    warning, *_ = done.stderr.splitlines()
    assert warning.startswith("warning: TEXT_TRUNCATED: ")
    assert warning.endswith(f" ({field})")
    assert ('"config_warnings"' in done.stdout) == ("--json" in rest)


VECTORS = """
import { readFileSync } from "node:fs";
import { FramewatchClient } from "./dist/src/index.js";

const [address, ...paths] = process.argv.slice(1);
const client = new FramewatchClient(address);
const images = [paths[0], ...paths.slice(1).map((path) => readFileSync(path))];
const { imageVectors, model, weightsDigest } = await client.embed({ images });
const { rows } = await client.similarity(paths.slice(0, 2), paths);
const models = await client.listModels();
client.close();
const dot = (a, b) => a.reduce((sum, value, index) => sum + value * b[index], 0);
console.log(JSON.stringify({
  rows: rows.map((row) => [...row]),
  cosines: imageVectors.slice(0, 2).map((query) => imageVectors.map((candidate) => dot(query, candidate))),
  isListed: models.some((listed) => listed.name === model && listed.weightsDigest === weightsDigest),
}));
"""


def test_similarities_of_sets_are_the_dot_products_of_vectors(
    node: NodeTools, server: ServerProcess, folder: Path
) -> None:
    paths = [str(folder / name) for name in NAMES]
    done = node.run(str(node.node), "--input-type=module", "--eval", VECTORS, server.address, *paths)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert np.shape(found["rows"]) == (2, 3)
    assert np.array(found["rows"]) == pytest.approx(np.array(found["cosines"]), abs=1e-5)
    assert found["isListed"]
