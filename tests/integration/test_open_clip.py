"""The tests of the extra open-clip, each file in a process that has the extra.

It lies outside .venv, where transformers would use its torchvision for other things: `make test` puts it into
build/open-clip.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

EXTRA = ROOT / "build" / "open-clip"
FILES = sorted((ROOT / "tests" / "open_clip").glob("test_*.py"))


@pytest.mark.skipif(
    not (EXTRA / "ready").exists(), reason="the extra is not in build/open-clip: make build/open-clip/ready"
)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_tests_of_the_extra_pass(file: Path) -> None:
    done = run_with(EXTRA, "pytest", "-q", "-p", "no:cacheprovider", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_torchvision_built_for_another_torch_is_reported(tmp_path: Path) -> None:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(
        "raise RuntimeError('operator torchvision::nms does not exist')"
    )
    done = run_with(tmp_path, "framewatch_server", "serve", "--model", "null", "--listen", "127.0.0.1:0")
    assert done.returncode == 1
    assert "torchvision::nms does not exist" in done.stderr
    assert "install it from the index that torch came from" in done.stderr
    assert "Traceback" not in done.stderr


def run_with(folder: Path, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a module with a folder on PYTHONPATH."""
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
