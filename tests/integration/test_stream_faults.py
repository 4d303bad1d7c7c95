"""Internal faults in the middle of a stream: the call ends, and never hangs."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.rules.engine import RuleBook
from framewatch_core.stream import session
from framewatch_server.rpc import frames_under_way, status
from framewatch_server.rpc.error_log import ErrorLog
from tests.integration.conftest import MakeServer
from tests.integration.errors import error_details
from tests.integration.streams import Response, config, frame, outcome

RULE = pb.EventRule(label="box", enter_at=0.5)


@pytest.fixture(autouse=True)
def _nothing_logged_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of a kind that another test has met is logged again."""
    monkeypatch.setattr(status, "_internal_errors", ErrorLog())


def fail_on(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, call: int) -> None:
    """Makes a method raise from a call on; the first call is 1."""
    calls = iter(range(1, 1000))
    method = getattr(owner, name)

    def failing(*args: Any, **kwargs: Any) -> Any:
        if next(calls) >= call:
            raise RuntimeError("secret inner text")
        return method(*args, **kwargs)

    monkeypatch.setattr(owner, name, failing)


async def received(call: Any) -> tuple[list[Response], grpc.RpcError]:
    """Returns the responses before the call failed, and its error."""
    responses = []
    with pytest.raises(grpc.RpcError) as caught:
        async for response in call:
            responses.append(response)  # noqa: PERF401 the error comes after them
    return responses, caught.value


@pytest.mark.parametrize(
    ("owner", "name", "call", "scored"),
    [
        pytest.param(RuleBook, "update", 3, [1, 2], id="a rule fails to take scores"),
        pytest.param(session, "best_first", 3, [1, 2], id="scores fail to be ranked"),
        pytest.param(RuleBook, "configure", 1, [], id="the rules fail to take their config"),
        pytest.param(frames_under_way, "FrameJob", 3, [1, 2], id="a frame fails to be handed out"),
        pytest.param(RuleBook, "explain", 1, [1, 2, 3, 4], id="an explanation fails"),
    ],
)
async def test_a_fault_of_the_session_ends_the_call(
    make_server: MakeServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    owner: Any,
    name: str,
    call: int,
    scored: list[int],
) -> None:
    stub = await make_server(stream_running_frames=1)
    fail_on(monkeypatch, owner, name, call)
    requests = [config(rules=[RULE]), *(frame(i) for i in range(1, 5)), pb.StreamFramesRequest(explain=pb.Explain())]
    async with asyncio.timeout(60):
        responses, error = await received(stub.StreamFrames(iter(requests)))
    assert [outcome(r) for r in responses if r.HasField("result")] == [(i, "scores") for i in scored]
    assert (error_details(error).code, error_details(error).reason) == ("INTERNAL", "INTERNAL")
    assert "secret" not in error_details(error).message
    written = "".join(capsys.readouterr())
    assert error_details(error).metadata["error_id"] in written
    assert "secret inner text" in written


async def test_a_failed_stream_can_not_be_resumed(make_server: MakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    stub = await make_server()
    with monkeypatch.context() as faulty:
        fail_on(faulty, RuleBook, "update", 1)
        responses, _ = await received(stub.StreamFrames(iter([config(rules=[RULE]), frame(1)])))
    token = responses[0].started.resume_token
    again = stub.StreamFrames(iter([config(rules=[RULE], resume=pb.Resume(token=token)), frame(1)]))
    started, result = [response async for response in again if not response.HasField("event")]
    assert not started.started.resumed
    assert outcome(result) == (1, "scores")


async def test_a_failed_stream_does_not_end_other_streams(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = await make_server()
    good = stub.StreamFrames()
    await good.write(config())
    await good.read()
    with monkeypatch.context() as faulty:
        fail_on(faulty, RuleBook, "update", 1)
        await received(stub.StreamFrames(iter([config(rules=[RULE]), *(frame(i) for i in range(20))])))
    await good.write(frame(1))
    assert outcome(await good.read()) == (1, "scores")
    await good.done_writing()
    assert await good.read() is grpc.aio.EOF
