"""Label sets, the vectors of their texts and examples, and the scores of images.

Read `labels` (what a caller asks for) and `scoring` (probability and similarity) first, then `vectors`, which joins
them with `presence` (a discriminant from example images). `label_scores` has the scores of a region as arrays.
`warnings` is about texts that the model cuts off.
"""
