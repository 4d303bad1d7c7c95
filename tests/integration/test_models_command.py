"""`framewatch-server models` as a user runs it, against a hub on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from framewatch_demo import MODEL_DIR
from tests.integration.fake_hub import FakeHub, Faults, Repository

WANTED = sorted(path.name for path in MODEL_DIR.iterdir())
NOWHERE = "http://127.0.0.1:9"
CHUNK = 10 * 1024 * 1024  # huggingface_hub keeps whole chunks of an answer that breaks off

TINY = {path.name: path.read_bytes() for path in MODEL_DIR.iterdir()} | {"README.md": b"---\nlicense: mit\n---\n"}
UNWANTED = {
    ".gitattributes": b"x",
    "pytorch_model.bin": b"pickle",
    "open_clip_model.safetensors": b"the same again",
    "onnx/model.onnx": b"x",
    "modeling_clip.py": b"raise SystemExit",
}
PICKLES = {name: data for name, data in TINY.items() if name != "model.safetensors"} | {"pytorch_model.bin": b"x"}


@dataclass(frozen=True)
class Machine:
    """A machine with a cache of its own, and the hub that it asks."""

    hub: FakeHub
    home: Path

    def models(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs `framewatch-server models` and returns its output."""
        settings = {"HF_ENDPOINT": self.hub.url, "HF_HOME": str(self.home), "COLUMNS": "200", "NO_COLOR": "1"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "FRAMEWATCH_"))}
        return subprocess.run(
            [sys.executable, "-m", "framewatch_server", "models", *arguments],
            env=kept | settings | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def json(self, *arguments: str, **environment: str) -> list[dict[str, Any]]:
        """The lines of JSON that a successful command prints."""
        done = self.models(*arguments, "--json", **environment)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def snapshot(self, name: str) -> Path:
        """The cache's folder of a model's one commit."""
        commit = self.hub.repositories[name].commit
        return self.home / "hub" / f"models--{name.replace('/', '--')}" / "snapshots" / commit

    def have(self, name: str) -> None:
        """Downloads a model and clears the hub's requests."""
        done = self.models("download", name)
        assert done.returncode == 0, done.stderr
        self.hub.requests.clear()


@pytest.fixture(scope="session")
def big() -> bytes:
    """The demo model's weights with 24 MB beside them that are not needed."""
    return save(load(TINY["model.safetensors"]) | {"unused": np.arange(6_000_000, dtype=np.int32)})


@pytest.fixture
def machine(big: bytes, tmp_path: Path) -> Iterator[Machine]:
    repositories: Mapping[str, Repository] = {
        "acme/tiny-clip": Repository(TINY | UNWANTED, refs=("main", "v1", "refs/pr/3")),
        "acme/big-clip": Repository(TINY | {"model.safetensors": big}),
        "acme/gated": Repository(TINY, is_gated=True),
        "acme/pickles": Repository(PICKLES, conversions=(7,)),
        "acme/only-pickles": Repository(PICKLES),
        "acme/words": Repository(TINY | {"config.json": b'{"model_type": "bert"}'}),
        "acme/data": Repository({"README.md": b"x", "model.safetensors": b"x"}),
    }
    with FakeHub(repositories) as hub:
        yield Machine(hub, tmp_path / "hf")


def test_only_needed_files_are_downloaded_and_the_model_loads(machine: Machine) -> None:
    done = machine.models("download", "acme/tiny-clip")
    assert done.returncode == 0, done.stderr
    commit = machine.hub.repositories["acme/tiny-clip"].commit
    for words in ("4.8 MB in 6 files", "mit", "clip", f"acme/tiny-clip@{commit}"):
        assert words in done.stdout
    assert "downloading model.safetensors, 4.7 MB" in done.stderr
    assert machine.hub.asked_for() == WANTED
    assert machine.hub.asked_for("HEAD") == WANTED
    rows = machine.json("verify", "acme/tiny-clip", "--dtype", "bfloat16", "--engine", "torch", HF_ENDPOINT=NOWHERE)
    assert [Path(row["file"]).name for row in rows if "file" in row] == WANTED
    reference, bfloat16 = [row for row in rows if "dtype" in row]
    assert (reference["dtype"], bfloat16["dtype"]) == ("float32", "bfloat16")
    assert 0.999 < bfloat16["images"]["least"] <= bfloat16["images"]["mean"]
    assert bfloat16["weights"] * 2 == reference["weights"]
    assert not any(row["fault"] for row in rows)


@pytest.mark.parametrize("revision", ["", "@v1", "@refs/pr/3"], ids=["main", "tag", "pull request"])
def test_a_revision_that_may_move_costs_one_question_once_it_is_here(machine: Machine, revision: str) -> None:
    machine.have(f"acme/tiny-clip{revision}")
    done = machine.models("download", f"acme/tiny-clip{revision}")
    assert done.returncode == 0, done.stderr
    (asked,) = machine.hub.requests
    assert asked.path == f"/api/models/acme/tiny-clip{f'/revision/{revision[1:]}' if revision else ''}"


def test_a_pinned_commit_that_is_here_costs_none(machine: Machine) -> None:
    pinned = f"acme/tiny-clip@{machine.hub.repositories['acme/tiny-clip'].commit}"
    machine.have(pinned)
    done = machine.models("download", pinned)
    assert done.returncode == 0, done.stderr
    assert machine.hub.requests == []


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_takes_the_files_here_and_sends_no_request(machine: Machine, variable: str) -> None:
    machine.have("acme/tiny-clip")
    assert machine.models("download", "acme/tiny-clip", **{variable: "1"}).returncode == 0
    missing = machine.models("download", "acme/big-clip", **{variable: "1"})
    assert missing.returncode == 1
    assert "doesn't have the model 'acme/big-clip', and the network must not be used" in missing.stderr
    assert "framewatch-server models download acme/big-clip" in missing.stderr
    assert machine.hub.requests == []


def test_without_the_hub_the_files_here_are_taken_and_a_warning_is_logged(machine: Machine) -> None:
    machine.have("acme/tiny-clip")
    done = machine.models("download", "acme/tiny-clip", HF_ENDPOINT=NOWHERE)
    assert done.returncode == 0, done.stderr
    assert machine.hub.repositories["acme/tiny-clip"].commit in done.stdout
    (entry,) = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert entry["level"] == "warning"
    assert NOWHERE in entry["because"]


def test_a_connection_that_breaks_off_is_taken_up_again(machine: Machine) -> None:
    machine.hub.faults.cut_after = CHUNK + 1000
    done = machine.models("download", "acme/big-clip")
    assert done.returncode == 0, done.stderr
    assert machine.hub.ranges() == [None, CHUNK]


def test_a_download_goes_on_where_the_process_before_it_ended(machine: Machine) -> None:
    machine.hub.faults = Faults(cut_after=CHUNK + 1000, is_down_after_cut=True)
    done = machine.models("download", "acme/big-clip")
    assert done.returncode == 1
    assert f"{machine.hub.url} answered 503 when asked for model.safetensors of acme/big-clip" in done.stderr
    assert "goes on from there" in done.stderr
    (listed,) = [row for row in machine.json("list") if row["name"] == "acme/big-clip"]
    assert listed["state"] == "incomplete: lacks model.safetensors"
    offline = machine.models("download", "acme/big-clip", HF_HUB_OFFLINE="1")
    assert "lacks model.safetensors of the model 'acme/big-clip'" in offline.stderr
    machine.hub.faults = Faults()
    machine.hub.requests.clear()
    again = machine.models("download", "acme/big-clip")
    assert again.returncode == 0, again.stderr
    assert "of which 10.5 MB are here already" in again.stderr
    assert machine.hub.ranges() == [CHUNK]


def test_other_content_than_the_hub_s_is_not_kept(machine: Machine) -> None:
    machine.hub.faults.corrupts = True
    done = machine.models("download", "acme/tiny-clip")
    assert done.returncode == 1
    assert f"model.safetensors of acme/tiny-clip from {machine.hub.url} is not the hub's" in done.stderr
    machine.hub.faults = Faults()
    assert machine.models("download", "acme/tiny-clip").returncode == 0


def rot(path: Path) -> None:
    """Changes a byte of a cached file's content, and leaves its length."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"], ids=["sha256", "git's sha1"])
def test_damage_is_found_and_repaired(machine: Machine, file: str) -> None:
    machine.have("acme/tiny-clip")
    rot(machine.snapshot("acme/tiny-clip") / file)
    found = machine.models("verify", "acme/tiny-clip", "--json")
    assert found.returncode == 1
    assert [Path(row["file"]).name for row in map(json.loads, found.stdout.splitlines()) if row["fault"]] == [file]
    assert "framewatch-server models download acme/tiny-clip" in found.stderr
    assert machine.hub.requests == [], "verify sends no request"
    assert machine.models("download", "acme/tiny-clip").returncode == 0
    assert machine.hub.asked_for() == [file]
    assert machine.models("verify", "acme/tiny-clip", "--no-precision").returncode == 0


@pytest.mark.parametrize(
    ("model", "words"),
    [
        pytest.param("acme/none", ["{hub} has no model 'acme/none'", "HF_TOKEN"], id="no repository"),
        pytest.param("acme/gated", ["is gated on {hub}", "{hub}/acme/gated", "HF_TOKEN"], id="gated"),
        pytest.param("acme/tiny-clip@v9", ["no revision 'v9'", "{hub}"], id="no revision"),
        pytest.param("acme/pickles", ["no weights in safetensors", "acme/pickles@refs/pr/7"], id="converted"),
        pytest.param("acme/only-pickles", ["no weights in safetensors", "spaces/safetensors/convert"], id="pickles"),
        pytest.param("acme/data", ["neither config.json nor open_clip_config.json"], id="no checkpoint"),
        pytest.param("clip", ["'clip' is no folder and no hub id", "owner/name"], id="no id"),
        pytest.param("null", ["has no files"], id="null"),
        pytest.param("./none", ["'./none' is not there"], id="no folder"),
    ],
)
def test_failures_have_a_reason_and_a_way_to_go_on(machine: Machine, model: str, words: list[str]) -> None:
    done = machine.models("download", model)
    assert done.returncode == 1
    assert [word for word in words if word.format(hub=machine.hub.url) not in done.stderr] == []
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_host_that_is_not_there_is_named_and_other_models_still_come(machine: Machine) -> None:
    done = machine.models("download", "acme/tiny-clip", "demo", HF_ENDPOINT=NOWHERE)
    assert done.returncode == 1
    for words in (f"{NOWHERE} could not be reached", "HF_ENDPOINT", "HTTPS_PROXY", "HF_HOME"):
        assert words in done.stderr
    assert done.stdout.startswith("demo\n")


def test_the_models_on_this_machine_are_listed(machine: Machine) -> None:
    (demo,) = machine.json("list")
    assert (demo["name"], demo["family"], demo["state"]) == ("demo", "clip", "ready, embedded")
    machine.have("acme/tiny-clip")
    refused = machine.models("download", "acme/words")
    assert "type 'bert' can't be served" in refused.stderr
    assert machine.hub.asked_for() == ["config.json"]
    _, tiny, words = machine.json("list", HF_ENDPOINT=NOWHERE)
    assert tiny["commit"] == machine.hub.repositories["acme/tiny-clip"].commit
    assert (tiny["revisions"], tiny["licence"], tiny["state"]) == (["main"], "mit", "ready")
    assert (words["family"], words["state"]) == ("bert", "other family: framewatch can't load it")
    table = machine.models("list")
    for cell in (tiny["commit"][:12], "4.8 MB", "other family"):
        assert cell in table.stdout
    assert f"acme/words: {words['state']}" in table.stderr


def test_missing_files_are_reported_beside_damaged_ones(machine: Machine) -> None:
    machine.have("acme/tiny-clip")
    snapshot = machine.snapshot("acme/tiny-clip")
    rot(snapshot / "model.safetensors")
    (snapshot / "tokenizer.json").unlink()
    found = machine.models("verify", "acme/tiny-clip")
    assert found.returncode == 1
    assert "(model.safetensors, tokenizer.json)" in found.stderr


Verify = Callable[[Machine], list[str]]


def folder_without_weights(machine: Machine) -> list[str]:
    folder = machine.home / "mine"
    folder.mkdir(parents=True)
    for name, data in PICKLES.items():
        (folder / name).write_bytes(data)
    return [str(folder)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(lambda _: ["acme/tiny-clip"], "doesn't have the model 'acme/tiny-clip'", id="not here"),
        pytest.param(folder_without_weights, "copy model.safetensors again", id="folder without weights"),
        pytest.param(
            lambda _: ["demo", "--dtype", "int8", "--engine", "torch"], "torch does not run int8", id="named dtype"
        ),
    ],
)
def test_a_model_that_can_not_be_verified_ends_with_exit_code_1(
    machine: Machine, arguments: Verify, words: str
) -> None:
    done = machine.models("verify", *arguments(machine))
    assert done.returncode == 1
    assert words in done.stderr
    assert machine.hub.requests == []
