"""Checkpoints on the Hugging Face hub and in its cache."""
