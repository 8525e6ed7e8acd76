"""The command line over slow servers: how far it is, and that it stops when it is told to."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from images import FOLDER, INDEX, SQUASHFS, Tree
from nginx import PASSWORD, TOKEN, USER, Nginx
from servers import Handler, publishing, serve

pytestmark = pytest.mark.usefixtures("own_home")
SIZE = 400_000


def command(url: str, *options: str) -> list[str]:
    main = [sys.executable, "-m", "maas_stream_lint", "check", url + INDEX]
    return [*main, "--files", "download", *options]


def run(url: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(url, *options), capture_output=True, text=True, timeout=60)


@pytest.fixture
def slow(store: Nginx) -> str:
    """A stream of which one file takes ten seconds."""
    tree = Tree()
    tree.add("squashfs", b"hsqs" + bytes(SIZE))
    store.publish("slowly", tree)
    return store.url("files-slow", "slowly")


def begun(keep: Path) -> None:
    """Wait until a download is on its way."""
    for _ in range(300):
        if any(part.stat().st_size for part in keep.rglob("*.part")):
            return
        time.sleep(0.05)
    raise AssertionError("no download began")


def test_exit_codes(store: Nginx) -> None:
    root = store.publish("codes", Tree())
    url = store.url("plain", "codes")
    assert run(url).returncode == 0
    (root / FOLDER / "squashfs").write_bytes(SQUASHFS[:-1] + b"?")
    os.utime(root / FOLDER / "squashfs", (1, 1))  # nginx's ETag counts seconds
    done = run(url, "--format", "json")
    assert done.returncode == 1
    assert "sha256-mismatch" in [f["name"] for f in json.loads(done.stdout)["findings"]]
    done = run(url, "--keep", "/dev/null/x")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: cannot write")


@pytest.mark.parametrize("form", ["text", "json"])
def test_interrupt(slow: str, tmp_path: Path, form: str) -> None:
    keep = tmp_path / "keep"
    more = ("--keep", str(keep), "--jobs", "1", "--format", form)
    secret = slow.replace("//", f"//{USER}:{PASSWORD}@")
    with subprocess.Popen(
        command(secret, *more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        begun_at = keep / FOLDER / "boot-initrd"
        for _ in range(300):
            if begun_at.exists():
                break
            time.sleep(0.05)
        begun(keep)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
        assert time.monotonic() - start < 3
    assert process.returncode == 130
    assert "Traceback" not in err
    assert PASSWORD not in out + err
    kept = {p.name for p in keep.rglob("*") if p.is_file()}
    assert kept <= {"boot-kernel", "boot-initrd"}
    assert kept
    if form == "json":
        report = json.loads(out)
        images = report["summary"]["images"]
        assert images["interrupted"]
        assert images["hashed"] >= 1
        # What the end of the run broke is no fault of the file.
        assert not [f for f in report["findings"] if f["code"].startswith("MSL7")]
    else:
        assert "interrupted" in out or "stopped" in out.lower()


def test_interrupt_of_a_server_that_never_answers() -> None:
    def silent(request: Handler, body: bytes) -> None:
        request.server.over.wait(30)
        request.close_connection = True

    with (
        serve(publishing(Tree(), silent, "")) as server,
        subprocess.Popen(
            command(server.url + "/", "--format", "json"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        while not any(FOLDER in path for path in server.paths):
            time.sleep(0.05)
        time.sleep(0.2)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
        assert time.monotonic() - start < 3
        assert (process.returncode, err) == (130, "")
        assert json.loads(out)["summary"]["images"]["looked_at"] == 0


def test_interrupt_of_a_connection_that_does_not_come_about(tmp_path: Path) -> None:
    """Nothing can wake who waits for that, so they are left behind, and nothing of theirs is."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        place = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(place)

        def away(request: Handler, body: bytes) -> None:
            if request.headers["range"] or request.command == "HEAD":
                request.send_part(body)
            else:
                request.send(b"", 302, Location=f"http://127.0.0.1:{place[1]}/x")

        keep = tmp_path / "keep"
        with (
            serve(publishing(Tree(), away)) as server,
            subprocess.Popen(
                command(server.url + "/", "--format", "json", "--keep", str(keep)),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as process,
        ):
            while not list(keep.rglob("*.part")) or not (keep / FOLDER / "boot-initrd").exists():
                time.sleep(0.05)
            time.sleep(0.3)
            start = time.monotonic()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=10)
            assert time.monotonic() - start < 3
        for each in waiting:
            each.close()
    assert (process.returncode, err) == (130, "")
    assert json.loads(out)["summary"]["images"]["hashed"] == 2
    assert list(keep.rglob("*.part")) == []


