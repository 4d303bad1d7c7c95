"""Threads that outlive whatever their work raises, and the watch over work that does not end."""
