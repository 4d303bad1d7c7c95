"""Label sets, their text and example vectors, and scores of images against them."""
