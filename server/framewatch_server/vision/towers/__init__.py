"""Towers: the image and text halves of a model on each engine."""
