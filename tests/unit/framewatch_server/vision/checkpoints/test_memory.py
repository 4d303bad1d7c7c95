"""Memory that models need, and memory that is free."""

from __future__ import annotations

from pathlib import Path

import pytest

from framewatch_demo import MODEL_DIR
from framewatch_server.vision.checkpoints import load
from framewatch_server.vision.checkpoints.load import load_encoder
from framewatch_server.vision.checkpoints.memory import ModelTooLarge, check_fits, container_free_bytes, needed_bytes
from framewatch_server.vision.checkpoints.weights import WeightCounts, count_weights, scalar, weights_digest

GIB = 2**30
COUNTS = WeightCounts(image_matrices=90_000_000, image_others=10_000_000, texts=50_000_000)


@pytest.mark.parametrize(
    ("engine", "dtype", "bytes_each"),
    [
        ("torch", "float32", (4, 4)),
        ("torch", "bfloat16", (2, 2)),
        ("openvino", "bfloat16", (10, 4)),
        ("openvino", "int8", (10, 4)),
    ],
)
def test_the_memory_needed_follows_from_the_weights(engine: str, dtype: str, bytes_each: tuple[int, int]) -> None:
    image, text = bytes_each
    assert needed_bytes(COUNTS, engine, dtype, "cpu", "clip") == image * 100_000_000 + text * 50_000_000 + 128 * 2**20


def test_a_gpu_wants_more_room_for_its_batches() -> None:
    assert needed_bytes(COUNTS, "torch", "float32", "cuda", "clip") > needed_bytes(
        COUNTS, "torch", "float32", "cpu", "clip"
    )


@pytest.mark.parametrize(("engine", "dtype"), [("torch", "bfloat16"), ("openvino", "bfloat16"), ("torch", "float32")])
def test_openclip_s_models_want_more(engine: str, dtype: str) -> None:
    assert needed_bytes(COUNTS, engine, dtype, "cpu", "open_clip") > needed_bytes(COUNTS, engine, dtype, "cpu", "clip")


def cgroup(folder: Path, limit: str, used: int, cached: int) -> Path:
    (folder / "memory.max").write_text(limit + "\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {cached}\nactive_file 7\n")
    return folder


@pytest.mark.parametrize(
    ("limit", "expected"), [("1000", 1000 - 900 + 300 + 7), ("max", 2**63)], ids=["a limit", "no limit"]
)
def test_a_container_s_limit_counts(tmp_path: Path, limit: str, expected: int) -> None:
    assert container_free_bytes(cgroup(tmp_path, limit, used=900, cached=300)) == expected


def test_without_a_container_there_is_no_limit(tmp_path: Path) -> None:
    assert container_free_bytes(tmp_path) == 2**63


def test_a_model_that_does_not_fit_is_refused_with_figures() -> None:
    check_fits("small", GIB, GIB, "cpu")
    with pytest.raises(
        ModelTooLarge, match=r"'large' needs about 2\.5 GiB of memory, and 1\.0 GiB are free on cpu"
    ) as caught:
        check_fits("large", 5 * GIB // 2, GIB, "cpu")
    assert caught.value.metadata == {"needed_bytes": str(5 * GIB // 2), "free_bytes": str(GIB)}


def test_it_is_refused_before_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "free_bytes", lambda _: 2**20)
    monkeypatch.setattr(load, "load_transformers", None)
    with pytest.raises(ModelTooLarge, match=r"'demo' needs about 0\.1 GiB"):
        load_encoder("demo", engine="torch", device="cpu")


def test_the_model_has_the_memory_that_was_reserved() -> None:
    encoder = load_encoder("demo", engine="torch", device="cpu", dtype="float32")
    counts = count_weights(MODEL_DIR)
    assert encoder.info.memory_bytes == needed_bytes(counts, "torch", "float32", "cpu", "clip")
    assert counts.images + counts.texts == sum(p.numel() for p in encoder.texts._model.parameters())  # type: ignore[attr-defined]


def test_a_scalar_is_as_exact_as_the_file_has_it() -> None:
    half = load_encoder("demo", engine="torch", device="cpu", dtype="bfloat16")
    exact = load_encoder("demo", engine="torch", device="cpu", dtype="float32")
    assert half.head == exact.head
    assert scalar(MODEL_DIR, "no such tensor") is None


def test_the_digest_is_of_the_weights_alone(tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((MODEL_DIR / name).read_bytes())
    assert weights_digest(tmp_path) == weights_digest(MODEL_DIR)
    data = bytearray((tmp_path / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (tmp_path / "model.safetensors").write_bytes(data)
    assert weights_digest(tmp_path) != weights_digest(MODEL_DIR)
