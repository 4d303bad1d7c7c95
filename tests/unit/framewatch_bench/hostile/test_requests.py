"""Messages with huge counts, as the server parses them."""

from __future__ import annotations

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_bench.hostile.requests import huge_counts

COUNT = 300


def test_every_message_has_as_many_entries_as_it_should() -> None:
    messages = huge_counts(COUNT)
    names, templates, prompts = (pb.ClassifyRequest.FromString(each).label_set for each in messages["Classify"])
    assert len(names.labels) == len(templates.templates.templates) == len(prompts.labels[0].prompts) == COUNT
    texts, images = (pb.EmbedRequest.FromString(each) for each in messages["Embed"])
    assert len(texts.texts) == len(images.images) == COUNT
    assert len(pb.SimilarityRequest.FromString(messages["Similarity"][0]).candidates) == COUNT
    labels, sentences, rules, ignored, regions = (
        pb.StreamFramesRequest.FromString(each).config for each in messages["StreamFrames"]
    )
    assert len(labels.label_set.labels) == len(sentences.label_set.templates.templates) == COUNT
    assert len(rules.rules) == len(ignored.health.ignored) == len(regions.regions) == COUNT
