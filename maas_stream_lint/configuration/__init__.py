"""The configuration file: found, read, validated, merged, and applied to reports."""
