"""The child process of a peer, against a stand-in with the same command line and HTTP API."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from framewatch_bench.frames import JpegFrames, render_jpegs
from framewatch_bench.options import BenchError
from framewatch_bench.peers.infinity import InfinityProcess, embedding, find_infinity, frames_per_second

STAND_IN = """\
import base64, json, os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
if options["--model-id"] == "missing":
    sys.exit("no such model")
assert os.environ["DO_NOT_TRACK"] == "1" and "INFINITY_API_KEY" not in os.environ


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200 if self.path == "/health" else 404, b"{}")

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kind, _, data = asked["input"][0].partition(";base64,")
        right = (self.path, asked["modality"], kind) == ("/embeddings", "image", "data:image/jpeg")
        right = right and asked["model"] == options["--served-model-name"] and base64.b64decode(data)[:2] == b"\\xff\\xd8"
        if options["--model-id"] == "broken":
            os._exit(1)
        self.answer(200 if right and options["--model-id"] in ("good", "hangs up") else 500, b"out of memory")
        self.close_connection = options["--model-id"] == "hangs up"

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ThreadingHTTPServer((options["--host"], int(options["--port"])), Handler).serve_forever()
"""


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INFINITY_API_KEY", "would be asked for")
    path = tmp_path / "infinity_emb"
    path.write_text(f"#!{sys.executable}\n{STAND_IN}")
    path.chmod(0o700)
    return path


@pytest.fixture(scope="module")
def frames() -> JpegFrames:
    return render_jpegs("480p", 3)


@pytest.mark.parametrize("model", ["good", "hangs up"], ids=["kept connection", "connection closed without notice"])
def test_answers_are_counted_and_the_process_is_stopped(command: Path, frames: JpegFrames, model: str) -> None:
    with InfinityProcess(command, model, "cpu") as process:
        assert frames_per_second(process.port, frames, clients=3, seconds=0.2, warmup_s=0.0) > 0
        with embedding(process.port, frames) as calls:
            for _ in range(4):
                calls.prepare()
                calls.send()
    assert process._process.returncode is not None


@pytest.mark.parametrize(
    ("model", "message"),
    [
        pytest.param("refuses", "status 500: out of memory", id="it refuses a picture"),
        pytest.param("broken", "did not answer", id="it dies"),
    ],
)
def test_a_failure_ends_the_measurement_and_is_reported(
    command: Path, frames: JpegFrames, model: str, message: str
) -> None:
    process = InfinityProcess(command, model, "cpu")
    with pytest.raises(BenchError, match=message), process:
        frames_per_second(process.port, frames, clients=2, seconds=60)
    assert process._process.returncode is not None


def test_a_server_that_does_not_start_is_reported_with_its_output(command: Path) -> None:
    process = InfinityProcess(command, "missing", "cpu")
    with pytest.raises(BenchError, match="ended before it answered: no such model"), process:
        pass


def test_a_command_that_can_not_be_run_is_reported(command: Path) -> None:
    command.chmod(0o600)
    with pytest.raises(BenchError, match="can't be run"), InfinityProcess(command, "good", "cpu"):
        pass


def test_it_is_found_where_it_is(command: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(command.parent))
    assert find_infinity(None) == command
    monkeypatch.setenv("PATH", "")
    assert find_infinity(None) is None
    assert find_infinity(command) == command
    with pytest.raises(BenchError, match="no such file"):
        find_infinity(command.parent / "elsewhere")
