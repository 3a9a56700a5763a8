"""What is on disk: writing, reading, mending, importing."""
