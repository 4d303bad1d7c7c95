"""Images as callers send them, regions of frames, and the statistics that are measured of pictures.

Read `image` first; `header` has the checks before an image is decoded.
"""
