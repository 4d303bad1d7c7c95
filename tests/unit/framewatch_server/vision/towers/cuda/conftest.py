"""The demo model on the CPU, to compare with."""

from __future__ import annotations

import pytest

from framewatch_server.vision.checkpoints.load import load_encoder
from framewatch_server.vision.towers.encoder import Encoder


@pytest.fixture(scope="package")
def clip() -> Encoder:
    return load_encoder("demo", device="cpu", dtype="float32", engine="torch")
