"""Downloads of large files into huggingface_hub's cache, resumed where the last attempt ended."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from huggingface_hub import constants, hf_hub_url
from huggingface_hub.file_download import http_get, repo_folder_name
from huggingface_hub.utils import WeakFileLock, build_hf_headers  # type: ignore[attr-defined]  # exported at run time

from framewatch_core.errors import ModelLoadError
from framewatch_server.vision.checkpoints.hub.progress import Progress, bar_class
from framewatch_server.vision.checkpoints.source import ModelSource


def fetch_blob(source: ModelSource, commit: str, file: str, size: int, sha256: str, progress: Progress) -> None:
    """Downloads a file that the hub keeps in LFS into the cache, where `hf_hub_download` finds it.

    huggingface_hub discards a partial file when its process ends; weights are too large for that. This uses plain HTTP,
    which every mirror supports and which can begin anywhere.

    Args:
        source: the model, on the hub.
        commit: the file's.
        file: its name in the repository.
        size: in bytes, by the hub's listing.
        sha256: of its content, by the hub's listing, in hexadecimal.
        progress: receives the progress.

    Raises:
        ModelLoadError: the content is not that of the hub's listing.
        OSError, httpx2.HTTPError: from huggingface_hub; the bytes that have arrived stay.

    """
    blob = _repository_folder(source) / "blobs" / sha256
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


def _repository_folder(source: ModelSource) -> Path:
    """Returns the cache's folder of a hub model."""
    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=source.where, repo_type="model")


def sha256_of(path: Path) -> str:
    """Returns the hash of a file's content, in hexadecimal."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _continue(url: str, partial: Path, file: str, size: int, progress: Progress) -> None:
    if partial.exists() and partial.stat().st_size > size:
        partial.unlink()
    # its name is fixed, so that a download can go on; the cache may be shared, so no link is followed
    with open(partial, "ab", opener=_without_links) as output:
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


def _without_links(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


def _check(partial: Path, source: ModelSource, file: str, sha256: str) -> None:
    found = sha256_of(partial)
    if found != sha256:
        partial.unlink()
        raise ModelLoadError(
            f"{file} of {source} from {constants.ENDPOINT} is not the hub's (sha256 {found}, expected {sha256}) and "
            "was removed: try again; if it happens again, a proxy or mirror on the way changes it: name another as "
            "HF_ENDPOINT"
        )
