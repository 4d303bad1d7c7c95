"""`framewatch-server models`: models ready beforehand."""

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

app = App(name="models", help="Models ready beforehand: downloads, lists and verifies them.")


@app.command
def download(*ids: str) -> int:
    """Downloads what the server needs of models, compares it with the hub's hashes, and says how to pin it.

    Only safetensors and the small files beside them, into the cache that transformers uses as well. Broken off, it goes
    on from there when it is called again; what is damaged in the cache is downloaded anew. HF_ENDPOINT names a mirror,
    HF_HOME another cache, HF_TOKEN an account. Exit code 1 if one of them can't be had.

    Args:
        ids: Hub ids, as owner/name or owner/name@revision; the server's default model unless given.

    """
    sources = [ModelSource.parse(each) for each in ids or (DEFAULT_MODEL,)]
    outcomes = [_download(source) for source in sources]
    return 0 if all(outcomes) else 1


@app.command(name="list")
def list_(*, json: Json = False) -> None:
    """Lists the models on this machine: the embedded one, and those in the hub's cache with every commit of theirs.

    Args:
        json: One line of JSON per model.

    """
    from framewatch_server.models.listing import ListedModel, list_models  # noqa: PLC0415 huggingface_hub
    from framewatch_server.vision.checkpoints.families import FAMILIES, OPEN_CLIP  # noqa: PLC0415

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

    models, broken = list_models((*FAMILIES, OPEN_CLIP))
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
    """Checks that models on this machine are whole, and what each dtype costs them. Never uses the network.

    Files from the hub are compared with their hashes. Then embeddings of rendered pictures and of plain sentences in
    each dtype are compared with those in float32. Exit code 1 if a file is missing or damaged, a model can't be loaded,
    or a dtype that was named is not what the server would run, or too far from float32 (mean cosine below 0.999).

    Args:
        ids: Hub ids (owner/name or owner/name@revision), folders, or demo; the server's default model unless given.
        precision: Whether dtypes are compared; takes a while, int8 a minute when it is made for the first time.
        dtype: One to compare; may be repeated. auto is all of them, and what can't run here is only told.
        device: As `serve` takes it.
        engine: As `serve` takes it.
        json: One line of JSON per file and per dtype.

    """
    from framewatch_server.models.file_report import verify_files  # noqa: PLC0415 huggingface_hub

    sources = [ModelSource.parse(each) for each in ids or (DEFAULT_MODEL,)]
    checkpoints = [verify_files(source, as_json=json) for source in sources]
    is_fine = None not in checkpoints
    if precision and any(checkpoints):
        from framewatch_server.models.precision_report import verify_precision  # noqa: PLC0415 torch

        for whole in filter(None, checkpoints):
            is_fine &= verify_precision(whole, dtype, device=device, engine=engine, as_json=json)
    return 0 if is_fine else 1


def _download(source: ModelSource) -> bool:
    """Whether the model is here now; tells what it is or what is wrong."""
    from framewatch_server.models.card import licence  # noqa: PLC0415 huggingface_hub
    from framewatch_server.models.download import make_ready  # noqa: PLC0415
    from framewatch_server.models.reporting import DownloadReport  # noqa: PLC0415
    from framewatch_server.vision.checkpoints.files import family  # noqa: PLC0415

    try:
        with DownloadReport(progress) as report:
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
