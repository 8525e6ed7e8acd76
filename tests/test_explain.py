"""``explain``: rules, and lines pasted from MAAS's log."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import reports
from maas_stream_lint import loglines
from maas_stream_lint.api import Report, check
from maas_stream_lint.checks import all_rules
from maas_stream_lint.collect import findings
from maas_stream_lint.look import look_at
from maas_stream_lint.output import Style
from maas_stream_lint.report import explain as explain_
from maas_stream_lint.rulebook import all_releases
from maas_stream_lint.stream import load
from trees import KEYRING, MemoryTree, corpus, tree_of

ROOT = Path(__file__).parents[1]
BUNDLED = ROOT / "fixtures/bad/MSL401-ubuntu-name/tree/streams/v1/index.json"
HOLE = re.compile(r"\{([a-z_]+)\}")
PRODUCT = "com.ubuntu.maas.candidate:ubuntu-bases:22.04:amd64"

#: What a line may come in.
WRAPPINGS = {
    "bare": "{}",
    "quotes": '"{}"',
    "backticks": "`{}`",
    "maas.log": "2024-06-16T14:41:38.123456+00:00 maas-host maas.import-images: [warn] {}",
    "syslog": "Jun  6 14:41:38 maas-host maas.bootresources: [error] {}",
    "journal": "Jun 16 14:41:38 maas-host maas-regiond[1234]: maas.bootsources: [info] {}",
    "regiond.log": "2024-06-16 14:41:38 maasserver.bootresources: [critical] {}",
    "snap": "2024-06-16T14:41:38.123Z [regiond] maas.bootresources: [warn] {}",
    "level": "  WARNING: {}  ",
    "worker": '{{"event": "{}", "level": "error", "logger": "temporalio"}}',
}

#: Lines of MAAS-BEHAVIOUR.md and of real reports, and what they are.
REAL = {
    "builtins.KeyError: 'label'": "key-error",
    "KeyError: 'arch'": "key-error",
    "KeyError: 'gadget_snap'": "gadget-snap",
    "maas.bootresources: [warn] Ignoring unsupported filetype(manifest) from a:b 2024": "manifest",
    "Ignoring unsupported filetype(di-kernel) from a:b 2024": "unsupported-filetype",
    "Ignoring com.x:y, requires a newer version of MAAS(4.0)": "needs-newer-maas",
    "Failed to import images from http://x/ (No signature found!). Verify network connectivity "
    "via your external proxy (http://p:3128) and try again.": "no-signature",
    "Failed to import images from http://x/: Unable to open streams/v1/index.sjson. mirrors=[]": (
        "unable-to-open"
    ),
    "simplestreams.checksum_util.InvalidChecksum: provided checksums ({}) did not include any "
    "allowed (('md5', 'sha256', 'sha512'))": "no-checksum",
    "builtins.TypeError: Unknown format 'None' in 'streams/v1/index.json'": "unknown-format",
    "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)": "not-json",
    "packaging.version.InvalidVersion: Invalid version: 'soon'": "invalid-version",
    "builtins.ValueError: time data 'never' does not match format '%Y-%m-%d'": "bad-date",
    "ValueError: too many values to unpack (expected 2)": "slash-in-name",
    "Failed to synchronize selection 12: Invalid SHA256 checksum": "selection-failed",
    "Failed to synchronise boot resources: Invalid checksum": "sync-failed",
    "Redirect response '302 Found' for url 'http://x/y'\nRedirect location: 'http://z'": "redirect",
    "Error generating the URL of curtin's image file.  Unsupported OS: debian ": "unsupported-os",
    "ubuntu-raw has no kernels available.": "no-kernels",
    "get() returned more than one BootResource -- it returned 2!": "several-objects",
    "Failed to finalize boot image x. Unexpected checksum 'sha256' (found: a expected: b)": (
        "finalize-failed"
    ),
    "http://10.0.0.1:5248/images/a/b/no-such-image/boot-kernel... failed": "no-such-image",
}


def texts() -> list[tuple[str, str]]:
    return [
        (line.name, HOLE.sub(lambda m: f"some-{m[1]}", text))
        for line in loglines.known()
        for text in line.texts
    ]


def page(pasted: str, report: Report | None = None) -> str:
    match = loglines.recognise(pasted)
    assert match is not None
    return " ".join(explain_.log_page(match, all_rules(), report, Style()).split())


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_every_line_is_recognised_in_every_wrapping(wrapping: str) -> None:
    for name, text in texts():
        inside = text.replace('"', '\\"') if wrapping == "worker" else text
        match = loglines.recognise(WRAPPINGS[wrapping].format(inside))
        assert match is not None, text
        assert match.line.name == name, text


@pytest.mark.parametrize(("pasted", "name"), REAL.items())
def test_real_lines(pasted: str, name: str) -> None:
    match = loglines.recognise(pasted)
    assert match is not None
    assert match.line.name == name


def test_of_a_traceback_the_exception_counts() -> None:
    pasted = """\
