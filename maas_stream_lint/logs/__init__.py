"""MAAS's logs: what a line means, and what a whole log tells of the imports in it."""
