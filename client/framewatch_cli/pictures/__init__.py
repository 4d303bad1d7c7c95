"""Pictures of folders and videos: what `embed`, `search`, `label` and the rules files share.

Read `folder` first (which files are pictures, and their bytes), then `calls` and `faults` (many calls at once, and who
is at fault when one fails), then `atomic` and `lock` (files that survive a killed run). `sheet` writes contact sheets,
`frames` and `examples` read single frames.
"""
