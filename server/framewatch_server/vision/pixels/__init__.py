"""Images to model inputs: decoding, resizing, cropping, and the measurements of a picture."""
