"""An index of pictures, made and searched."""
