"""The command `framewatch`."""
