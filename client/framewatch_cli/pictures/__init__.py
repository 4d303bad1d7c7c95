"""Pictures from files, embedded and shown: shared by labelling, index and rules."""
