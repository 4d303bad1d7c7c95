"""The import contracts of pyproject.toml hold, and a violation is reported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

LINT = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]


def test_the_import_contracts_hold() -> None:
    done = subprocess.run(LINT, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_upward_import_is_reported(tmp_path: Path) -> None:
    for floor, text in {"rpc": "", "engine": "from floors import rpc\n"}.items():
        (tmp_path / "floors").mkdir(exist_ok=True)
        (tmp_path / "floors" / "__init__.py").touch()
        (tmp_path / "floors" / f"{floor}.py").write_text(text)
    (tmp_path / ".importlinter").write_text(
        "[importlinter]\nroot_package = floors\n[importlinter:contract:1]\nname = floors\ntype = layers\n"
        "layers =\n    floors.rpc\n    floors.engine\n"
    )
    done = subprocess.run(
        LINT, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "floors.engine -> floors.rpc" in done.stdout


@pytest.mark.parametrize("module", ["framewatch_server.cli", "framewatch_server.vision.towers.encoder"])
def test_the_health_check_imports_no_heavy_library(module: str) -> None:
    heavy = "{'torch', 'transformers', 'matplotlib', 'openvino'}"
    code = f"import sys, {module}; sys.exit(str(sorted({heavy} & sys.modules.keys())))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "[]"


def test_the_command_line_starts_without_modules_of_single_commands() -> None:
    heavy = "{'matplotlib', 'ruamel', 'framewatch_cli.rules.reports', 'framewatch_core.calibration.calibrate'}"
    code = f"import sys, framewatch_cli.app; sys.exit(str(sorted({heavy} & sys.modules.keys())))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "[]"
