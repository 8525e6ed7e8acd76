"""MAAS's logs: what a line means, and what a whole log says about its imports."""
