"""The demo model: a small CLIP trained on scenes that this package renders.

Importing this module costs nothing; torch, transformers and OpenCV are imported by the modules that need them.
"""

from pathlib import Path

MODEL_DIR: Path = Path(__file__).parent / "weights"
"""Folder of the shipped demo model, in transformers format."""

__all__ = ["MODEL_DIR"]
