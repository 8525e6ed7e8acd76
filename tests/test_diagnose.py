"""``diagnose``: from a log to the imports in it, and to the cause."""

# ruff: noqa: E501 - lines of logs are long
from __future__ import annotations

import gzip
import io
import json
import lzma
import re
import subprocess
import sys
import tarfile
import zipfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import zstandard
from click.testing import CliRunner, Result

import unrelated
from maas_stream_lint.cli.main import main
from maas_stream_lint.logs.conclusion import diagnose, read
from maas_stream_lint.logs.times import Clock

ROOT = Path(__file__).parents[1]
STREAM = ROOT / "fixtures/bad/MSL401-ubuntu-name/tree/streams/v1/index.json"
PRODUCT = "com.ubuntu.maas.candidate:ubuntu-bases:22.04:amd64"
SCHEMA = json.loads((ROOT / "rules/schemas/diagnose.json").read_text("utf-8"))

#: The log of the first report: two identical warnings, and no image.
FIRST = (ROOT / "tests/logs/first-report.log").read_text("utf-8")
FAILED = """\
2026-04-08 08:00:54 maasserver.bootresources: [critical] Importing boot resources failed.
\tTraceback (most recent call last):
\t  File "contentsource.py", line 120, in open
\t    fd = urllib_request.urlopen(req)
\turllib.error.URLError: <urlopen error [Errno 113] No route to host>
\t
"""


def run(*args: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["diagnose", *args], input=stdin)


