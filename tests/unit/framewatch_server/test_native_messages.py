"""Messages of libraries in C: all but libjpeg's about damaged pictures arrive."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from framewatch_server.native_messages import forward

PROGRAM = """
import ctypes, os, sys
import cv2, numpy as np
from framewatch_server.native_messages import filter_native_messages

if sys.argv[2] == "filtered":
    filter_native_messages()
damaged = np.fromfile(sys.argv[1], np.uint8)
for _ in range(2000):
    assert cv2.imdecode(damaged, cv2.IMREAD_COLOR) is not None
sys.stderr.write("from Python\\n")
sys.stderr.flush()
os.write(2, b"from a crash\\n")
library = ctypes.CDLL(None)
library.fputs(b"from a library\\n", ctypes.c_void_p.in_dll(library, "stderr"))
sys.stdin.read()  # until all has been read
"""


def damaged_jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 60).save(buffer, "JPEG")
    return buffer.getvalue()[:-400] + b"\xff\xd9"


def test_lines_about_pictures_are_dropped() -> None:
    target = io.BytesIO()
    forward([b"Corrupt JPEG data: 2 extraneous bytes\n", b"E0000 grpc\n", b"Premature end of JPEG file\n"], target)
    assert target.getvalue() == b"E0000 grpc\n"


@pytest.mark.skipif(sys.platform != "linux", reason="changes glibc's stream")
@pytest.mark.parametrize(("mode", "count"), [("filtered", 0), ("as it is", 2000)])
def test_damaged_pictures_write_no_lines_and_all_else_does(tmp_path: Path, mode: str, count: int) -> None:
    path = tmp_path / "damaged.jpg"
    path.write_bytes(damaged_jpeg())
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, path, mode], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as program:
        assert program.stderr is not None
        lines = []
        for line in program.stderr:
            lines.append(line)
            if line == b"from a library\n":
                break
        program.communicate()
    assert sum(line.startswith(b"Corrupt JPEG data") for line in lines) == count
    assert [line for line in lines if line.startswith(b"from")] == [
        b"from Python\n", b"from a crash\n", b"from a library\n",
    ]  # fmt: skip
