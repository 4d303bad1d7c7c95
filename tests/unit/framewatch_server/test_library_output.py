"""Standard output has a command's answers alone; in processes of their own, since descriptors are the process's."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, os, subprocess, sys
from framewatch_server.library_output import native_output_on_stderr, python_output_on_stderr

def noise():
    print("noise of Python")

with native_output_on_stderr():
    print("answer 1 é")
    ctypes.CDLL(None).puts(b"noise of C")
    ctypes.CDLL(None).fflush(None)
    subprocess.run([sys.executable, "-c", "print('noise of a process')"])
    os.write(1, b"noise of a descriptor\\n")
    with python_output_on_stderr():
        noise()
    print("answer 2")
print("answer 3")
"""


def run(program: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-c", program], text=True, check=False, stderr=subprocess.PIPE, encoding="utf-8", **options
    )


def test_answers_are_alone_on_standard_output() -> None:
    done = run(PROGRAM, stdout=subprocess.PIPE)
    assert done.stdout.splitlines() == ["answer 1 é", "answer 2", "answer 3"]
    assert sorted(done.stderr.splitlines()) == [
        "noise of C",
        "noise of Python",
        "noise of a descriptor",
        "noise of a process",
    ]
    assert done.returncode == 0


@pytest.mark.parametrize("ends", ["sys.exit(3)", "raise SystemExit(3)"])
def test_answers_arrive_also_when_the_program_exits(ends: str) -> None:
    program = (
        "import sys\nfrom framewatch_server.library_output import native_output_on_stderr\n"
        f"with native_output_on_stderr():\n    print('answer')\n    {ends}\n"
    )
    done = run(program, stdout=subprocess.PIPE)
    assert (done.stdout, done.returncode) == ("answer\n", 3)


def test_a_closed_standard_output_is_no_error() -> None:
    program = (
        "import os, sys\nfrom framewatch_server.library_output import native_output_on_stderr\nos.close(1)\n"
        "with native_output_on_stderr():\n    sys.exit(3)\n"
    )
    assert run(program, stdout=subprocess.DEVNULL).returncode == 3


def test_a_reader_that_has_gone_is_no_error() -> None:
    program = (
        "import sys\nfrom framewatch_server.library_output import native_output_on_stderr\nsys.stdin.read()\n"
        "with native_output_on_stderr():\n    print('answer')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate(b"")
    assert (process.returncode, errors) == (0, b"")
