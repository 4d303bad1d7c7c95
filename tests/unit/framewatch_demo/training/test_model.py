"""The shipped demo model, and a training run of a few steps."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from framewatch_demo import MODEL_DIR
from framewatch_demo.training.evaluate import EVERYTHING, evaluate_scenes, evaluate_videos
from framewatch_demo.training.loop import Recipe
from framewatch_demo.training.model import DemoModel
from framewatch_demo.training.train import train_folder
from tests.paths import SHARED_DATA

# ROC AUC of the shipped weights on every third frame, less a margin for the frames that are left out here
LEAST_AUC = {
    ("person.mp4", "full"): 0.97,
    ("bottles.mp4", "left"): 0.99,
    ("bottles.mp4", "middle"): 0.99,
    ("bottles.mp4", "right"): 0.98,
}
# the shipped weights reach 0.971 on 1,100 scenes and 0.957 in the hardest world; see CONTRIBUTING.md
LEAST_TOP1 = 0.97
LEAST_TOP1_OF_A_WORLD = 0.95
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


@pytest.fixture(scope="module")
def model() -> DemoModel:
    return DemoModel(MODEL_DIR)


def test_the_folder_is_small_and_complete() -> None:
    files = {path.name: path.stat().st_size for path in MODEL_DIR.iterdir()}
    assert sum(files.values()) <= 8_000_000
    assert {
        "model.safetensors",
        "config.json",
        "preprocessor_config.json",
        "tokenizer.json",
        "README.md",
    } <= files.keys()
    assert "demo model" in (MODEL_DIR / "README.md").read_text()


def test_importing_the_package_is_cheap() -> None:
    code = "import sys, framewatch_demo; sys.exit(bool({'torch', 'cv2', 'transformers'} & sys.modules.keys()))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], check=False, env=environment).returncode == 0


def test_unseen_scenes_get_their_own_caption(model: DemoModel) -> None:
    *worlds, everything = evaluate_scenes(model, per_concept=50)
    assert (everything.group, everything.count) == (EVERYTHING, 1100)
    assert everything.top1 >= LEAST_TOP1
    assert all(world.top1 >= LEAST_TOP1_OF_A_WORLD for world in worlds)


@pytest.mark.skipif(
    not (SHARED_DATA / "ground_truth.json").exists(), reason="the example videos are not there (../shared/data)"
)
def test_real_videos(model: DemoModel) -> None:
    results = evaluate_videos(model, SHARED_DATA, stride=30)
    assert results
    for result in results:
        assert result.auc >= LEAST_AUC[result.video, result.region]


def test_a_few_training_steps_make_a_folder(tmp_path: Path) -> None:
    recipe = Recipe(seed=3, steps=2, sets_per_batch=2, save_every=1)
    train_folder(recipe, tmp_path, per_concept=1, console=Console(file=io.StringIO()))
    assert DemoModel(tmp_path).embed_texts(["a box"]).shape == (1, 96)
    assert "--steps 2" in (tmp_path / "README.md").read_text()
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == "float32"
