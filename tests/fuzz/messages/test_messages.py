"""The short form: the kept corpus, and some thousand mutations of valid requests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from framewatch_core.errors import InternalError
from framewatch_server.rpc.service import ZeroShotService
from tests.fuzz.messages import seeds
from tests.fuzz.messages.checks import BrokenError, check, check_stream
from tests.fuzz.messages.seeds import Sequence
from tests.fuzz.messages.server import FuzzedServer, Log
from tests.paths import ROOT

CORPUS = seeds.corpus()


@pytest.fixture
def log() -> Iterator[Log]:
    log = Log()
    yield log
    log.close()


@pytest.mark.parametrize("name", CORPUS)
async def test_the_corpus_keeps_the_property(name: str, log: Log) -> None:
    await check(FuzzedServer(), CORPUS[name], log)


def test_some_thousand_mutations_keep_the_property() -> None:
    # in a process of its own: the log is the whole process'
    command = [sys.executable, "-m", "tests.fuzz.messages", "--runs", "5000", "--seed", "7"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def valid() -> Sequence:
    config, frame = seeds.configs()[1], seeds.frame(1, seconds=1)
    return Sequence("StreamFrames", (config.SerializeToString(), frame.SerializeToString()))


async def test_valid_requests_are_answered(log: Log) -> None:
    server = FuzzedServer()
    for method, messages in seeds.calls().items():
        for message in messages:
            call = await check(server, Sequence(method, (message.SerializeToString(),)), log)
            assert call.code.name == "OK", call.message
    call = await check(server, valid(), log)
    assert call.code.name == "OK"
    assert len(call.sent) >= 2


@pytest.mark.parametrize("error", [InternalError("x"), ValueError("x")], ids=["ours", "not ours"])
async def test_a_fault_of_the_server_is_noticed(monkeypatch: pytest.MonkeyPatch, error: Exception, log: Log) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(ZeroShotService, "_scorer_for", fail)
    with pytest.raises(BrokenError):
        await check(FuzzedServer(), Sequence("Classify", (seeds.calls()["Classify"][0].SerializeToString(),)), log)


async def test_a_frame_without_an_outcome_is_noticed(log: Log) -> None:
    server = FuzzedServer()
    call = await check(server, valid(), log)
    call.sent = [sent for sent in call.sent if not sent.HasField("result")]  # type: ignore[attr-defined]
    with pytest.raises(BrokenError, match="outcomes"):
        check_stream(call)
