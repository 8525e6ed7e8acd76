"""Metadata that only some release lines can read, because the head of the answer misleads them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from images import PRODUCTS, UBUNTU, Tree
from looks import Looked, look
from maas_stream_lint.finding import Severity
from servers import Handler, publishing, serve

pytestmark = pytest.mark.usefixtures("own_home")

STRICT = ("3.8",)


def see(head: Callable[[Handler], None]) -> Looked:
    """Check a stream whose products file ``head`` precedes. A title in it has an accent."""
    tree = Tree()
    tree.products[UBUNTU]["release_title"] = "22.04 é"
    body = tree.metadata[PRODUCTS].decode().replace("\\u00e9", "é").encode()
    whole = publishing(tree)

    def respond(request: Handler) -> None:
        if request.path != f"/{PRODUCTS}":
            whole(request)
            return
        head(request)
        request.send_part(body)

    with serve(respond) as server:
        return look(f"{server.url}/", "none")


def charset(name: str) -> Callable[[Handler], None]:
    def head(request: Handler) -> None:
        sent = request.send_header

        def with_type(key: str, value: str) -> None:
            if key == "Content-Length":
                sent("Content-Type", f"application/json; charset={name}")
            sent(key, value)

        request.send_header = with_type  # type: ignore[method-assign]

    return head


@pytest.mark.parametrize("name", ["us-ascii", "utf-16"])
def test_a_charset_that_cannot_be_decoded(name: str) -> None:
    looked = see(charset(name))
    (finding,) = looked.of("not-json")
    assert (finding.maas, finding.severity) == (STRICT, Severity.FATAL)
    assert "of a file that is UTF-8" in finding.message
    assert "unread" not in looked.report.to_dict()["summary"], "it can be read"


def test_a_charset_that_garbles_titles() -> None:
    looked = see(charset("iso-8859-1"))
    (finding,) = looked.of("wrong-charset")
    assert (finding.maas, finding.severity) == (STRICT, Severity.WARNING)
    assert not looked.of("not-json")


@pytest.mark.parametrize("name", ["utf-8", "UTF8", "no-such-charset"])
def test_a_charset_that_is_right_or_unknown(name: str) -> None:
    assert see(charset(name)).names == see(lambda request: None).names


def test_an_interim_answer_is_what_old_clients_take_for_the_document() -> None:
    def early(request: Handler) -> None:
        request.wfile.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")

    looked = see(early)
    (finding,) = looked.of("not-json")
    assert finding.maas[-1] == "3.7"
    assert finding.severity is Severity.FATAL
    assert "an interim answer (103)" in finding.message
