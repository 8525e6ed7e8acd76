"""The transport that httpx2 imports in a browser: it answers with what the worker fetched before.

The package of this name on PyPI is empty, and httpx2 imports both names below. Python cannot wait
for a ``fetch``. So a request for a URL that nobody fetched fails, and its URL is noted: the worker
fetches it, and asks Python again.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

#: URL → what the worker got for it: ``status``, ``reason``, ``headers`` and ``file``, the path of
#: the body; or ``refused``, the reason why there is no answer.
fetched: dict[str, dict[str, Any]] = {}
#: The URLs that were requested and not fetched, each once, in their order.
wanted: dict[str, None] = {}
#: A browser has undone these already.
_UNDONE = ("content-encoding", "content-length", "transfer-encoding")


class JavascriptFetchTransport:
    """What httpx2 calls ``HTTPTransport`` in a browser."""

    def __init__(self, *_: Any, **__: Any) -> None:
        """Trust and proxies are the browser's."""

    def handle_request(self, request: Any) -> Any:
        """The answer to a GET of a whole file. Raises httpx2.ConnectError if there is none."""
        import httpx2  # it is not whole yet while it imports this module

        url = str(request.url)
        got = fetched.get(url)
        if got is None:
            wanted[url] = None
            raise httpx2.ConnectError("not fetched yet", request=request)
        if "refused" in got:
            cause = OSError(errno.EACCES, got["refused"])
            raise httpx2.ConnectError(got["refused"], request=request) from cause
        return httpx2.Response(
            got["status"],
            headers=[pair for pair in got["headers"] if pair[0].lower() not in _UNDONE],
            stream=httpx2.ByteStream(Path(got["file"]).read_bytes()),
            extensions={"reason_phrase": got["reason"].encode()} if got["reason"] else {},
        )

    def close(self) -> None:
        """Nothing is open."""


#: httpx2 imports this name, too. Nothing of ours uses it.
AsyncJavascriptFetchTransport = JavascriptFetchTransport
