"""Other servers and pipelines that framewatch is measured against."""
