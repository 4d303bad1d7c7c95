"""Checkpoints: from a model's name to its files, and from these to its encoder."""
