"""``python -m maas_stream_lint``."""

from maas_stream_lint.cli.main import main

if __name__ == "__main__":
    main()
