"""The trouble behind an exception of the HTTP library.

No text of an exception becomes part of a message: it may quote URLs and headers with secrets.
"""

from __future__ import annotations

import re
import socket
import ssl
from typing import TYPE_CHECKING

from maas_stream_lint.named_tuple import NamedTuple
from maas_stream_lint.source.answer import Trouble
from maas_stream_lint.source.library import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_stream_lint.source.address import Proxy

#: What is known of an answer that the HTTP library cannot read.
BROKEN = "the server broke off, or its answer is not HTTP"
#: OpenSSL's codes for a certificate that no client accepts: not yet valid, expired, of another
#: host name, of another address. All others depend on what this machine trusts.
_INVALID = (9, 10, 62, 64)
#: OpenSSL's reasons where the peer does not speak TLS.
_NOT_TLS = (
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "RECORD_LAYER_FAILURE",
    "PACKET_LENGTH_TOO_LONG",
)


class Way(NamedTuple):
    """How a request goes to its server."""

    host: str
    port: int
    proxy: Proxy | None
    timeout: float  #: in seconds
    trusted: bool = False  #: whether the server may get what only the source's own server may get


def diagnosis(error: BaseException, way: Way) -> Trouble:
    """The trouble behind an exception."""
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)):
        return _not_connected(error, way)
    if isinstance(error, httpx.TimeoutException):
        return Trouble("timeout", f"no answer within {way.timeout:g} s")
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
            return _insecure(cause)
        if isinstance(cause, OSError) and cause.strerror:
            return Trouble("connection", f"connection failed: {cause.strerror}")
    if way.proxy is not None and not isinstance(error, httpx.HTTPError):
        return _of_proxy(way, "does not answer as a proxy of its kind")
    return Trouble("connection", BROKEN)


def of_proxy_answer(way: Way, status: int) -> Trouble:
    """The trouble that a proxy's refusal is."""
    return _of_proxy(way, f"refused: it answered {status}")


def tls_reason(error: ssl.SSLError) -> str:
    """Why a certificate or a handshake was refused, without a secret in it."""
    return getattr(error, "verify_message", "") or error.reason or "unknown reason"


def _not_connected(error: httpx.HTTPError, way: Way) -> Trouble:
    cause = next((c for c in _causes(error) if isinstance(c, OSError)), None)
    if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
        return _insecure(cause)
    if isinstance(cause, (ssl.SSLEOFError, ConnectionResetError)) and way.proxy is None:
        return Trouble("connection", BROKEN)
    if way.proxy is not None:
        return _of_proxy(way, _why(error, cause, way.timeout))
    server = f"{way.host}:{way.port}"
    if isinstance(error, httpx.ConnectTimeout):
        return Trouble("timeout", f"no connection to {server} within {way.timeout:g} s")
    if isinstance(cause, socket.gaierror):
        return Trouble("unknown-host", f"the host name {way.host} is not known")
    if isinstance(cause, ConnectionRefusedError):
        return Trouble("refused", f"{server} refused the connection")
    why = f": {cause.strerror}" if cause is not None and cause.strerror else ""
    return Trouble("unreachable", f"{server} cannot be reached{why}")


def _why(error: httpx.HTTPError, cause: OSError | None, timeout: float) -> str:
    """What a proxy did, or what happened on the way to it."""
    if isinstance(error, httpx.ProxyError):
        status = re.match(r"[1-5]\d\d(?= )", str(error))
        return "refused to connect" + (f": it answered {status[0]}" if status else "")
    if isinstance(error, httpx.ConnectTimeout):
        return f"cannot be reached within {timeout:g} s"
    if isinstance(cause, socket.gaierror):
        return "has a host name that is not known"
    if isinstance(cause, ConnectionRefusedError):
        return "refused the connection"
    return "cannot be reached"


def _of_proxy(way: Way, what: str) -> Trouble:
    assert way.proxy is not None
    remedy = f"correct or unset {way.proxy.variable}, or add {way.host} to no_proxy"
    return Trouble("proxy", f"the proxy {way.proxy.shown} {what}", remedy=remedy)


def _insecure(error: ssl.SSLError) -> Trouble:
    message = f"no secure connection: {tls_reason(error)}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return Trouble("tls" if error.verify_code in _INVALID else "untrusted", message)
    if error.reason in _NOT_TLS:
        return Trouble("not-tls", "no secure connection: the server does not speak TLS there")
    return Trouble("handshake", message)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception, and those it came from."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
