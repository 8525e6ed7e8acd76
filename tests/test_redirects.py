"""Files that are redirected, and servers that are trusted or not."""

from __future__ import annotations

import ssl

import pytest

from images import FOLDER, SQUASHFS
from looks import BASIC, SECRETS, look
from maas_stream_lint.finding import Severity
from maas_stream_lint.images import server_probe
from nginx import PASSWORD, TOKEN, USER, Nginx

ALL = {"2.9", "3.0", "3.1", "3.2", "3.3", "3.4", "3.5", "3.6", "3.7", "3.8"}

REDIRECTED = ["files-moved", "files-moved-tls", "files-signed", "files-far"]


@pytest.mark.parametrize("location", REDIRECTED)
@pytest.mark.parametrize("mode", ["head", "download"])
def test_redirect_to_another_host(store: Nginx, good: str, location: str, mode: str) -> None:
    url = store.url(location, good).replace("//", f"//{USER}:{PASSWORD}@")
    headers = (("X-JFrog-Art-Api", TOKEN), ("Cookie", f"session={TOKEN}"))
    looked = look(url, mode, headers=headers, ca_bundle=store.ca)
    assert looked.names <= {"redirecting-files", "head-refused"}
    told = looked.severities("redirecting-files")
    assert (told["3.7"], told["3.8"]) == (Severity.FATAL, Severity.IGNORED)
    # Another host, or another port, is a new connection.
    assert {told[line] for line in ("2.9", "3.4", "3.5", "3.6")} == {Severity.INFO}
    finding = next(f for f in looked.of("redirecting-files") if "3.8" in f.maas)
    assert f"for url '{store.url(location, good)}{FOLDER}" in str(finding.logs)
    seen = looked.seen("squashfs")
    assert len(seen.redirects) == 1
    assert (seen.trouble, seen.size) == (None, len(SQUASHFS))
    elsewhere = [r for r in store.log() if r["host"].startswith("localhost")]
    assert elsewhere
    for request in elsewhere:
        sent = request["headers"].lower()
        assert not [secret for secret in SECRETS if secret.lower() in sent]
        assert "authorization" not in sent
        assert "cookie" not in sent


def test_status_of_the_redirect_is_in_the_log(store: Nginx, good: str) -> None:
    """It is httpx's, with the words of the server."""
    for location, status in [
        ("files-moved", "302 Moved Temporarily"),
        ("files-moved-tls", "307 Temporary Redirect"),
        ("files-loop", "301 Moved Permanently"),
    ]:
        looked = look(store.url(location, good), ca_bundle=store.ca)
        for finding in looked.of("redirecting-files"):
            for lines, log in finding.logs:
                if {"3.7", "3.8"} & set(lines):
                    assert f"Redirect response '{status}' for url" in log


@pytest.mark.parametrize("location", ["files-chain", "files-loop"])
def test_redirects_without_an_end(store: Nginx, good: str, location: str) -> None:
    looked = look(store.url(location, good))
    trouble = looked.seen("squashfs").trouble
    assert trouble is not None
    assert (trouble.kind, trouble.message) == ("redirects", "more than 30 redirects")
    assert "redirecting-files" in looked.names
    # Those that follow redirects do not get it either.
    told = [f for f in looked.report.findings if f"{FOLDER}/squashfs" in f.message]
    assert {line for f in told for line in f.maas} == ALL


def test_redirect_to_no_web_server(store: Nginx, good: str) -> None:
    looked = look(store.url("files-to-file", good))
    trouble = looked.seen("squashfs").trouble
    assert trouble is not None
    assert trouble.kind == "redirects"
    told = [f for f in looked.report.findings if f"{FOLDER}/squashfs" in f.message]
    assert {line for f in told for line in f.maas} == ALL


def test_redirect_out_of_tls(store: Nginx, good: str) -> None:
    url = store.url("files-to-http", good, tls=True).replace("//", f"//{USER}:{PASSWORD}@")
    looked = look(url, ca_bundle=store.ca)
    assert {"redirect-to-http", "redirecting-files"} <= looked.names
    plain = [r for r in store.log() if r["port"] == str(store.http)]
    assert plain
    assert BASIC not in str(plain)


# TLS


def test_private_authority(store: Nginx, good: str) -> None:
    looked = look(store.url("plain", good, tls=True), ca_bundle=store.ca)
    assert looked.names == {"tls-not-system-trusted"}
    finding = looked.one("tls-not-system-trusted")
    assert "unable to get local issuer certificate" in finding.message
    assert looked.seen("squashfs").trouble is None


def test_authority_that_the_system_trusts(
    store: Nginx, good: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting = ssl.create_default_context(cafile=store.ca)
    monkeypatch.setattr(server_probe, "system_trust", lambda: trusting)
    assert look(store.url("plain", good, tls=True), ca_bundle=store.ca).names == set()


def test_authority_of_the_environment_alone(
    store: Nginx, good: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The region controller may lack the variable, and MAAS 3.8 ignores it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(store.ca))
    assert look(store.url("plain", good, tls=True)).names == {"tls-not-system-trusted"}


def test_files_redirected_to_an_untrusted_server(store: Nginx, good: str) -> None:
    looked = look(store.url("files-moved-tls", good))
    assert looked.names == {"redirecting-files"}
    assert looked.unchecked == "no secure connection: unable to get local issuer certificate"
