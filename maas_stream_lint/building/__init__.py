"""A stream from finished images: what is on each, the metadata that carries it, and its writing."""
