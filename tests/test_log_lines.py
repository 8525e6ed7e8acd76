"""Every message of MAAS about images is known on its release lines, from each kind of log."""

# ruff: noqa: E501 - lines of logs are long
from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import unrelated
from log_dresses import DRESSES, THREE_TIMES
from maas_stream_lint.checks import all_rules
from maas_stream_lint.collect import findings
from maas_stream_lint.logs import scan
from maas_stream_lint.logs.matching import prefixed, recognise
from maas_stream_lint.logs.messages import lines_of
from maas_stream_lint.logs.tally import Entry, explained
from maas_stream_lint.look import look_at
from maas_stream_lint.rule_files import release_lines
from maas_stream_lint.rulebook import all_releases
from maas_stream_lint.stream import load
from trees import KEYRING, corpus, tree_of

HERE = Path(__file__).parent
FILLED = {
    "n": "3", "m": "65", "length": "32", "url": "http://h/s/", "product": "com.example:x:amd64",
    "version": "20240101", "field": "sha256", "sha256": "ab" * 32,
}  # fmt: skip
HOLE = re.compile(r"\{([a-z][\w ]*)\}")


class Row(NamedTuple):
    maas: tuple[str, ...]
    lost: str
    text: str


def rows() -> list[Row]:
    found = []
    for line in (HERE / "logs" / "lines.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            maas, lost, text = line.split(" | ", 2)
            filled = HOLE.sub(lambda m: FILLED.get(m[1], f"some-{m[1].replace(' ', '-')}"), text)
            found.append(Row(lines_of(maas), lost, filled))
    return found


def only(pasted: str) -> Entry:
    answer = explained(pasted)
    assert [e.match.message.id for e in answer.entries], f"not known: {pasted}"
    return answer.entries[0]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.text[:60])
def test_every_line_is_known_on_its_release_lines(row: Row) -> None:
    entry = only(row.text)
    assert set(row.maas) <= set(entry.match.maas)
    assert row.lost in ("-", "lost" if entry.match.message.lost else "harmless")


@pytest.mark.parametrize("dress", DRESSES)
def test_a_line_is_the_same_in_every_dress(dress: str) -> None:
    for row in rows():
        bare, dressed = only(row.text), only(DRESSES[dress](row.text))
        assert dressed.match.message is bare.match.message, row.text
        assert dressed.match.holes == bare.match.holes, row.text
        assert dressed.count == (3 if dress in THREE_TIMES else 1), row.text


def test_unrelated_lines_are_none_of_ours() -> None:
    taken = {}
    for line in unrelated.lines():
        for entry in explained(line).entries:
            taken[entry.match.message.id] = line
    assert taken == {}


def test_the_unrelated_lines_come_close() -> None:
    """Else the test above would hold for any matcher."""
    lines = unrelated.lines()
    assert len(lines) == 2_000
    close = {line.partition(": ")[2] for line in lines if recognise(line.partition(": ")[2])}
    assert len(close) > 20


#: What people paste, in their words, and what it is.
PASTED = {
    "Marking node failed - Missing boot image custom/amd64/ga-20.04/rocky9": "missing-boot-image-other",
    "Missing boot image ubuntu/amd64/no-such-kernel/noble.": "missing-boot-image-ubuntu",
    "Loading http://10.0.0.1:5248/images/custom/amd64/ga-20.04/x/no-such-image/boot-kernel... failed: "
    "No such file or directory": "no-such-image-other",
    "HTTP Request - /images/windows/amd64/ga-20.04/win2016/no-such-image/boot-kernel": "no-such-image-other",
    "/images/ubuntu/amd64/ga-22.04/jammy/no-such-image/boot-kernel": "no-such-image-ubuntu",
    '{"base_image": ["custom images require a valid base image name"]}': "upload-refused",
    "     0K ....tar: This does not look like a tar archive": "curtin-not-tar",
    "ValueError: Did not find any filesystem on ['sda'] that contained one of ['curtin', 'snaps']": (
        "curtin-no-filesystem"
    ),
    "finish: cmd-install/stage-partitioning/builtin/cmd-block-meta: FAIL: curtin command block-meta": (
        "curtin-step-failed"
    ),
    "'NoneType' object has no attribute 'closed'": "upload-not-opened",
    "{\"architecture\": [\"'amd64/generic' is not a valid architecture.  It should be one of: ''.\"]}": (
        "no-architecture"
    ),
    "builtins.KeyError: 'label'": "key-error",
    "KeyError: 'gadget_snap'": "key-error",
    "builtins.KeyError: 'osystem_id'": "key-error-elsewhere",
    "subprocess.CalledProcessError: Command '['gpgv', '--keyring=/x', '-']' returned non-zero exit "
    "status 2.": "gpgv-failed",
    "subprocess.CalledProcessError: Command '['maas', 'root', 'boot-resources', 'import']' returned "
    "non-zero exit status 2.": "command-failed",
    "django.db.utils.OperationalError: could not serialize access due to concurrent update": (
        "serialization-failure"
    ),
    "aiohttp.client_exceptions.ClientConnectorError: Cannot connect to host images.maas.io:443 "
    "ssl:default [Temporary failure in name resolution]": "name-not-resolved",
    "aiohttp.client_exceptions.ClientResponseError: 404, message='Not Found', url=URL('http://h/x')": (
        "file-not-there"
    ),
    "requests.exceptions.SSLError: HTTPSConnectionPool(host='x', port=443): Max retries exceeded with "
    "url: /a (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate "
    "verify failed: unable to get local issuer certificate (_ssl.c:1006)')))": "tls-failed",
    "requests.exceptions.ProxyError: HTTPConnectionPool(host='p', port=3128): Max retries exceeded with "
    "url: http://x/ (Caused by ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: "
    "407 Proxy Authentication Required')))": "proxy-failed",
    "httpx.HTTPStatusError: Redirect response '302 Found' for url 'http://x/y'": "redirect",
    "httpx.ReadTimeout": "timed-out",
    "httpx.ConnectError: All connection attempts failed": "no-route",
    "No signature found!": "no-signature",
    "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)": "not-json",
    "builtins.TypeError: Unknown format 'None' in 'streams/v1/index.json'": "unknown-format",
    "ValueError: too many values to unpack (expected 2)": "slash-in-name",
    "get() returned more than one BootResource -- it returned 2!": "several-objects",
    "Failed to import images from http://x/: Unable to open streams/v1/index.sjson. mirrors=[]": (
        "unable-to-open"
    ),
    "integer division or modulo by zero": "modulo-by-zero",
}


