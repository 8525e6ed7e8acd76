"""Rules on TODO."""
