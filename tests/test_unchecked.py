"""What a run could not look at is no finding, and never passes."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from images import INDEX, PRODUCTS, Tree
from looks import look
from maas_stream_lint.cli.main import main
from maas_stream_lint.finding import Severity
from nginx import Nginx
from servers import Handler, publishing, serve

pytestmark = pytest.mark.usefixtures("own_home")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["check", *arguments])


@contextmanager
def refused() -> Iterator[str]:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}/"


@contextmanager
def unknown_host() -> Iterator[str]:
    yield "http://no-such-host.invalid/"


@contextmanager
def http_port() -> Iterator[str]:
    with serve() as server:
        yield server.url.replace("http:", "https:") + "/"


@contextmanager
def silent() -> Iterator[str]:
    with serve(lambda request: (request.server.over.wait(9), None)[1]) as server:
        yield server.url + "/"


CAUSES = {
    refused: ("refused the connection", "whether the server runs"),
    unknown_host: ("the host name no-such-host.invalid is not known", "spelling"),
    http_port: ("does not speak TLS", "write http://"),
    silent: ("no answer within 0.2 s", "--timeout"),
}


@pytest.mark.parametrize("select", [(), ("--select", "MSL4"), ("--ignore", "MSL1")])
@pytest.mark.parametrize("server", CAUSES, ids=lambda server: server.__name__)
def test_source(server: Callable[[], Iterator[str]], select: tuple[str, ...]) -> None:
    with server() as url:  # type: ignore[attr-defined]
        done = run(url + INDEX, "--timeout", "0.2", "--format", "json", *select)
    cause, hint = CAUSES[server]
    assert done.exit_code == 2
    assert json.loads(done.stdout)["findings"] == []
    assert done.stderr.startswith(f"error: {INDEX} of {url}")
    assert cause in done.stderr
    assert hint in done.stderr


def test_certificate_that_only_this_machine_does_not_trust(store: Nginx) -> None:
    store.publish("untrusted", Tree())
    looked = look(store.url("plain", "untrusted", tls=True))
    assert looked.report.findings == ()
    assert [u.path for u in looked.report.unchecked] == [INDEX]
    assert "--ca-bundle" in looked.report.unchecked[0].trouble.hint


def test_certificate_of_another_host_is_a_fact(tmp_path: Path, store: Nginx) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(store.home / "server.pem", store.home / "server.key")
    with serve(publishing(Tree()), context, host="127.0.0.3") as server:
        url = server.url.replace("127.0.0.1", "127.0.0.3") + "/"
        looked = look(url, ca_bundle=store.ca)
    assert looked.one("index-missing").severity is Severity.FATAL
    assert looked.report.unchecked == ()


def test_products_file_that_does_not_come() -> None:
    def respond(request: Handler) -> None:
        if PRODUCTS in request.path:
            request.server.over.wait(9)
        else:
            publishing(Tree())(request)

    with serve(respond) as server:
        looked = look(server.url + "/", timeout=0.2)
    assert {f.name for f in looked.report.findings} <= {"unsigned-stream"}
    assert [u.path for u in looked.report.unchecked] == [PRODUCTS]
    assert not looked.report.looked_for(["MSL401"])


def test_files_behind_a_server_that_is_down() -> None:
    with refused() as url:

        def away(request: Handler, body: bytes) -> None:
            request.send(b"", 302, Location=url + "x")

        with serve(publishing(Tree(), away)) as server:
            looked = look(server.url + "/", retries=0)
    assert "refused the connection" in looked.unchecked
    assert looked.names == {"redirecting-files"}


@pytest.mark.parametrize("answer", [401, 403, 404, 410, 501])
def test_what_a_server_answers_is_a_fact(answer: int) -> None:
    with serve(lambda request: request.send(b"", answer)) as server:
        done = run(server.url + "/" + INDEX)
    assert done.exit_code == 1
    assert str(answer) in done.stdout


@pytest.mark.parametrize("given", ["streams", "streams/", "streams/v1", "streams/v1/"])
def test_url_that_ends_inside_the_stream(given: str, store: Nginx) -> None:
    store.publish("inside", Tree())
    done = run(store.url("plain", "inside") + given, "--format", "json", "--files", "none")
    assert done.exit_code == 1
    (finding,) = [f for f in json.loads(done.stdout)["findings"] if f["severity"] == "fatal"]
    assert finding["name"] == "no-signed-index"
    assert finding["remedy"] == f"give MAAS the URL `{store.url('plain', 'inside')}{INDEX}`"
