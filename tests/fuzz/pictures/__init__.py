"""A fuzz of pictures: for any bytes, the size in the header is the size that decoders return, or the file is refused.

`python -m tests.fuzz.pictures --runs N` is the long form; `test_pictures.py` the short one.
"""
