"""The commands `framewatch` and `framewatch-server`, run in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys


def run_client(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `framewatch` without colours, in a terminal of 100 columns."""
    return run_command("framewatch_cli", *arguments, COLUMNS="100", NO_COLOR="1")


def run_server(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs `framewatch-server` with additional environment variables."""
    return run_command("framewatch_server", *arguments, **environment)


def run_command(module: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a module with additional environment variables; raises subprocess.TimeoutExpired after 240 s."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
