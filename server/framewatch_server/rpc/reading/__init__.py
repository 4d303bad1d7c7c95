"""Reading of requests: whose turn it is, the bytes that are held, and their return."""
