"""Frames from files, folders, cameras and URLs."""
