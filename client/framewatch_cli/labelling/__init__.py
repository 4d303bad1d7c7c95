"""Labelling of pictures for training."""
