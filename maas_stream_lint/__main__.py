"""``python -m maas_stream_lint``."""

from maas_stream_lint.cli.start import start

if __name__ == "__main__":
    start()
