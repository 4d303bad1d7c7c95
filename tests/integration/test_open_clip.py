"""The tests of the extra open-clip, each file in a process that has the extra.

.venv is without it, since transformers would use torchvision for other things wherever it is: `make test` puts it beside.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXTRA = ROOT / "build" / "open-clip"
FILES = sorted((ROOT / "tests" / "open_clip").glob("test_*.py"))


@pytest.mark.skipif(
    not (EXTRA / "ready").exists(), reason="the extra is not in build/open-clip: make build/open-clip/ready"
)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_with_the_extra(file: Path) -> None:
    paths = [str(EXTRA), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
