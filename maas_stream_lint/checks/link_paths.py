"""Rules on characters in paths that servers refuse or links change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from maas_stream_lint.checks.words import MANY, listed
from maas_stream_lint.finding import Place, Severity
from maas_stream_lint.objects import consists_of
from maas_stream_lint.quoting import quoted
from maas_stream_lint.rule import Said, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.look import Look
    from maas_stream_lint.model import Whole


LETTERS = "abcdefghijklmnopqrstuvwxyz"
#: What everybody reads alike, and what parts the paths that are looked through in one go.
PLAIN = f"{LETTERS}{LETTERS.upper()}0123456789._~/:@!$&'()*,;=-\n".encode()


#: Servers that are known to stumble over a colon.
COLON_HATERS = ("nexus", "artifactory")


@rule("MSL630", Severity.INFO, on="stream")
def colon_in_path(whole: Whole, look: Look) -> Iterator[Said]:
    """A path contains a colon, which some stores refuse.

    MAAS: accepts any path that a URL can hold. Canonical's own metadata has the name
        `com.ubuntu.maas:stable:v3:download.sjson`.
    Why: Nexus as a proxy refuses a colon (`Illegal character in scheme name`, 400). Artifactory
        allows none in names of repositories, and Windows allows none in file names.
    Fix: if you use such a store, name the file with `-` instead; MAAS takes any name. You cannot
        change the paths of a signed stream that you copied.
    Example:
        "path": "jammy/amd64/20240101/image:squashfs"
    """
    if ":" not in look.path_text:
        return
    named = [path for path in look.paths if ":" in path]
    if not any(hater in _software(look) for hater in COLON_HATERS):
        named = [path for path in named if not path.startswith("streams/")]
    if named:
        yield _odd(
            look, named, "a colon, which Nexus as a proxy and other stores refuse", Severity.INFO
        )


@rule("MSL631", Severity.IGNORED, on="stream")
def path_needs_encoding(whole: Whole, look: Look) -> Iterator[Said]:
    """A path contains characters that clients and servers encode in different ways.

    MAAS: up to 3.7 adds the path to the base URL unchanged, and its HTTP library encodes the
        result. `?` and `#` end the path there (`_urlinfo`, simplestreams/contentsource.py). 3.8
        joins the path like a link (`urljoin`). So it requests `f/a` for `f//a`. It reads a first
        folder with a colon as the scheme of a URL.
    Why: S3 and Nexus read `+` as a blank, and Tomcat answers 400 to `^` or `[`. Each client
        encodes characters outside ASCII in its own way.
    Fix: rename files to letters, digits, `.`, `-`, `_` and `/`.
    Example:
        "path": "jammy/amd64/20240101+1/squashfs"
    """
    yield from _joined_as_links(look)
    if consists_of(look.path_text, PLAIN):
        return
    named = [path for path in look.paths if not consists_of(path, PLAIN)]
    if named:
        odd = sorted({*"".join(named)}.difference(PLAIN.decode()))
        what = f"{listed(odd, most=5)}, which servers and stores read in different ways"
        yield _odd(look, named, what, Severity.WARNING)


def _joined_as_links(look: Look) -> Iterator[Said]:
    """Paths of image files whose meaning changes where MAAS joins them like links."""
    lines = look.where(lambda release: release.download("joins") == "urljoin")
    odd = [path for path in look.paths if ":" in path or "//" in path] if lines else []
    for path in odd:
        if path.startswith("streams/") or "://" in path:
            continue
        if re.match(r"[A-Za-z][\w+.-]*:", path.split("/")[0]):
            what = f"the first folder of {quoted(path)} holds a colon"
            severity = Severity.IGNORED
            effect = "takes it for the scheme of a URL, and cannot request it"
        elif "//" in path:
            what = f"{quoted(path)} holds two slashes in a row"
            severity = Severity.WARNING
            effect = "requests it with one slash, which S3 takes for another file"
        else:
            continue
        remedy = "rename the folder, or write one slash and publish the file there"
        place = _place(path, look)
        yield Said(what, remedy, place=place, lines=lines, severity=severity, effect=effect)


def _software(look: Look) -> str:
    """What the server calls itself, in lower case."""
    start = look.stream.files.get(look.stream.start)
    return start.answer.headers.get("server", "").lower() if start is not None else ""


def _place(path: str, look: Look) -> Place:
    return look.naming(path).place.below("path")


def _odd(look: Look, paths: list[str], what: str, severity: Severity) -> Said:
    more = f" (and {len(paths) - 1:,} more)" if len(paths) > 1 else ""
    return Said(
        f"{quoted(paths[0])}{more} holds {what}",
        "rename the file to letters, digits, `.`, `-`, `_` and `/`, and correct its path",
        place=_place(paths[0], look),
        also=tuple(_place(path, look) for path in paths[1:MANY]),
        severity=severity,
        effect="requests the path as it is; some servers do not accept it",
    )