def test_interrupt_while_the_server_is_looked_at(own_home: Path) -> None:
    """The files are seen by then, and told of."""

    def login(request: Handler) -> None:
        if request.headers["authorization"] is None:
            request.server.over.wait(30)
            request.close_connection = True
        else:
            publishing(Tree())(request)

    (own_home / ".netrc").write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    with (
        serve(login) as server,
        subprocess.Popen(
            command(server.url + "/", "--format", "json"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        while None not in server.sent("authorization"):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (130, "")
    images = json.loads(out)["summary"]["images"]
    assert (images["interrupted"], images["hashed"]) == (True, 3)


@pytest.mark.parametrize("way", ["--token-env", "--token-file", "--header"])
def test_token_is_used_and_never_shown(
    store: Nginx, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = store.publish("token", Tree())
    (root / FOLDER / "squashfs").unlink()
    monkeypatch.setenv("STORE_TOKEN", TOKEN)
    (tmp_path / "token").write_text(TOKEN + "\n")
    given = {
        "--token-env": "STORE_TOKEN",
        "--token-file": str(tmp_path / "token"),
        "--header": f"Authorization: Bearer {TOKEN}",
    }
    for form in ("text", "json"):
        done = run(store.url("token", "token"), way, given[way], "--format", form, "--verbose")
        assert done.returncode == 1
        assert "404 Not Found" in done.stdout
        assert TOKEN not in done.stdout + done.stderr


def test_kill_leaves_no_file_under_its_name(slow: str, tmp_path: Path) -> None:
    keep = tmp_path / "keep"
    with subprocess.Popen(
        command(slow, "--keep", str(keep)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        begun(keep)
        process.kill()
    assert not (keep / FOLDER / "squashfs").exists()


def test_no_progress_without_a_terminal(slow: str) -> None:
    done = run(slow, "--format", "json", "--limit-rate", "200k")
    assert done.stderr == ""
    json.loads(done.stdout)


def test_lines_of_progress(slow: str, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import sys; from maas_stream_lint.report import meter; meter.PAUSE = 1.0\n"
        "from maas_stream_lint.cli.main import main; main(sys.argv[1:])"
    )
    options = command(slow, "--verbose", "--format", "json")[3:]
    done = subprocess.run(
        [sys.executable, "-c", code, *options], capture_output=True, text=True, timeout=60
    )
    lines = done.stderr.splitlines()
    assert lines[0] == "checked 0 of 3 files, 0 of 0 MiB"
    assert lines[-1].startswith("checked 3 of 3 files")
    assert 4 <= len(lines) <= 14
    json.loads(done.stdout)


def test_bar_on_a_terminal(slow: str) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": ""}
    environment.pop("NO_COLOR")
    started = time.monotonic()
    process = subprocess.Popen(
        command(slow, "--format", "json"),
        stdout=subprocess.PIPE,
        stderr=theirs,
        stdin=theirs,
        env=environment,
    )
    os.close(theirs)
    shown, first = b"", 0.0
    while b"of 3 files" not in shown and time.monotonic() - started < 20:
        if select.select([ours], [], [], 0.1)[0]:
            shown += os.read(ours, 65536)
            first = first or time.monotonic() - started
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=10)
    os.close(ours)
    assert b"of 3 files" in shown
    assert first > 1
    assert process.returncode == 130
    assert json.loads(out)["summary"]["images"]["interrupted"]
