"""A stream's protocol: messages, session, order of frames, resume, reuse and queueing."""