def told(*args: str, stdin: str | bytes | None = None) -> dict[str, Any]:
    result = run(*args, "--format", "json", stdin=stdin)
    assert result.exit_code in (0, 1), result.output
    made: dict[str, Any] = json.loads(result.stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(made)
    return made


@pytest.fixture
def first(tmp_path: Path) -> Path:
    log = tmp_path / "maas.log"
    log.write_text(FIRST, "utf-8")
    return log


def test_the_first_report_ends_in_the_cause_and_a_command_in_one_screen(first: Path) -> None:
    result = run(str(STREAM), "--log", str(first))
    assert result.exit_code == 1
    assert "MSL401 ubuntu-name" in result.stdout
    assert "maas $PROFILE boot-resources create name=custom/jammy" in result.stdout
    assert "one for each item of the product (`root-tgz` and `manifest`)" in " ".join(
        result.stdout.split()
    )
    assert len(result.stdout.splitlines()) <= 40


def test_the_first_report_in_json(first: Path) -> None:
    made = told(str(STREAM), "--log", str(first))
    message = next(m for m in made["messages"] if m["id"] == "unsupported-product")
    assert (message["count"], message["rules"]) == (2, ["ubuntu-name"])
    assert message["at"] == [[str(first), 4], [str(first), 5]]
    (stream,) = message["streams"]
    assert [f["code"] for f in stream["findings"]] == ["MSL401"]
    assert stream["items"] == ["root-tgz", "manifest"]
    assert made["maas"][-1] == "3.4"
    (only,) = made["imports"]
    assert only["begun"] == "2024-06-16T14:41:36.100000+00:00"
    assert (only["outcome"], only["sources"]) == ("finished with losses", ["http://h/maas/"])
    (compared,) = made["compared"]
    assert f"Ignoring unsupported product {PRODUCT}" in compared["both"]
    assert compared["seen_only"] == []


def test_a_normal_import_ends_with_0(tmp_path: Path) -> None:
    log = tmp_path / "syslog"
    log.write_text(FIRST.replace("Ignoring unsupported product", "Importing images from source:"))
    lines = [line for line in log.read_text().splitlines() if "Unable" not in line]
    end = (
        "2024-06-16T14:42:00+00:00 h maas.bootresources: [info] Finished importing of boot images "
    )
    log.write_text("\n".join([*lines, f"{end}from 1 source(s)."]))
    result = run("--log", str(log))
    assert result.exit_code == 0
    assert "this is a normal import" in result.stdout
    assert [one["outcome"] for one in told("--log", str(log))["imports"]] == ["finished"]


def test_a_command_that_failed_is_no_import(tmp_path: Path) -> None:
    log = tmp_path / "syslog"
    command = "['maas', 'root', 'boot-resources', 'import']"
    failed = "returned non-zero exit status 2."
    log.write_text(f"subprocess.CalledProcessError: Command '{command}' {failed}\n")
    result = run("--log", str(log))
    assert result.exit_code == 0
    assert result.stdout.endswith("Nothing is lost.\n")


def test_a_log_of_others_has_no_trouble(tmp_path: Path) -> None:
    log = tmp_path / "syslog"
    log.write_text("\n".join(unrelated.lines()), "utf-8")
    made = told("--log", str(log))
    assert made["messages"] == []
    assert made["unknown"] == []


def test_a_traceback_is_the_cause_of_its_message(tmp_path: Path) -> None:
    log = tmp_path / "regiond.log"
    log.write_text(FAILED)
    message, exception = told("--log", str(log))["messages"]
    assert (message["id"], message["about"]) == ("import-failed", "network")
    assert message["cause"]["id"] == exception["id"] == "no-route"


def test_a_failed_download_is_no_finished_import(tmp_path: Path) -> None:
    prefix = "2026-04-08T08:00:{:02}+00:00 h maas-log[1]: maas.bootresources: "
    texts = [
        "[info] Started importing of boot images from 1 source(s).",
        "[info] Importing images from source: http://h/s/",
        "[warn] Failed to synchronise boot resources: some files could not be downloaded, aborting",
        "[info] Finished importing of boot images from 1 source(s).",
        "[info] Started importing of boot images from 1 source(s).",
    ]
    log = tmp_path / "journal.txt"
    log.write_text("\n".join(prefix.format(n) + text for n, text in enumerate(texts)))
    made = told("--log", str(log))
    assert [one["outcome"] for one in made["imports"]] == ["failed", "no end in the log"]
    assert made["maas"] == ["3.5", "3.6", "3.7"]


def test_logs_are_put_together_by_time(tmp_path: Path) -> None:
    (tmp_path / "maas.log").write_text(FIRST)
    failed = FAILED.replace("2026-04-08 08:00:54", "2024-06-16 14:41:38")
    (tmp_path / "regiond.log").write_text(failed)
    made = told("--log", str(tmp_path))
    assert made["imports"][0]["outcome"] == "failed"
    assert {loss["id"] for loss in made["imports"][0]["lost"]} >= {"import-failed"}


def test_a_part_of_maas_that_says_what_is_not_known_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "maas.log"
    log.write_text("2024-06-16T14:41:36+00:00 h maas.bootresources: [error] Something new.\n" * 3)
    made = told("--log", str(log))
    assert made["unknown"] == [{"text": "Something new.", "count": 3}]
    assert "Something new." in run("--log", str(log)).stdout


def tarred(name: str, mode: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        for path, data in (("report/var/log/maas/maas.log", FIRST), ("report/readme", "x")):
            member = tarfile.TarInfo(path)
            member.size = len(data.encode())
            archive.addfile(member, io.BytesIO(data.encode()))
    return file.getvalue()


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("logs/maas.log.1.gz", gzip.compress(FIRST.encode()))
    return file.getvalue()


PACKED = {
    "maas.log": FIRST.encode(),
    "maas.log.2.gz": gzip.compress(FIRST.encode()),
    "maas.log.xz": lzma.compress(FIRST.encode()),
    "maas.log.zst": zstandard.ZstdCompressor().compress(FIRST.encode()),
    "report.tar": tarred("report", "w"),
    "report.tar.gz": tarred("report", "w:gz"),
    "report.tar.xz": tarred("report", "w:xz"),
    "report.tar.zst": zstandard.ZstdCompressor().compress(tarred("report", "w")),
    "report.zip": zipped(),
    "utf16.log": FIRST.encode("utf-16"),
    "latin1.log": FIRST.encode() + "caf\xe9\n".encode("latin-1"),
    "crlf.log": FIRST.replace("\n", "\r\n").encode(),
    "no-end.log": FIRST.rstrip().encode(),
}


@pytest.mark.parametrize("name", PACKED)
def test_logs_are_read_however_they_are_packed(name: str, tmp_path: Path) -> None:
    log = tmp_path / name
    log.write_bytes(PACKED[name])
    message = next(m for m in told("--log", str(log))["messages"] if m["lost"])
    assert (message["id"], message["count"]) == ("unsupported-product", 2)


def test_standard_input_is_read() -> None:
    assert told("--log", "-", stdin=FIRST)["trouble"]
    assert told("--log", "-", stdin=gzip.compress(FIRST.encode()))["trouble"]


def test_a_folder_is_read_oldest_first(tmp_path: Path) -> None:
    for name, product in (("maas.log", "c"), ("maas.log.1", "b"), ("maas.log.2.gz", "a")):
        text = f"maas.import-images: [warn] Ignoring unsupported product {product}\n".encode()
        (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    made = told("--log", str(tmp_path))
    assert [m["text"][-1] for m in made["messages"]] == ["a", "b", "c"]
    assert len(made["logs"]) == 3


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("gone.log", None, "no such file"),
        ("cut.log.gz", gzip.compress(FIRST.encode() * 99, mtime=0)[:-20], "cannot read"),
        ("bad.log.xz", b"\xfd7zXZ\0" + b"x" * 99, "cannot read"),
        ("bad.log.zst", b"\x28\xb5\x2f\xfd" + b"\xff" * 99, "cannot read"),
        ("bad.zip", b"PK\3\4" + b"x" * 99, "cannot read"),
        ("system.journal", b"LPKSHHRH" + b"\0" * 99, "binary journal"),
    ],
)
def test_what_cannot_be_read_is_one_line(
    name: str, data: bytes | None, said: str, tmp_path: Path
) -> None:
    log = tmp_path / name
    if data is not None:
        log.write_bytes(data)
    result = run("--log", str(log))
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_no_log_is_a_usage_error() -> None:
    assert "give --log FILE" in run().stderr


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_nothing_hostile_gets_through(form: str, tmp_path: Path) -> None:
    log = tmp_path / "maas.log"
    log.write_text(
        "maas.import-images: [warn] Ignoring unsupported product <script>alert(1)</script>`*\x1b[31m\n"
    )
    out = run("--log", str(log), "--format", form).stdout
    assert "\x1b" not in out
    assert form != "html" or "<script>" not in out


def test_html_is_one_file(first: Path) -> None:
    out = run(str(STREAM), "--log", str(first), "--format", "html").stdout
    assert out.startswith("<!doctype html>")
    assert "http" not in out.partition("<body>")[0].replace("http-equiv", "")
    assert "<link" not in out.replace('<link rel="icon" href="data:,">', "")
    assert "<script" not in out


def test_lines_and_traceback_over_the_edge_of_a_piece(tmp_path: Path) -> None:
    """A message that begins near the end of what is read at once keeps its line and its cause."""
    noise = b"2026-11-25T23:11:28+00:00 vm sshd[1]: nothing at all happens in this line\n"
    for size in (2**22 - 40, 2**22 - 2**18 - 40, 2**22 - 2**18, 2**23):
        log = tmp_path / "regiond.log"
        before = noise * (size // len(noise))
        log.write_bytes(before + FAILED.encode() + noise * 9)
        message = told("--log", str(log))["messages"][0]
        assert message["cause"]["id"] == "no-route"
        assert message["at"] == [[str(log), before.count(b"\n") + 1]]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks the kernel")
def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    log = tmp_path / "syslog"
    noise = ("\n".join(unrelated.lines(700)) + "\n").encode()
    with log.open("wb") as file:
        while file.tell() < 96 * 2**20:
            file.write(noise)
    code = (
        "from pathlib import Path\nfrom maas_stream_lint.logs.conclusion import read\n"
        f"read(({str(log)!r},))\n"
        "print(*[x for x in Path('/proc/self/status').read_text().splitlines() if 'VmHWM' in x])"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(seen.stdout.split()[1]) < 90 * 1024


@pytest.mark.parametrize(
    ("stamp", "time"),
    [
        ("2026-11-25T23:11:28.281373+00:00", "2026-11-25T23:11:28.281373+00:00"),
        ("2026-11-25T23:11:28-05:00", "2026-11-26T04:11:28+00:00"),
        ("2026-11-25T23:11:28+0000", "2026-11-25T23:11:28+00:00"),
        ("2026-11-25T23:11:28.5Z", "2026-11-25T23:11:28.500000+00:00"),
        ("2024-06-16 13:45:56", "2024-06-16T13:45:56+00:00"),
        ("Wed 2026-11-25 23:11:28 UTC", "2026-11-25T23:11:28+00:00"),
        ("Nov  9 12:34:14", "2026-11-09T12:34:14+00:00"),
        ("Dec 30 12:34:14", "2025-12-30T12:34:14+00:00"),
        ("Thu, 20 Feb. 2025 09:03:16", "2025-02-20T09:03:16+00:00"),
        ("1700000000.5", "2023-11-14T22:13:20.500000+00:00"),
        ("1700000000000000", "2023-11-14T22:13:20+00:00"),
        ("2026-99-99T00:00:00Z", None),
        ("soon", None),
        ("", None),
    ],
)
def test_stamps(stamp: str, time: str | None) -> None:
    clock = Clock(datetime(2026, 11, 26, tzinfo=timezone.utc))
    made = clock.read(stamp)
    assert (made.astimezone(timezone.utc).isoformat() if made else None) == time


def test_what_a_stamp_leaves_out_is_that_of_the_others() -> None:
    clock = Clock()
    clock.read("2021-01-02T03:04:05+02:00")
    made = clock.read("Jan  2 04:04:05")
    assert made is not None
    assert made.isoformat() == "2021-01-02T04:04:05+02:00"


def test_the_library_reads_a_log(first: Path) -> None:
    made = diagnose(read((str(first),)))
    assert [entry.match.message.id for entry in made.troubles] == [
        "unsupported-product",
        "no-descriptions",
    ]


def test_a_file_that_is_not_there_is_the_one_of_the_url(tmp_path: Path) -> None:
    tree = ROOT / "fixtures/bad/MSL701-file-missing/tree"
    document = next(tree.glob("streams/v1/*download*.json"))
    paths = sorted(set(re.findall(r'"path": "([^"]+)"', document.read_text("utf-8"))))
    path = next(path for path in paths if not (tree / path).exists())
    log = tmp_path / "worker.log"
    error = f"aiohttp.client_exceptions.ClientResponseError: 404, message='Not Found', url=URL('http://h/{path}')"
    log.write_text(
        f"temporalio.activity: [warn] Completing activity as failed ({{'attempt': 2}})\n\t{error}\n"
    )
    message = told(str(tree / "streams/v1/index.json"), "--log", str(log))["messages"][0]
    assert {f["code"] for f in message["streams"][0]["findings"]} == {"MSL701"}
    assert all(path in f["message"] for f in message["streams"][0]["findings"])
