"""Asks a MAAS by its API 2.0. It only reads.

Signed with OAuth 1.0a, method PLAINTEXT, as MAAS's own clients do (`apiclient/maas_client.py:
MAASOAuth`). It follows no redirect and uses no proxy, so that nobody else sees the key.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from oauthlib import oauth1

from maas_stream_lint.errors import LintError, UsageError
from maas_stream_lint.source.address import anonymous, parsed, trust
from maas_stream_lint.source.library import FAILURES, httpx

if TYPE_CHECKING:
    import os
    from collections.abc import Generator

    from maas_stream_lint.logs.api_key import ApiKey

_API = "/api/2.0/"
#: No answer that is read is longer; that of 5,000 boot resources has 2 MB.
_MOST_BYTES = 32 * 2**20
_ENDS = "the URL ends in /MAAS, as for `maas login`"
_CONTROL = str.maketrans(dict.fromkeys((*range(32), 127), "?"))


class OAuth(httpx.Auth):
    """Signs each request."""

    def __init__(self, key: ApiKey) -> None:
        """``key``: is kept for the signatures alone."""
        self._client = oauth1.Client(
            key.consumer,
            resource_owner_key=key.token,
            resource_owner_secret=key.secret,
            signature_method=oauth1.SIGNATURE_PLAINTEXT,
        )

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header to a request."""
        _, headers, _ = self._client.sign(str(request.url), http_method=request.method)
        request.headers["Authorization"] = headers["Authorization"]
        yield request


class MaasClient:
    """A MAAS that answers. Close it."""

    def __init__(
        self,
        url: str,
        key: ApiKey,
        *,
        ca_bundle: str | os.PathLike[str] | None = None,
        timeout: float | None = None,
    ) -> None:
        """``url``: as for ``maas login``: ``http://host:5240/MAAS``. Raises UsageError."""
        self.url = api_root(url)
        self._client = httpx.Client(
            auth=OAuth(key),
            verify=trust(ca_bundle),
            timeout=timeout or 20,
            follow_redirects=False,
            trust_env=False,
            headers={"Accept": "application/json"},
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, path: str, **query: str) -> Any:
        """The JSON that MAAS answers with. Raises LintError where it does not."""
        try:
            with self._client.stream("GET", self.url + path, params=query) as response:
                return self._answer(path, response)
        except FAILURES as error:
            said = str(error).translate(_CONTROL) or type(error).__name__
            raise LintError(
                f"{self.url} cannot be asked: {said}", "check the URL, and that MAAS runs"
            ) from None
        except UnicodeError:
            raise LintError(
                f"{self.url}{path} answers with something other than text", "check the URL"
            ) from None

    def _answer(self, path: str, response: httpx.Response) -> Any:
        where = self.url + path
        status = response.status_code
        if status in (401, 403):
            raise LintError(
                f"{where} refuses the API key ({status})",
                "make a new key: `sudo maas apikey --username NAME`",
            )
        if 300 <= status < 400:
            raise LintError(
                f"{where} redirects",
                "give the URL that MAAS redirects to; the key goes to no other server",
            )
        if status != 200:
            raise LintError(
                f"{where} answers {status}", "the URL ends in /MAAS, as for `maas login`"
            )
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > _MOST_BYTES:
                raise LintError(f"{where} answers with too much", "is this a MAAS?")
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise LintError(
                f"{where} does not answer in JSON", "the URL ends in /MAAS, as for `maas login`"
            ) from None


def api_root(url: str) -> str:
    """Where the API is, of a URL as people give it. Raises UsageError."""
    try:
        address = parsed(url.strip())
    except ValueError:
        raise UsageError(
            "the MAAS URL has no valid host and port", "write http://host:5240/MAAS"
        ) from None
    if address.userinfo:
        raise UsageError("the MAAS URL holds a user name", "give the API key instead")
    bare = anonymous(url.strip()).partition("?")[0].partition("#")[0].rstrip("/")
    bare = bare.removesuffix("/api/2.0")
    if not address.path.strip("/"):
        bare += "/MAAS"
    return bare + _API
