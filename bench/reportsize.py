"""How large the reports for services get: ``python bench/reportsize.py [PRODUCTS]``.

The stream has this number of products, with three findings each. The bench shows, for each form
that a service takes, results, megabytes, packed megabytes, and processor time relative to
``check``.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import zlib
from pathlib import Path

import streams
from maas_stream_lint.api import check
from maas_stream_lint.finding import Severity
from maas_stream_lint.output import Style
from maas_stream_lint.report.formats import FORMATS

#: What begins a result in each form.
RESULTS = {
    "sarif": '"ruleId":',
    "github": "::",
    "gitlab": '"check_name":',
    "junit": "<testcase ",
}


def main() -> None:
    """Measure and print a row a form."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("products", type=int, nargs="?", default=9000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = streams.tree(given.products, 1, "upper-case")
        begun = time.process_time()
        report = check(streams.write(Path(folder), files))
        checked = time.process_time() - begun
        print(f"{len(report.findings):,} findings")
        print("| form | results | MB | MB packed | of the time of check |")
        print("|---|---|---|---|---|")
        for form, start in RESULTS.items():
            begun = time.process_time()
            text = "".join(FORMATS[form].render(report, Severity.UNUSABLE, Style()))
            took = (time.process_time() - begun) / checked
            results = sum(line.lstrip().startswith(start) for line in text.splitlines())
            packed = len(zlib.compress(text.encode()))
            print(
                f"| {form} | {results:,} | {len(text) / 1e6:.1f} | {packed / 1e6:.2f} | "
                f"{took:.2f} |"
            )


if __name__ == "__main__":
    main()
