"""Encoders: the image and text towers of a model on each engine."""
