"""What the image files themselves are: read, fetched, hashed, sniffed."""
