"""The HTTP library: httpx2, or httpx where only that one is installed. Both have the same API."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx2 as httpx
else:
    try:
        import httpx2 as httpx
    except ImportError:
        import httpx

try:
    from socksio import SOCKSError
except ImportError:
    _SOCKS: tuple[type[Exception], ...] = ()
else:
    _SOCKS = (SOCKSError, AssertionError)

#: What a request raises that gets no answer. The library does not translate what it raises when
#: the peer that should be a SOCKS proxy is none.
FAILURES: tuple[type[Exception], ...] = (httpx.HTTPError, *_SOCKS)

__all__ = ["FAILURES", "httpx"]
