"""Thresholds from recorded scores, and their quality."""
