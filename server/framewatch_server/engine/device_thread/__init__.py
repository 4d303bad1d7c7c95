"""The thread that has the device: batches of images and, between them, bounded slices of text."""
