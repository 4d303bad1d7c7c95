"""The command `framewatch`.

Read `app.py` first, then one command in `commands/`. Imports point one way: `commands` → `index`, `labelling`, `rules`
and `watching`, which know nothing of each other → `pictures` → `terminal`.
"""
