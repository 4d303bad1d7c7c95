"""The help of commands that are imported when they are called."""

from __future__ import annotations

import importlib

import pytest

from framewatch_cli.app import run
from framewatch_cli.commands.help import COMMANDS


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    assert f"framewatch {name}" in capsys.readouterr().out
    assert run(["--help"]) == 0
    assert f"│ {name} " in capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_begins_as_the_docstring_does(name: str) -> None:
    function = getattr(importlib.import_module(f"framewatch_cli.commands.{name}"), name)
    assert COMMANDS[name].splitlines()[0] == function.__doc__.splitlines()[0]
