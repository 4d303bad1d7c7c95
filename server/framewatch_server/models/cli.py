"""`framewatch-server models`: models that are downloaded and checked before they are served."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

from cyclopts import App, Parameter
from rich.console import Console
from rich.filesize import decimal

from framewatch_core.errors import ModelLoadError
from framewatch_server.config import DEFAULT_MODEL
from framewatch_server.tables import Row, print_line, print_rows, progress
from framewatch_server.vision.checkpoints.source import ModelSource, SourceKind

Json = Annotated[bool, Parameter(name="--json")]
Dtype = Literal["auto", "float32", "bfloat16", "float16", "int8"]

_SHORT_COMMIT = 12

app = App(name="models", help="Models on this machine: downloads, lists and verifies them.")


@app.command
def download(*ids: str) -> int:
    """Downloads the files of models that the server needs, compares them with the hub's hashes, and prints pinned ids.

    Only safetensors and the small files beside them, into the cache that transformers uses as well. After an
    interruption, the same command goes on from there; damaged files in the cache are downloaded again. HF_ENDPOINT
    names a mirror, HF_HOME another cache, HF_TOKEN an account. Exit code 1 if a model is not available.

    Args:
        ids: Hub ids, as owner/name or owner/name@revision; the server's default model unless given.

    """
    sources = [ModelSource.parse(each) for each in ids or (DEFAULT_MODEL,)]
    outcomes = [_download(source) for source in sources]
    return 0 if all(outcomes) else 1


@app.command(name="list")
def list_(*, json: Json = False) -> None:
    """Lists the models on this machine: the embedded one, and every commit of those in the hub's cache.

    Args:
        json: One line of JSON per model.

    """
    from framewatch_server.models.listing import ListedModel, list_models  # noqa: PLC0415 huggingface_hub

    def row(model: ListedModel) -> Row:
        return {
            "model": model.name,
            "revision": ", ".join(model.revisions),
            "commit": model.commit[:_SHORT_COMMIT],
            "family": model.family or "?",
            "size": decimal(model.size),
            "licence": model.licence,
            "state": model.state.partition(":")[0],
        }

    models, broken = list_models()
    print_rows("on this machine", [asdict(each) if json else row(each) for each in models], as_json=json)
    unusable = [] if json else [f"{each.name}: {each.state}" for each in models if ":" in each.state]
    for line in unusable:
        print_line(line)
    for line in broken:
        print_line(f"not listed: {line}")


@app.command
def verify(
    *ids: str,
    precision: bool = True,
    dtype: tuple[Dtype, ...] = (),
    device: str = "auto",
    engine: str = "auto",
    json: Json = False,
) -> int:
    """Verifies the files of models on this machine, and the precision of each dtype. Never uses the network.

    Files from the hub are compared with their hashes. Then embeddings of rendered pictures and of plain sentences in
    each dtype are compared with those in float32. Exit code 1 if a file is missing or damaged, if a model can't be
    loaded, or if a dtype that was named can't be run here or is too far from float32 (mean cosine below 0.999).

    Args:
        ids: Hub ids (owner/name or owner/name@revision), folders, or demo; the server's default model unless given.
        precision: Compare dtypes. It takes a while; int8 takes a minute when it is made for the first time.
        dtype: A dtype to compare; may be repeated. auto: all of them, and those that can't run here are no failure.
        device: See `serve`.
        engine: See `serve`.
        json: One line of JSON per file and per dtype.

    """
    from framewatch_server.models.integrity_report import verify_files  # noqa: PLC0415 huggingface_hub

    sources = [ModelSource.parse(each) for each in ids or (DEFAULT_MODEL,)]
    checkpoints = [verify_files(source, as_json=json) for source in sources]
    is_fine = None not in checkpoints
    if precision and any(checkpoints):
        from framewatch_server.models.precision_report import verify_precision  # noqa: PLC0415 torch

        for complete in filter(None, checkpoints):
            is_fine &= verify_precision(complete, dtype, device=device, engine=engine, as_json=json)
    return 0 if is_fine else 1


def _download(source: ModelSource) -> bool:
    """Downloads a model and prints its description, or the error; returns True if it is here now."""
    from framewatch_server.models.card import licence  # noqa: PLC0415 huggingface_hub
    from framewatch_server.models.download import make_ready  # noqa: PLC0415
    from framewatch_server.models.download_progress import ConsoleProgress  # noqa: PLC0415
    from framewatch_server.vision.checkpoints.files import family  # noqa: PLC0415

    try:
        with ConsoleProgress(progress) as report:
            checkpoint, checks = make_ready(source, report)
    except ModelLoadError as error:
        print_line(f"framewatch-server: {error.message}")
        return False
    size = decimal(sum(check.size for check in checks))
    facts = {
        "family": family(checkpoint.folder) or "?",
        "size": f"{size} in {len(checks)} files" + (", all with the hub's hashes" if checkpoint.commit else ""),
        "licence": licence(checkpoint.folder),
        "folder": str(checkpoint.folder),
    }
    if source.kind is SourceKind.HUB:
        facts["pinned"] = source.pinned(checkpoint.commit)
    console = Console(soft_wrap=True, markup=False, highlight=False)
    console.print(str(source), style="bold")
    for name, value in facts.items():
        console.print(f"  {name:8} {value}")
    return True