2024-06-16 14:41:38 maasserver.bootresources: [critical] Importing boot resources failed.
    Traceback (most recent call last):
      File "/usr/lib/python3/dist-packages/twisted/python/threadpool.py", line 250, in inContext
        result = inContext.theWork()
    builtins.KeyError: 'arch'
"""
    match = loglines.recognise(pasted)
    assert match is not None
    assert (match.line.name, match.holes) == ("key-error", {"field": "arch"})


def test_a_line_wrapped_by_a_terminal_is_one() -> None:
    match = loglines.recognise(
        f"maas.import-images: [warn] Ignoring unsupported\n   product {PRODUCT}"
    )
    assert match is not None
    assert match.holes == {"product": PRODUCT}


@pytest.mark.parametrize(
    "head",
    [
        "Jun 16 14:41:38 host sh[4711]: ",
        "maas-region-1  | 2024-06-16 14:41:38 regiond: [info] ",
        "2024-06-16 14:41:38 temporalio.activity: [warn] ",
        "<13>Jun 16 14:41:38 host any-collector: ",
        "> ",
    ],
)
def test_a_head_that_nobody_foresaw_does_no_harm(head: str) -> None:
    for pasted, name in REAL.items():
        match = loglines.recognise(head + pasted)
        assert match is not None, pasted
        assert match.line.name == name


def test_several_lines_are_each_explained() -> None:
    stamp = "2024-06-16T14:41:38+00:00 host maas"
    manifest = "Ignoring unsupported filetype(manifest) from a:b 2024"
    pasted = f"""\
{stamp}.import-images: [warn] Ignoring unsupported product {PRODUCT}
{stamp}.import-images: [warn] Ignoring unsupported product {PRODUCT}
{stamp}.bootresources: [warn] {manifest}
"""
    names = [match.line.name for match in loglines.recognise_all(pasted)]
    assert names == ["unsupported-product", "manifest"]
    failed = f"Importing boot resources failed.\nTraceback …\n{manifest}\nbuiltins.KeyError: 'arch'"
    names = [match.line.name for match in loglines.recognise_all(failed)]
    assert names == ["manifest", "key-error"]
    assert loglines.recognise_all("hello\nthere") == []


@pytest.mark.parametrize("case", corpus()[::3], ids=lambda c: c["id"])
def test_what_is_predicted_is_known(case: dict[str, Any]) -> None:
    """A line that this tool itself puts into a finding can be pasted back."""
    look = look_at(load(tree_of(case), KEYRING if case["keyring"] else None), all_releases())
    for finding in findings(look, all_rules()):
        for _, text in finding.logs:
            assert loglines.recognise(text) is not None, text
    for trace in look.traces:
        for event in trace.events:
            if event.exception:
                said = f"{event.exception}: {event.message}"
                assert loglines.recognise(said) is not None, said


@pytest.mark.parametrize("pasted", ["", " ", "hello", "Ignoring", "{", '{"event": 3}', "[" * 5000])
def test_other_text_is_not_recognised(pasted: str) -> None:
    assert loglines.recognise(pasted) is None


def test_lines_are_unique_and_their_data_is_whole() -> None:
    known = loglines.known()
    assert len({line.name for line in known}) == len(known)
    lines = {release.line for release in all_releases()}
    for line in known:
        assert set(line.maas) <= lines
        assert line.maas, line.name
        assert len(line.meaning) > 30
        assert "/" in line.source
        assert not (line.harmless and line.name in ("unsupported-product", "import-failed"))
        for text in line.texts:
            assert text == " ".join(text.split())


def test_causes_are_of_rules_or_of_the_simulation_where_that_knows_them() -> None:
    """A cause that neither has may wait for its rule, but for the lines that are predicted."""
    sources = "".join(p.read_text("utf-8") for p in (ROOT / "maas_stream_lint").rglob("*.py"))
    rules = {r.name for r in all_rules()} | {c for r in all_rules() for c in r.causes}
    for line in loglines.known():
        if line.simulated and line.causes and "*fatal" not in line.causes:
            assert any(c in rules or f'"{c}"' in sources for c in line.causes), line.name


@pytest.mark.parametrize("case", corpus()[::5], ids=lambda c: c["id"])
def test_what_maas_logged_in_the_corpus_is_known(case: dict[str, Any]) -> None:
    for verdict in case["expected"]:
        for lines in verdict["log"].values():
            for _, text in lines:
                match = loglines.recognise(text)
                assert match is not None, text
                assert loglines.prefixed(text).startswith("maas.")
                assert set(verdict["maas"]) & set(match.line.maas)


def test_the_manifest_line_is_harmless() -> None:
    seen = page(f"Ignoring unsupported filetype(manifest) from {PRODUCT} 20240616_01")
    assert "harmless" in seen
    assert "not harmless" not in seen
    assert "MAAS 2.9" in seen


def test_a_line_with_its_source_names_the_cause() -> None:
    report = check(BUNDLED, select=["MSL401", "MSL504"])
    seen = page(f"maas.import-images: [warn] Ignoring unsupported product {PRODUCT}", report)
    assert "predicted here for MAAS 2.9–3.7" in seen  # noqa: RUF001
    assert "MSL401 ubuntu-name" in seen
    assert "MSL504" not in seen


def test_a_line_of_another_stream_is_not_predicted() -> None:
    report = check(BUNDLED)
    assert "not predicted here" in page("Ignoring unsupported product another", report)
    assert "not predicted here" in page("KeyError: 'arch'", report)
    assert "only the import of metadata" in " ".join(page("Unsupported OS: debian", report).split())


def test_an_exception_is_predicted() -> None:
    image = reports.image("rhel", "rhel9")
    del image["label"]
    report = reports.report([], reports.tree({"com.example:rhel": image}))
    for pasted in ("KeyError: 'label'", "builtins.KeyError: 'label'"):
        assert "predicted here for MAAS 2.9" in page(pasted, report)
    assert "predicted here for MAAS 2.9" in page("Importing boot resources failed.", report)
    assert "not predicted" in page("KeyError: 'arch'", report)
    assert "predicted here for MAAS 3.8" in page(
        "Could not fetch manifest for boot source with url https://h/maas/: "
        "Got invalid data for the products file",
        report,
    )


def test_an_error_inside_a_line_is_explained_too() -> None:
    seen = page(
        "Could not fetch manifest for boot source with url http://x: "
        "Got invalid data for the index file"
    )
    assert "does not fit MAAS 3.8's model" in seen


def test_a_bare_directory_is_predicted() -> None:
    stream: MemoryTree = reports.tree({"com.example:rhel": reports.image("rhel", "rhel9")})
    stream.given = ""
    report = reports.report([], stream)
    missing = "Unable to open streams/v1/index.sjson. mirrors=[]"
    for pasted in (
        f"Failed to import images from http://other.example/: {missing}",
        f"builtins.OSError: {missing}",
        "Importing boot resources failed.",
    ):
        assert "predicted here for MAAS 2.9" in page(pasted, report)


def test_rule_pages_show_all_sections() -> None:
    for rule in all_rules():
        seen = explain_.rule_page(rule, None, Style())
        for label in (rule.code, rule.name, "MAAS", "why", "fix", "for example"):
            assert label in seen


def test_a_rule_with_its_source_shows_its_findings() -> None:
    rule = next(r for r in all_rules() if r.code == "MSL401")
    assert f"{PRODUCT}" in explain_.rule_page(rule, check(BUNDLED), Style())


def test_the_list_of_rules_has_all() -> None:
    seen = explain_.rules(all_rules(), Style())
    assert all(rule.code in seen and rule.name in seen for rule in all_rules())
