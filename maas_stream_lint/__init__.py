"""Says exactly what MAAS will do with an image stream, and why."""

__version__ = "0.1.0"