@pytest.mark.parametrize(("pasted", "name"), PASTED.items(), ids=lambda text: text[:50])
def test_what_people_paste(pasted: str, name: str) -> None:
    entry = only(pasted)
    assert entry.cause.message.id == name


@pytest.mark.parametrize(
    "pasted",
    [
        "hello",
        "Ignoring",
        "{",
        '{"event": 3}',
        "[" * 5000,
        '{"message": ' * 900,
        "\x00",
        "{" * 9000,
    ],
)
def test_what_is_not_known_is_said_to_be_not_known(pasted: str) -> None:
    answer = explained(pasted)
    assert answer.entries == []
    assert sum(count for _, count in answer.unknown) == 1


def test_attribute_errors_of_other_parts_of_maas_are_not_the_streams() -> None:
    assert explained("AttributeError: 'NoneType' object has no attribute 'system_id'").entries == []


@pytest.mark.parametrize("case", corpus()[::3], ids=lambda c: c["id"])
def test_what_is_predicted_is_known(case: dict[str, Any]) -> None:
    """A line that this tool itself puts into a finding can be pasted back."""
    look = look_at(load(tree_of(case), KEYRING if case["keyring"] else None), all_releases())
    for finding in findings(look, all_rules()):
        for _, text in finding.logs:
            assert recognise(text) is not None, text
    for trace in look.traces:
        for event in trace.events:
            if event.exception:
                said = f"{event.exception}: {event.message}"
                assert recognise(said) is not None, said


@pytest.mark.parametrize("case", corpus()[::5], ids=lambda c: c["id"])
def test_what_maas_logged_in_the_corpus_is_known(case: dict[str, Any]) -> None:
    for verdict in case["expected"]:
        for lines in verdict["log"].values():
            for _, text in lines:
                match = recognise(text)
                assert match is not None, text
                assert prefixed(text).startswith("maas.")
                assert set(verdict["maas"]) & set(match.maas)


def test_of_two_texts_of_one_message_each_has_its_own_release_lines() -> None:
    newest = release_lines()[-1]
    assert only("Invalid checksum").match.maas == lines_of("3.5-3.7")
    assert newest in only("Invalid SHA256 checksum").match.maas
    assert only("Hash mismatch for prev_file=a resourceset=b resource=c").match.maas[-1] == "3.4"


def test_a_log_is_read_alike_without_the_fast_finder(monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution may have no ``ahocorasick-rs``."""
    dressed = [dress(row.text) for row in rows() for dress in list(DRESSES.values())[:3]]
    log = "\n".join(line for one in dressed for line in (one, "nothing of MAAS")).encode()

    def starts() -> list[int]:
        scan._automaton.cache_clear()
        return list(scan._starts(log, len(log)))

    fast = starts()
    assert len(fast) > 400
    monkeypatch.setitem(sys.modules, "ahocorasick_rs", None)
    assert starts() == fast
    assert isinstance(scan._automaton()[0], scan.Finder)
    monkeypatch.undo()
    scan._automaton.cache_clear()
