"""The server as a process of its own, for the demo, the benchmarks and the tests."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from types import TracebackType
from typing import Any, Self

from framewatch_core.errors import FramewatchError

_STOP_TIMEOUT_S = 60


class SpawnError(FramewatchError):
    """The server ended before it served."""

    reason = "SERVER_DID_NOT_START"


class ServerProcess:
    """`framewatch-server serve` on a free loopback port; use it as a context manager, which stops it by SIGTERM.

    Attributes:
        address: HOST:PORT, once entered.
        log: the server's log entries so far.
        other_output: lines of the server's standard error that are not log entries.

    """

    def __init__(self, *arguments: str) -> None:
        """Prepares the process. `arguments` are further flags of `serve`."""
        self._command = [
            *(sys.executable, "-m", "framewatch_server", "serve"),
            *("--listen", "127.0.0.1:0", "--log-format", "json", *arguments),
        ]
        self.address = ""
        self.log: list[dict[str, Any]] = []
        self.other_output: list[str] = []

    def __enter__(self) -> Self:
        """Starts the server and waits until it serves. Raises SpawnError if it ends instead."""
        self._process = subprocess.Popen(self._command, stderr=subprocess.PIPE, text=True)  # noqa: S603 our own command
        serving = threading.Event()
        # the pipe must always be read, or the server blocks on a full one
        self._reader = threading.Thread(target=self._read, args=(serving,), name="server log", daemon=True)
        self._reader.start()
        serving.wait()
        if not self.address:
            with self._process:
                code = self._process.wait()
            raise SpawnError(f"the server ended with exit code {code} before it served: {self._last_output()}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self._process.pid

    def _read(self, serving: threading.Event) -> None:
        for line in self._process.stderr or ():
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                self.other_output.append(line.rstrip())
                continue
            self.log.append(entry)
            if entry["event"] == "serving":
                self.address = entry["address"]
                serving.set()
        serving.set()

    def _last_output(self) -> str:
        return " ".join(self.other_output[-3:]) or "it printed nothing"

    def terminate(self) -> None:
        """Asks the server to drain and end, and does not wait for it."""
        self._process.terminate()

    def stop(self) -> int:
        """Drains the server and waits for its end; returns its exit code. Raises TimeoutExpired after a minute."""
        with self._process:  # closes its pipe
            self.terminate()
            try:
                code = self._process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                raise
            self._reader.join()
        return code
