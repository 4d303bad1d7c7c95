"""Generated stubs of the framewatch API, one package per version."""
