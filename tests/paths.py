"""Paths of the checkout and of the example data beside it, which a user's checkout lacks."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"
