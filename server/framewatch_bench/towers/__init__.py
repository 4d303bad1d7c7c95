"""The image tower alone, and single calls."""
