"""Which trouble an exception of the HTTP library stands for.

No text of an exception becomes part of a message: it may quote URLs and headers with secrets.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from maas_stream_lint.source.answer import Trouble
from maas_stream_lint.source.library import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What is known of an answer that the HTTP library cannot read.
BROKEN = "the server broke off, or its answer is not HTTP"


def diagnosis(error: BaseException, timeout: float) -> Trouble:
    """The trouble that an exception stands for. ``timeout``: the one of the request, in seconds."""
    if isinstance(error, httpx.TimeoutException):
        what = "connection" if isinstance(error, httpx.ConnectTimeout) else "answer"
        return Trouble("timeout", f"no {what} within {timeout:g} s")
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
            return Trouble("tls", f"no secure connection: {tls_reason(cause)}")
        if isinstance(cause, OSError) and cause.strerror:
            return Trouble("connection", f"connection failed: {cause.strerror}")
    if isinstance(error, httpx.ProxyError):
        return Trouble("connection", "the proxy refused to connect")
    return Trouble("connection", BROKEN)


def tls_reason(error: ssl.SSLError) -> str:
    """Why a certificate or a handshake was refused, without a secret in it."""
    return getattr(error, "verify_message", "") or error.reason or "unknown reason"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception, and those it came from."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
