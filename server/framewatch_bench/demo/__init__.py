"""`framewatch-server demo`: the main job from end to end, on a rendered video."""
