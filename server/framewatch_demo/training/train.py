"""Trains the demo model on scenes that it renders, and writes the model's folder.

Run it as `python -m framewatch_demo.training.train --out DIR --seed 0`.
"""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar

from framewatch_demo import MODEL_DIR
from framewatch_demo.training.card import model_card
from framewatch_demo.training.evaluate import evaluate_scenes, print_accuracies
from framewatch_demo.training.loop import Progress, Recipe, train
from framewatch_demo.training.model import DemoModel, save_folder


@contextmanager
def _progress_bar(console: Console, steps: int) -> Iterator[Callable[[Progress], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with ProgressBar(*columns, console=console) as bar:
        task = bar.add_task("training", total=steps)
        yield lambda done: bar.update(task, completed=done.step, description=f"training, loss {done.loss:.3f}")


def train_folder(recipe: Recipe, folder: Path, per_concept: int, console: Console) -> None:
    """Trains and saves the model, measures it on unseen scenes and writes its card into the folder."""
    with _progress_bar(console, recipe.steps) as report:
        train(recipe, report, partial(save_folder, folder))
    saved = DemoModel(folder)
    far, close = (evaluate_scenes(saved, per_concept, close=close) for close in (False, True))
    print_accuracies(console, "Unseen scenes", far)
    print_accuracies(console, "Unseen close views", close)
    command = f"python -m framewatch_demo.training.train --out DIR --seed {recipe.seed} --steps {recipe.steps}"
    (folder / "README.md").write_text(model_card(command, far, close))


def main() -> None:
    """Entry point of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m framewatch_demo.training.train", description="Trains the demo model."
    )
    parser.add_argument("--out", type=Path, default=MODEL_DIR, help="folder to write (default: the shipped model's)")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and scenes (default 0)")
    parser.add_argument("--steps", type=int, default=Recipe.steps, help="optimizer steps (default %(default)s)")
    parser.add_argument(
        "--per-concept", type=int, default=50, help="unseen scenes per concept to measure with (default 50)"
    )
    options = parser.parse_args()
    recipe = Recipe(seed=options.seed, steps=options.steps)
    train_folder(recipe, options.out, options.per_concept, Console())


if __name__ == "__main__":
    main()
