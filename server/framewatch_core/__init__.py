"""What framewatch decides: labels, scores, rules and the stream's protocol.

Pure: standard library and numpy, no clock, no threads, no I/O. Time is passed in as integer nanoseconds, so that sums
of frame times are exact. Installed with the light client too, so that rules run the very code of the server.
"""
