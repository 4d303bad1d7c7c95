"""Picture health: bad pictures are held from the rules of their region.

Read `monitor` first: it assesses every frame and emits health events. It finds problems with `baseline` (BLACK,
OVEREXPOSED, COVERED, BLURRED), `scene` (SCENE_CHANGED), `frozen` (FROZEN) and `region` (BLACK and OVEREXPOSED of a part
of the frame). `tuning` has all thresholds and their grounds.
"""
