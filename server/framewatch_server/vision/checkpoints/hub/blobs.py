"""Large files from the hub into huggingface_hub's cache, begun where the last attempt ended."""

from __future__ import annotations

import hashlib
from pathlib import Path

from huggingface_hub import constants, hf_hub_url
from huggingface_hub.file_download import http_get, repo_folder_name
from huggingface_hub.utils import WeakFileLock, build_hf_headers  # type: ignore[attr-defined]  # exported at run time

from framewatch_core.errors import ModelLoadError
from framewatch_server.vision.checkpoints.hub.progress import Progress, bar_class
from framewatch_server.vision.checkpoints.source import ModelSource


def fetch_blob(source: ModelSource, commit: str, file: str, size: int, sha256: str, progress: Progress) -> None:
    """Brings a file that the hub keeps in LFS into the cache, where `hf_hub_download` finds it.

    huggingface_hub throws away what it has of a file when its process ends; weights are too large for that. This goes
    by plain HTTP, which every mirror speaks and which can begin anywhere.

    Args:
        source: the model, on the hub.
        commit: the file's.
        file: its name in the repository.
        size: in bytes, as the hub says.
        sha256: of its content, as the hub says, in hexadecimal.
        progress: told as bytes come.

    Raises:
        ModelLoadError: something else came than what the hub says.
        OSError, httpx2.HTTPError: as huggingface_hub; what has come stays.

    """
    blob = repository_folder(source) / "blobs" / sha256
    lock = Path(constants.HF_HUB_CACHE) / ".locks" / blob.parent.parent.name / f"{sha256}.lock"
    for folder in (blob.parent, lock.parent):
        folder.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(lock):
        if blob.exists():
            return
        partial = blob.with_name(f"{sha256}.incomplete")
        url = hf_hub_url(source.where, file, revision=commit)
        _continue(url, partial, file, size, progress)
        _check(partial, source, file, sha256)
        partial.replace(blob)


def repository_folder(source: ModelSource) -> Path:
    """Where the cache keeps a hub model."""
    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=source.where, repo_type="model")


def _continue(url: str, partial: Path, file: str, size: int, progress: Progress) -> None:
    if partial.exists() and partial.stat().st_size > size:
        partial.unlink()
    with partial.open("ab") as output:
        done = output.tell()
        progress.begin(file, size, done)
        http_get(
            url,
            output,
            resume_size=done,
            headers=build_hf_headers() | {"Accept-Encoding": "identity"},
            expected_size=size,
            displayed_filename=file,
            tqdm_class=bar_class(file, size, progress),
        )


def _check(partial: Path, source: ModelSource, file: str, sha256: str) -> None:
    with partial.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != sha256:
        partial.unlink()
        raise ModelLoadError(
            f"{file} of {source} did not come from {constants.ENDPOINT} as the hub has it (sha256 {found}, expected "
            f"{sha256}) and was removed: try again; if it stays so, a proxy or mirror on the way changes it: name "
            "another as HF_ENDPOINT"
        )
