"""Two wheels: the client's has what the client needs and nothing of the server; the server's has the rest."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.paths import ROOT

LIGHT = {"framewatch", "framewatch_core", "framewatch_wire", "framewatch_client", "framewatch_cli"}
SERVER = {"framewatch_server", "framewatch_demo", "framewatch_bench"}


def packages_of_wheel(project: Path, folder: Path) -> set[str]:
    """Builds a wheel; returns the top-level packages in it."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith("licenses/LICENSE") for name in names)
    return {name.split("/")[0] for name in names if ".dist-info/" not in name}


@pytest.mark.parametrize(
    ("project", "packages"),
    [pytest.param(ROOT, LIGHT, id="client"), pytest.param(ROOT / "server", SERVER, id="server")],
)
def test_a_wheel_holds_its_packages_alone(project: Path, packages: set[str], tmp_path: Path) -> None:
    assert packages_of_wheel(project, tmp_path) == packages


def test_the_distributions_have_one_version() -> None:
    client, server = (
        tomllib.loads((folder / "pyproject.toml").read_text())["project"] for folder in (ROOT, ROOT / "server")
    )
    version = client["version"]
    assert server["version"] == version
    assert f"framewatch=={version}" in server["dependencies"]
    extras = client["optional-dependencies"]
    assert extras["server"] == [f"framewatch-server=={version}"]
    for extra in ("openvino", "open-clip"):
        assert extras[extra] == [f"framewatch-server[{extra}]=={version}"]
