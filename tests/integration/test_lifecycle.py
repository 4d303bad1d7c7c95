"""A server process from start to end: loading, health, reflection, draining, and reported failures."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from framewatch_bench.spawn import ServerProcess, SpawnError
from framewatch_server.config import ServerConfig
from framewatch_server.rpc.app import ServerApp
from tests.integration.commands import run_server
from tests.integration.conftest import MakeServer, image, label_set
from tests.integration.errors import error_details
from tests.integration.streams import config, frame, outcome


@pytest.mark.parametrize("service", ["", "framewatch.v1.ZeroShotService"])
def test_health_is_serving(server: ServerProcess, service: str) -> None:
    with grpc.insecure_channel(server.address) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_the_health_command_prints_serving(server: ServerProcess) -> None:
    done = run_server("health", server.address)
    assert (done.returncode, done.stdout.strip()) == (0, "SERVING")


def test_the_health_command_fails_without_a_server() -> None:
    done = run_server("health", f"127.0.0.1:{free_port()}", "--timeout-s", "1")
    assert done.returncode == 1
    assert "UNAVAILABLE" in done.stderr or "DEADLINE_EXCEEDED" in done.stderr


def test_reflection_lists_the_services(server: ServerProcess) -> None:
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    with grpc.insecure_channel(server.address) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        (answer,) = stub.ServerReflectionInfo(iter([request]))
    assert {service.name for service in answer.list_services_response.service} == {
        "framewatch.v1.ZeroShotService", "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection",
    }  # fmt: skip


def test_the_log_warns_of_the_demo_model(server: ServerProcess) -> None:
    assert any(entry["level"] == "warning" and "demo model" in entry["event"] for entry in server.log)


async def test_a_server_that_loads_its_model_is_not_serving_and_refuses_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[object] = []

    async def call(app: ServerApp, models: object) -> None:
        async with grpc.aio.insecure_channel(app.address) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            received.append((await health.Check(health_pb2.HealthCheckRequest())).status)
            with pytest.raises(grpc.RpcError) as caught:
                await pb_grpc.ZeroShotServiceStub(channel).Classify(pb.ClassifyRequest())
            received.append((error_details(caught.value).code, error_details(caught.value).reason))

    monkeypatch.setattr(ServerApp, "_serve", call)
    async with ServerApp(ServerConfig(models=("demo",), listen="127.0.0.1:0", drain_timeout_s=0)):
        assert received == [health_pb2.HealthCheckResponse.NOT_SERVING, ("UNAVAILABLE", "SERVER_STARTING")]


def test_sigterm_drains_streams_and_ends_with_success() -> None:
    with ServerProcess("--model", "demo") as running, grpc.insecure_channel(running.address) as channel:
        taken = []

        def requests():  # type: ignore[no-untyped-def]
            yield config()
            yield frame(1)
            yield frame(2)
            # the stream stays open, like that of a camera
            stopped.wait()

        stopped = threading.Event()
        call = pb_grpc.ZeroShotServiceStub(channel).StreamFrames(requests())
        taken.extend(next(call) for _ in range(3))
        running.terminate()
        with pytest.raises(grpc.RpcError) as caught:
            taken.extend(call)
        stopped.set()
        error = error_details(caught.value)
        assert (error.code, error.reason) == ("UNAVAILABLE", "SERVER_DRAINING")
        assert [outcome(response) for response in taken[1:]] == [(1, "scores"), (2, "scores")]
        assert running.stop() == 0
    assert [entry["event"] for entry in running.log][-2:] == ["draining", "stopped"]


async def test_a_draining_server_refuses_new_calls(make_server: MakeServer) -> None:
    stub = await make_server()
    stub.app._service.drain()
    with pytest.raises(grpc.RpcError) as caught:
        await stub.Classify(pb.ClassifyRequest(image=image(), label_set=label_set("a")))
    assert error_details(caught.value).reason == "SERVER_DRAINING"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_taken_port_is_reported_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        done = run_server("serve", "--model", "demo", "--listen", f"127.0.0.1:{port}")
    assert done.returncode == 1
    assert f"can't listen on '127.0.0.1:{port}'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(["--model", "./no/such/folder"], "no/such/folder", id="missing folder"),
        pytest.param(["--model", "demo", "--device", "cuda:7"], "cuda:7", id="missing device"),
        pytest.param(["--model", "demo", "--device", "toaster"], "toaster", id="unknown kind of device"),
    ],
)
def test_a_model_that_can_not_be_loaded_is_reported_without_a_traceback(arguments: list[str], expected: str) -> None:
    done = run_server("serve", "--listen", "127.0.0.1:0", *arguments, HF_HUB_OFFLINE="1")
    assert done.returncode == 1
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_a_model_that_is_not_cached_is_reported_with_remedies(tmp_path: Path) -> None:
    done = run_server("serve", "--listen", "127.0.0.1:0", HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path))
    assert done.returncode == 1
    for words in ("openai/clip-vit-base-patch32", "must not be used", "models download", "HF_HOME", "`demo`"):
        assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_of_another_family_is_reported(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    done = run_server("serve", "--listen", "127.0.0.1:0", "--model", str(tmp_path))
    assert done.returncode == 1
    assert "'bert'" in done.stderr
    assert "Known types are clip" in done.stderr


def test_flags_win_over_environment_variables_of_the_same_names(tmp_path: Path) -> None:
    file = tmp_path / "address"
    running = subprocess.Popen(
        [sys.executable, "-m", "framewatch_server", "serve", "--dtype", "float32"],
        env={
            **os.environ, "FRAMEWATCH_MODEL": "demo", "FRAMEWATCH_LISTEN": "127.0.0.1:0", "FRAMEWATCH_DTYPE": "bfloat16",
            "FRAMEWATCH_ADDRESS_FILE": str(file), "FRAMEWATCH_LOG_FORMAT": "json",
        },
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with running:
        assert running.stderr is not None
        logged: dict[str, dict[str, str]] = {}
        while "serving" not in logged and (line := running.stderr.readline()):
            logged[json.loads(line)["event"]] = json.loads(line)
        running.terminate()
        assert running.wait(60) == 0
    assert logged["loaded"]["dtype"] == "float32"
    assert file.read_text() == logged["serving"]["address"]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["serve", "--max-batch-size", "0"], id="out of range"),
        pytest.param(["serve", "--dtype", "float8"], id="unknown choice"),
        pytest.param(["serve", "--no-such-flag"], id="unknown flag"),
        pytest.param(["no-such-command"], id="unknown command"),
    ],
)
def test_wrong_usage_has_its_own_exit_code(arguments: list[str]) -> None:
    done = run_server(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_spawned_server_that_can_not_start_reports_the_reason() -> None:
    with (
        pytest.raises(SpawnError, match=r"exit code 1 .*toaster"),
        ServerProcess("--model", "demo", "--device", "toaster"),
    ):
        pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_server_that_still_downloads_its_model_stops_at_once(number: signal.Signals, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent_hub:
        command = [
            sys.executable,
            "-m",
            "framewatch_server",
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--model",
            "acme/slow",
        ]
        endpoint = f"http://127.0.0.1:{silent_hub.getsockname()[1]}"
        environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path), "FRAMEWATCH_LOG_FORMAT": "json"}
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server:
            connection, _ = silent_hub.accept()
            with connection:  # the server has sent a request, and waits for a response that never comes
                server.send_signal(number)
                _, logged = server.communicate(timeout=60)
    assert server.returncode == 0, logged
    assert "stopped before serving" in logged


def test_a_server_that_prepares_its_model_stops_at_once(tmp_path: Path) -> None:
    """Stops in the middle of a library's computation, which must not abort the process."""
    pytest.importorskip("nncf")
    command = [
        *(sys.executable, "-m", "framewatch_server", "serve", "--listen", "127.0.0.1:0", "--model", "demo"),
        *("--dtype", "int8", "--cache-dir", str(tmp_path), "--log-format", "json"),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        while "making int8" not in (line := server.stderr.readline()):
            assert line, "the server ended"
        server.terminate()
        _, logged = server.communicate(timeout=60)
    assert server.returncode == 0, logged
    assert "stopped before serving" in logged
