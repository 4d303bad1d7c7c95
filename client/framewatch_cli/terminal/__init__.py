"""Output on a terminal: live views, tables, charts and progress."""
