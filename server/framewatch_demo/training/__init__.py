"""Training of the demo model from rendered scenes."""
