"""`framewatch-server models`: what is ready on this machine, what it costs, and whether it is whole."""
