"""infinity-emb as a peer: its server as a child process, and clients of its HTTP API.

It needs older libraries than framewatch, so it is usually installed in a virtual environment of its own.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Self

from framewatch_bench.frames import JpegFrames
from framewatch_bench.options import BenchError

COMMAND = "infinity_emb"
_MODEL = "peer"
_HOST = "127.0.0.1"
_START_TIMEOUT_S = 300.0
_POLL_S = 0.5  # infinity takes ten seconds or more to start
_STOP_TIMEOUT_S = 30.0
_ANSWER_TIMEOUT_S = 120.0
_LAST_LINES = 5
_HOW_TO_HAVE_IT = "docs/benchmarks.md has its installation; without --infinity and off the PATH, it is left out"


def find_infinity(given: Path | None) -> Path | None:
    """Returns the command, as given or from the PATH; None: not installed. Raises BenchError if `given` is no file."""
    if given is None:
        found = shutil.which(COMMAND)
        return Path(found) if found else None
    if not given.is_file():
        raise BenchError(f"--infinity {given}: no such file; expected the command {COMMAND}. {_HOW_TO_HAVE_IT}")
    return given


class InfinityProcess:
    """infinity's server on a free loopback port; use it as a context manager, which stops it."""

    def __init__(self, command: Path, checkpoint: str, device: str) -> None:
        """Prepares the process.

        Args:
            command: the executable.
            checkpoint: a hub id or a folder.
            device: cpu or cuda.

        """
        self.port = _free_port()
        self._command = [
            *(str(command), "v2", "--model-id", checkpoint, "--served-model-name", _MODEL),
            *("--host", _HOST, "--port", str(self.port)),
            *("--engine", "torch", "--device", device, "--no-bettertransformer"),
        ]
        self._last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        """Starts the server and waits until it answers. Raises BenchError if it ends instead or takes too long."""
        try:
            self._process = subprocess.Popen(  # noqa: S603 the user's own command
                self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_environment()
            )
        except OSError as error:
            raise BenchError(f"{self._command[0]} can't be run ({error}). {_HOW_TO_HAVE_IT}") from error
        # the pipe must always be read, or the server blocks on a full one
        self._reader = threading.Thread(target=self._read, name="infinity's log", daemon=True)
        self._reader.start()
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stops the server; kills it if it does not end in time."""
        with self._process:  # closes its pipe
            self._process.terminate()
            try:
                self._process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
            self._reader.join()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._last_lines.append(line.strip())
        self._ended.set()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self._ended.wait(_POLL_S):
            if _is_healthy(self.port):
                return
            if time.monotonic() > deadline:
                raise BenchError(f"infinity did not answer within {_START_TIMEOUT_S:g} s: {self._last_output()}")
        raise BenchError(f"infinity ended before it answered: {self._last_output()}. {_HOW_TO_HAVE_IT}")

    def _last_output(self) -> str:
        return " / ".join(self._last_lines) or "it printed nothing"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def _environment() -> dict[str, str]:
    """Our environment without variables for our Python or infinity's defaults, and with its usage reports off."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "INFINITY_"))}
    return ours | {"DO_NOT_TRACK": "1"}


def _is_healthy(port: int) -> bool:
    with closing(HTTPConnection(_HOST, port, timeout=_ANSWER_TIMEOUT_S)) as connection:
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False


class SingleCalls:
    """Requests one after the other on one connection, each with a picture that is new."""

    def __init__(self, connection: HTTPConnection, frames: JpegFrames) -> None:
        self._connection = connection
        self._frames = frames
        self._body = b""

    def prepare(self) -> None:
        """Makes the next request."""
        self._body = _body(self._frames.new())

    def send(self) -> None:
        """Sends the request and waits for its answer. Raises BenchError if it fails."""
        _embed(self._connection, self._body)


@contextmanager
def embedding(port: int, frames: JpegFrames) -> Iterator[SingleCalls]:
    """Yields requests to infinity."""
    with closing(HTTPConnection(_HOST, port, timeout=_ANSWER_TIMEOUT_S)) as connection:
        yield SingleCalls(connection, frames)


def frames_per_second(port: int, frames: JpegFrames, clients: int, seconds: float, warmup_s: float = 1.0) -> float:
    """Measures the answers per second to concurrent clients, each of which sends one frame after the other."""
    measure_from = time.perf_counter() + warmup_s
    with ThreadPoolExecutor(clients) as pool:
        loops = [pool.submit(_answers, port, frames, measure_from, seconds) for _ in range(clients)]
        return sum(loop.result() for loop in loops) / seconds


def _answers(port: int, frames: JpegFrames, measure_from: float, seconds: float) -> int:
    """Counts the answers that one client gets during the measurement."""
    count, ends = 0, measure_from + seconds
    with closing(HTTPConnection(_HOST, port, timeout=_ANSWER_TIMEOUT_S)) as connection:
        while True:
            _embed(connection, _body(frames.new()))
            now = time.perf_counter()
            if now >= ends:
                break
            count += now >= measure_from
    return count


def _embed(connection: HTTPConnection, body: bytes) -> None:
    try:
        try:
            status, answer = _ask(connection, body)
        except ConnectionError:
            connection.close()  # it was idle for too long; the next request opens a new one
            status, answer = _ask(connection, body)
    except (OSError, HTTPException) as error:
        raise BenchError(f"infinity did not answer ({error!r}); see its own log") from error
    if status != 200:
        raise BenchError(f"infinity refused a picture with status {status}: {answer[:300].decode()}")


def _ask(connection: HTTPConnection, body: bytes) -> tuple[int, bytes]:
    connection.request("POST", "/embeddings", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    return response.status, response.read()


def _body(encoded: bytes) -> bytes:
    """Makes a request for a frame, in the form of the API that costs infinity least."""
    return json.dumps(
        {
            "model": _MODEL,
            "modality": "image",
            "encoding_format": "base64",
            "input": ["data:image/jpeg;base64," + base64.b64encode(encoded).decode()],
        }
    ).encode()
