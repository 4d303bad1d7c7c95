"""What a checkpoint's model card says of its licence."""

from __future__ import annotations

from pathlib import Path

import structlog
import yaml
from huggingface_hub import metadata_load

from framewatch_server.vision.checkpoints.files import CARD

UNKNOWN = "not said"

_log = structlog.get_logger()


def licence(folder: Path) -> str:
    """The licence that the card's metadata name, UNKNOWN without one."""
    try:
        card = metadata_load(folder / CARD) or {}
    except FileNotFoundError:
        return UNKNOWN
    except (OSError, ValueError, yaml.YAMLError) as error:
        _log.warning("the model card can't be read", card=str(folder / CARD), because=str(error).partition("\n")[0])
        return UNKNOWN
    named = card.get("license")
    # «other» has its name, and often only a link, beside it
    own = card.get("license_name") or card.get("license_link") if named == "other" else None
    found = own or named or UNKNOWN
    return ", ".join(map(str, found)) if isinstance(found, list) else str(found)
