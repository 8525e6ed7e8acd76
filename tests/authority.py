"""A private certificate authority, and servers' certificates that it vouches for, or not."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

_EXTENSIONS = "authorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"
_REQUEST = "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
_SIGN = "x509 -req -in server.csr -CA ca.pem -CAkey ca.key"


def make_authority(place: Path, names: str = "IP:127.0.0.1") -> None:
    """``ca.pem``, and for one ``server.key`` certificates for ``names``.

    ``server.pem`` is good, ``expired.pem`` is out of date, ``self.pem`` vouches for itself.
    """
    if shutil.which("openssl") is None:
        raise RuntimeError("needs the openssl command")
    (place / "server.ext").write_text(f"subjectAltName={names}\n{_EXTENSIONS}")
    for command in (
        (
            f"{_REQUEST} -days 2 -x509 -keyout ca.key -out ca.pem -subj /CN=ca "
            "-addext keyUsage=keyCertSign"
        ),
        f"{_REQUEST} -keyout server.key -out server.csr -subj /CN=server",
        f"{_SIGN} -days 2 -extfile server.ext -out server.pem",
        f"{_SIGN} -days -1 -extfile server.ext -out expired.pem",
        (
            f"req -x509 -key server.key -days 2 -out self.pem -subj /CN=self "
            f"-addext subjectAltName={names}"
        ),
    ):
        subprocess.run(["openssl", *command.split()], cwd=place, check=True, capture_output=True)


def server_context(place: Path, name: str = "server") -> ssl.SSLContext:
    """What a server with one of the certificates speaks TLS with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place / f"{name}.pem", place / "server.key")
    return context
