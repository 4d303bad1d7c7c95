"""The licence in a checkpoint's model card."""

from __future__ import annotations

from pathlib import Path

import structlog
import yaml
from huggingface_hub import metadata_load

from framewatch_server.vision.checkpoints.files import CARD
from framewatch_server.vision.error_text import first_line

UNKNOWN = "not stated"

_log = structlog.get_logger()


def licence(folder: Path) -> str:
    """Returns the licence in the metadata of a folder's card, UNKNOWN without one."""
    try:
        card = metadata_load(folder / CARD) or {}
    except FileNotFoundError:
        return UNKNOWN
    except (OSError, ValueError, yaml.YAMLError) as error:
        _log.warning("the model card can't be read", card=str(folder / CARD), because=first_line(error))
        return UNKNOWN
    named = card.get("license")
    # beside «other» are its name and often only a link
    own = card.get("license_name") or card.get("license_link") if named == "other" else None
    found = own or named or UNKNOWN
    return ", ".join(map(str, found)) if isinstance(found, list) else str(found)
