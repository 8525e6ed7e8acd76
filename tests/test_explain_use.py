"""``explain`` on what MAAS says when it uses images: predicted, and led to the field."""

from __future__ import annotations

import re

import pytest

from maas_stream_lint.api import Report
from maas_stream_lint.checks import all_rules
from maas_stream_lint.collect import findings
from maas_stream_lint.logs.instream import InStream, judged
from maas_stream_lint.logs.tally import explained
from test_use_rows import MISSED, Row, kernel, other, own, seen, stream, ubuntu

GOOD = [ubuntu(), other()]
#: Errors that people paste, each with a stream that causes it, the rule, and the field it is at.
ASKED = [
    ("noble has no kernels available.", [kernel("24.04")], "MSL418", "subarch"),
    ("noble has no kernels available.", [kernel("ga-22.04")], "MSL454", "subarch"),
    ("noble has no kernels available.", [other()], "MSL458", "arch"),
    (
        "ga-22.04 is too old to use on ubuntu/noble.",
        [ubuntu(), kernel("ga-22.04")],
        "MSL454",
        "subarch",
    ),
    (
        "ga-24.04.1 not found amongst the known Ubuntu releases!",
        [kernel("ga-24.04.1")],
        "MSL451",
        "subarch",
    ),
    (
        "ga-99.04 not found amongst the known Ubuntu releases!",
        [ubuntu(subarches="generic,ga-24.04,ga-99.04")],
        "MSL452",
        "subarches",
    ),
    ("invalid literal for int() with base 10: 'Acme'", [own()], "MSL457", "release_title"),
    (
        (
            "Error generating the URL of curtin's image file.  No image could be found for the "
            "given selection: os=centos, arch=amd64, subarch=generic, series=centos9, "
            "purpose=xinstall."
        ),
        [ubuntu(), other(subarch="custom", subarches="custom")],
        "MSL459",
        "subarch",
    ),
    (
        "get() returned more than one BootResource -- it returned 2!",
        [ubuntu(), ubuntu(version="24.04.1")],
        "MSL415",
        "version",
    ),
    (
        "get() returned more than one BootResourceFile -- it returned 2!",
        [ubuntu(), other("root-tgz", "root-txz")],
        "MSL510",
        "root-txz",
    ),
    (
        (
            "failed to compute a bootable amd64/ga-24.04 system for ubuntu/noble: no kernel, "
            "initrd, rootfs"
        ),
        [kernel("hwe-24.04"), ubuntu(arch="amd64x")],
        "MSL460",
        "arch",
    ),
]


def asked(text: str, products: list[dict[str, object]]) -> InStream:
    look = seen(stream(*products))
    report = Report("stream", look, tuple(findings(look, all_rules())))
    (entry,) = explained(text).entries
    return judged(entry, report)


@pytest.mark.parametrize(("text", "products", "code", "field"), ASKED)
def test_an_error_leads_to_the_field(
    text: str, products: list[dict[str, object]], code: str, field: str
) -> None:
    found = asked(text, products)
    assert found.lines
    assert code in {finding.code for finding in found.findings}
    (named,) = [finding for finding in found.findings if finding.code == code]
    assert any(place.path[-1] == field for place in named.places)


@pytest.mark.parametrize("text", sorted({text for text, *_ in ASKED}))
def test_a_good_stream_does_not_cause_it(text: str) -> None:
    found = asked(text, GOOD)
    assert found.lines == ()
    assert found.findings == ()


SAID = [row for row in MISSED if row.says is not None and re.search(r"[.!']$", row.says)]


@pytest.mark.parametrize("row", SAID, ids=lambda row: f"row {row.number}")
def test_what_is_predicted_is_found(row: Row) -> None:
    assert row.says is not None
    found = asked(row.says, row.products)
    assert set(row.told[0].lines) & set(found.lines)
    assert row.told[0].name in {finding.name for finding in found.findings}
