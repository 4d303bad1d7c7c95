"""Indexes of pictures: `framewatch embed` makes them, `framewatch search` searches them.

Read `vector_index` first (what an index is), then `update` (a run of `embed`: `sources` finds files, `plan` compares
them with the index, `embedding` makes vectors, `builder` joins them) and `search`. `files` reads and writes indexes.
"""
