"""Fixes metadata: plans edits, proves them, writes them."""
