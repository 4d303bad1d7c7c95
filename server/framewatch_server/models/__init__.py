"""`framewatch-server models`: models on this machine, their integrity, and the precision of their dtypes."""
