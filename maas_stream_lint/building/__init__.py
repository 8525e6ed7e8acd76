"""Makes a stream from finished images: looks at each, makes the metadata, and writes the tree."""
