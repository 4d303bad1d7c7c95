"""Images as callers send them: formats, headers, regions and statistics."""
