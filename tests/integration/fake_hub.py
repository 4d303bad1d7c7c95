"""A hub on loopback: the part of the Hugging Face hub's HTTP API that huggingface_hub uses, with optional faults."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

LFS_SUFFIXES = (".safetensors", ".bin", ".h5", ".msgpack", ".onnx")


@dataclass(frozen=True)
class Repository:
    """A model on the hub.

    Attributes:
        files: contents of its only commit, by file name.
        refs: names of the commit, besides its hash.
        is_gated: True: its licence has not been accepted.
        conversions: numbers of the pull requests with safetensors.

    """

    files: Mapping[str, bytes]
    refs: tuple[str, ...] = ("main",)
    is_gated: bool = False
    conversions: tuple[int, ...] = ()

    @property
    def commit(self) -> str:
        """Hash of all files."""
        return hashlib.sha1(b"".join(name.encode() + data for name, data in sorted(self.files.items()))).hexdigest()

    def info(self, name: str) -> dict[str, Any]:
        """Returns the hub's description of a file."""
        data = self.files[name]
        found: dict[str, Any] = {"rfilename": name, "size": len(data), "blobId": git_sha1(data)}
        if name.endswith(LFS_SUFFIXES):
            found["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
        return found


def git_sha1(data: bytes) -> str:
    """Returns the name of a blob in git."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@dataclass
class Faults:
    """Faults of the responses for large files.

    Attributes:
        cut_after: bytes after which the next response ends; the ones after it are whole.
        is_down_after_cut: True: requests after the cut get 503.
        corrupts: True: all bytes are replaced by zeros.

    """

    cut_after: int | None = None
    is_down_after_cut: bool = False
    corrupts: bool = False


@dataclass(frozen=True)
class Request:
    """A request to the hub; `start`: the first byte of its Range; None: the whole file."""

    method: str
    path: str
    start: int | None


@dataclass
class FakeHub:
    """The hub, running as long as its context; `repositories` by id."""

    repositories: Mapping[str, Repository]
    faults: Faults = field(default_factory=Faults)
    requests: list[Request] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="fake hub", kwargs={"poll_interval": 0.01}
        )
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Value of HF_ENDPOINT."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def cdn(self, sha256: str) -> str:
        """Returns the address of a large file, under another host name."""
        return f"http://localhost:{self._server.server_address[1]}/cdn/{sha256}"

    def requested_files(self, method: str = "GET") -> list[str]:
        """Returns the sorted names of the requested files."""
        paths = (each.path for each in self.requests if each.method == method and "/resolve/" in each.path)
        return sorted({path.rsplit("/", 1)[1] for path in paths})

    def ranges(self) -> list[int | None]:
        """Returns the first bytes of the requests for large files; None: the whole file."""
        return [each.start for each in self.requests if each.path.startswith("/cdn/") and each.method == "GET"]


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Logs nothing: tests read `FakeHub.requests`."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        range_header = self.headers.get("Range")
        start = int(range_header.removeprefix("bytes=").partition("-")[0]) if range_header else None
        self.hub.requests.append(Request(self.command, path, start))
        if path.startswith("/cdn/"):
            return self._large(path.removeprefix("/cdn/"), start)
        parts = path.strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            return self._api("/".join(parts[2:4]), parts[4:])
        return self._resolve("/".join(parts[:2]), "/".join(parts[3:-1]), parts[-1])

    def _repository(self, name: str, revision: str) -> Repository | None:
        """Returns the repository; None once a refusal has been sent."""
        found = self.hub.repositories.get(name)
        if found is None:
            self._refuse(HTTPStatus.UNAUTHORIZED, "RepoNotFound", "Repository not found")
        elif found.is_gated:
            self._refuse(HTTPStatus.FORBIDDEN, "GatedRepo", "Access to this model is restricted")
        elif revision not in {*found.refs, found.commit}:
            self._refuse(HTTPStatus.NOT_FOUND, "RevisionNotFound", f"Invalid rev id: {revision}")
        else:
            return found
        return None

    def _api(self, name: str, rest: list[str]) -> None:
        if rest[:1] == ["discussions"]:
            return self._send_json(_discussions(name, self.hub.repositories[name].conversions))
        found = self._repository(name, "/".join(rest[1:]) or "main")
        if found is not None:
            files = [found.info(file) for file in found.files]
            self._send_json({"id": name, "modelId": name, "sha": found.commit, "siblings": files, "tags": []})
        return None

    def _resolve(self, name: str, revision: str, file: str) -> None:
        found = self._repository(name, revision)
        if found is None:
            return
        if file not in found.files:
            self._refuse(HTTPStatus.NOT_FOUND, "EntryNotFound", "Entry not found")
            return
        info, data = found.info(file), found.files[file]
        headers = {"X-Repo-Commit": found.commit, "ETag": f'"{info["blobId"]}"'}
        if "lfs" not in info:
            self._send(HTTPStatus.OK, headers, data)
            return
        sha256 = info["lfs"]["sha256"]
        headers |= {"X-Linked-ETag": f'"{sha256}"', "X-Linked-Size": str(len(data)), "Location": self.hub.cdn(sha256)}
        self._send(HTTPStatus.FOUND, headers, b"")

    def _large(self, sha256: str, start: int | None) -> None:
        faults = self.hub.faults
        if faults.is_down_after_cut and faults.cut_after is None:
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, {}, b"")
            return
        data = next(
            data
            for each in self.hub.repositories.values()
            for data in each.files.values()
            if hashlib.sha256(data).hexdigest() == sha256
        )
        body = data[start or 0 :]
        if faults.corrupts:
            body = bytes(len(body))
        cut, faults.cut_after = faults.cut_after, None
        headers = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
        self._send(HTTPStatus.PARTIAL_CONTENT if start else HTTPStatus.OK, headers, body, cut)

    def _refuse(self, status: HTTPStatus, code: str, message: str) -> None:
        self._send(status, {"X-Error-Code": code, "X-Error-Message": message}, b"")

    def _send_json(self, value: object) -> None:
        self._send(HTTPStatus.OK, {"Content-Type": "application/json"}, json.dumps(value).encode())

    def _send(self, status: HTTPStatus, headers: Mapping[str, str], body: bytes, cut: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[:cut])
        self.close_connection = self.close_connection or cut is not None


def _discussions(name: str, numbers: tuple[int, ...]) -> dict[str, Any]:
    return {
        "count": len(numbers),
        "start": 0,
        "discussions": [
            {
                "num": number,
                "title": "Adding `safetensors` variant of this model",
                "author": {"name": "SFconvertbot"},
                "createdAt": "2023-03-01T10:00:00.000Z",
                "status": "open",
                "isPullRequest": True,
                "repo": {"name": name, "type": "model"},
            }
            for number in numbers
        ],
    }
