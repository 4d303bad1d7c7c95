"""The package's surface."""

from __future__ import annotations

import subprocess
import sys

import framewatch_client


def test_all_is_sorted_and_there() -> None:
    kinds = {name: (not name.isupper(), not name[0].isupper(), name) for name in framewatch_client.__all__}
    assert framewatch_client.__all__ == sorted(kinds, key=kinds.__getitem__), "constants, classes, functions"
    assert [name for name in framewatch_client.__all__ if not hasattr(framewatch_client, name)] == []


def test_the_documentation_lists_every_name() -> None:
    assert [name for name in framewatch_client.__all__ if f"`{name}`" not in str(framewatch_client.__doc__)] == []


def test_the_client_is_light() -> None:
    heavy = "{'torch', 'transformers', 'PIL', 'pyarrow', 'framewatch_server', 'framewatch_cli.index.index'}"
    program = f"import sys, framewatch_cli.app; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
