"""Labelling of pictures for training a smaller model: `framewatch label`.

Read `run` first (a run from its log to its tables), then `sorting` (which label a picture gets), `sources` and
`scoring` (the pictures and their scores), `log` (how a run goes on), and `store` with `folder_store` and `table_store`
(where labelled pictures go). `summary` counts for `report`, `plots` and `sheet`.
"""
