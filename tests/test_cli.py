"""The command line: exit codes, streams, pipes and files."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from maas_stream_lint import __version__, api
from maas_stream_lint.cli.main import main
from schemas import as_library

ROOT = Path(__file__).parents[1]
BAD = str(ROOT / "fixtures/bad/MSL401-ubuntu-name/tree/streams/v1/index.json")
GOOD = str(ROOT / "fixtures/good/every-release/tree/streams/v1/index.json")
COMMAND = [sys.executable, "-m", "maas_stream_lint"]
#: What tells this machine's terminal is nothing to a test.
TELLING = re.compile(
    "(NO|FORCE)_COLOR|CLICOLOR.*|COLUMNS|FORCE_HYPERLINK|TERM.*|VTE_.*|KITTY_.*|KONSOLE_.*|WT_.*"
)
PLAIN = {name: value for name, value in os.environ.items() if not TELLING.fullmatch(name)}


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(main, [str(arg) for arg in args])


def process(*args: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *args], capture_output=True, check=False, env={**PLAIN, **env})


def the_error(result: Result) -> str:
    """The one line on standard error of a run that could not be made."""
    assert result.exit_code == 2
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    return lines[0]


def test_version() -> None:
    done = process("--version")
    assert done.stdout.decode().strip() == f"maas-stream-lint, version {__version__}"
    assert (done.returncode, done.stderr) == (0, b"")


def test_alone_it_shows_help() -> None:
    done = process()
    seen = (done.stdout + done.stderr).decode()
    for command in ("check", "preview", "rules", "explain"):
        assert f"  {command} " in seen


@pytest.mark.parametrize("command", [[], ["check"], ["preview"], ["rules"], ["explain"]])
def test_help_fits_80_columns(command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_check_exit_codes() -> None:
    assert run("check", GOOD).exit_code == 0
    assert run("check", BAD).exit_code == 1
    assert run("check", "nowhere").exit_code == 2


def test_what_was_not_read_does_not_pass(tmp_path: Path) -> None:
    index = tmp_path / "streams/v1/index.json"
    index.parent.mkdir(parents=True)
    with index.open("wb") as file:
        file.truncate(300 * 2**20)
    result = run("check", str(index))
    assert result.exit_code == 2
    assert "MSL106 metadata-not-read" in result.stdout
    assert "is not predicted" in result.stdout
    assert "incomplete" in result.stdout
    assert "streams/v1/index.json of" in result.stderr
    assert "could not be checked: larger than 268435456 bytes" in result.stderr


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "1e9", "soon"])
def test_a_timeout_is_some_seconds(seconds: str) -> None:
    result = run("check", BAD, "--timeout", seconds)
    assert result.exit_code == 2
    assert "--timeout" in result.stderr


def test_the_threshold_decides_the_exit_code_not_what_is_shown() -> None:
    strict = run("check", BAD, "--select", "ubuntu-name")
    lax = run("check", BAD, "--select", "ubuntu-name", "--severity", "fatal")
    assert (strict.exit_code, lax.exit_code) == (1, 0)
    assert "MSL401" in lax.stdout
    assert " ".join(lax.stdout.split()).endswith("MAAS 2.9–3.8")  # noqa: RUF001
    assert "passes" in lax.stdout
    assert "fails" in strict.stdout


def test_lists_may_be_repeated_and_have_commas() -> None:
    result = run("check", BAD, "--maas", "3.6, 3.7", "--maas", "3.8", "--format", "json")
    assert json.loads(result.stdout)["summary"]["maas"] == ["3.6", "3.7", "3.8"]
    selected = run(
        "check", BAD, "--select", "MSL4,MSL5", "--ignore", "ubuntu-name", "--format", "json"
    )
    codes = {f["code"] for f in json.loads(selected.stdout)["findings"]}
    assert codes
    assert "MSL401" not in codes
    assert all(code.startswith(("MSL4", "MSL5")) for code in codes)


def test_json_is_the_library_s() -> None:
    seen = as_library(run("check", BAD, "--format", "json").stdout)
    assert seen == api.check(BAD).to_dict()
    seen = as_library(run("preview", BAD, "--maas", "3.7", "--format", "json").stdout)
    assert {one["product"] for one in seen["maas"]["3.7"].pop("products")} == {
        "com.ubuntu.maas.candidate:ubuntu-bases:22.04:amd64"
    }
    assert seen.pop("known_releases")["package"].startswith("distro-info-data ")
    assert seen == api.preview(BAD, ["3.7"]).to_dict()


def test_preview() -> None:
    result = run("preview", BAD, "--log")
    assert result.exit_code == 0
    row = next(line for line in result.stdout.splitlines() if line.startswith("com.ubuntu"))
    assert row.split()[1] == "ignored"
    assert "maas.import-images: [warn] Ignoring unsupported product" in result.stdout
    assert "harmless" in run("preview", GOOD, "--log").stdout
    assert "[warn]" not in run("preview", GOOD).stdout


def test_rules() -> None:
    assert "MSL401" in run("rules").stdout
    said = json.loads(run("rules", "--format", "json").stdout)
    first = said["rules"][0]
    assert set(first) == {"code", "name", "severity", "level", "title"}


def test_explain() -> None:
    assert run("explain", "msl401").stdout == run("explain", "ubuntu-name").stdout
    pasted = "maas.bootresources: [warn] Ignoring unsupported filetype(manifest) from a:b 1"
    assert "harmless" in run("explain", pasted).stdout
    # Without quotes the shell makes it many words.
    assert run("explain", *pasted.split()).stdout == run("explain", pasted).stdout
    assert "MSL401" in run("explain", "MSL401", "--source", BAD).stdout


def test_explain_of_unknown_text_names_the_nearest_rule() -> None:
    assert "did you mean ubuntu-name" in the_error(run("explain", "ubunto-name"))
    assert "maas-stream-lint rules" in the_error(run("explain", "what is this"))


@pytest.mark.parametrize(
    "args",
    [
        ["check", "nowhere"],
        ["check", BAD, "--maas", "1.9"],
        ["check", BAD, "--select", "MSL999"],
        ["check", BAD, "--keyring", "nowhere"],
        ["check", "ftp://x/"],
        ["preview", "nowhere"],
        ["explain", "MSL401", "--source", "nowhere"],
    ],
    ids=" ".join,
)
def test_what_cannot_run_is_one_line(args: list[str]) -> None:
    the_error(run(*args))


@pytest.mark.parametrize(
    "args", [["check"], ["check", BAD, "--maas", "3.6,,"], ["check", BAD, "--header", "hunter2"]]
)
def test_bad_usage(args: list[str]) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert "hunter2" not in result.output


def test_names_from_outside_cannot_paint_the_error() -> None:
    assert "\\x1b[31mred" in the_error(run("check", "\x1b[31mred\n\u202e"))


def test_a_crash_says_that_it_is_our_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*args: object, **more: object) -> None:
        raise ZeroDivisionError("boom\nboom")

    monkeypatch.setattr("maas_stream_lint.api.check", crash)
    line = the_error(run("check", BAD))
    assert "ZeroDivisionError" in line
    assert "bug in maas-stream-lint" in line
    assert "report" in line
    result = run("--debug", "check", BAD)
    assert result.exit_code == 2
    assert "Traceback" in result.stderr


def test_output_goes_to_a_file_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    result = run("check", BAD, "--format", "json", "--output", str(target))
    assert (result.exit_code, result.stdout) == (1, "")
    assert as_library(target.read_text()) == api.check(BAD).to_dict()
    assert [p.name for p in tmp_path.iterdir()] == ["out.json"]
    old = os.umask(0)
    os.umask(old)
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~old


def test_output_replaces_keeps_mode_and_follows_links(tmp_path: Path) -> None:
    target, link = tmp_path / "out.txt", tmp_path / "link"
    target.write_text("before")
    target.chmod(0o600)
    link.symlink_to(target)
    assert run("preview", BAD, "--output", str(link)).exit_code == 0
    assert link.is_symlink()
    assert target.read_text().startswith("stream ")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_output_that_cannot_be_written_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maas_stream_lint.api.check", lambda *a, **k: pytest.fail("ran"))
    unix = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(unix))
        for bad in (tmp_path, unix, tmp_path / "no/file", "/dev/fd/999", Path(BAD) / "x"):
            assert "cannot write" in the_error(run("check", BAD, "--output", str(bad)))
    assert "cannot write" in the_error(run("check", BAD, "--output", ""))
    assert [p.name for p in tmp_path.iterdir()] == ["socket"]


def test_output_into_what_is_no_file(tmp_path: Path) -> None:
    plain = process("check", BAD, "--format", "json").stdout
    for name in ("/dev/stdout", "/dev/fd/1", "-"):
        assert process("check", BAD, "--format", "json", "--output", name).stdout == plain
    done = process("check", BAD, "--format", "json", "--output", "/dev/stderr")
    assert (done.stdout, done.stderr) == (b"", plain)
    assert process("check", BAD, "--output", "/dev/null").stdout == b""
    # A file behind standard output is written to where it is, and not replaced.
    kept = tmp_path / "kept"
    kept.write_bytes(b"before\n")
    with kept.open("ab") as file:
        subprocess.run(
            [*COMMAND, "check", BAD, "--format", "json", "--output", "/dev/stdout"],
            stdout=file,
            env=PLAIN,
            check=False,
        )
    assert kept.read_bytes() == b"before\n" + plain
    # A named pipe, whose reader gets all of it.
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["cat", str(fifo)], stdout=subprocess.PIPE) as reader:
        assert process("check", BAD, "--format", f"json={fifo}").returncode == 1
        assert reader.stdout is not None
        assert reader.stdout.read() == plain
    assert fifo.is_fifo()


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_output_into_a_command_of_the_shell(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    script = f'"$@" --format json=>(cat > {target}); wait $!'
    done = subprocess.run(
        ["bash", "-c", script, "bash", *COMMAND, "check", BAD],
        env=PLAIN,
        capture_output=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == (b"", b"")
    assert json.loads(target.read_text())["summary"]["findings"] == 4


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_output_into_a_read_only_directory(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "cannot write" in the_error(run("check", BAD, "--output", str(tmp_path / "x")))


def test_a_failed_check_leaves_the_old_output(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_text("before")
    assert run("check", "nowhere", "--output", str(target)).exit_code == 2
    assert target.read_text() == "before"


def test_results_go_to_standard_output_and_nothing_else() -> None:
    done = process("check", BAD)
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("env", "colour"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"CLICOLOR_FORCE": "1"}, True),
        ({"CLICOLOR_FORCE": "0"}, False),
        ({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour_in_a_pipe(env: dict[str, str], colour: bool) -> None:
    assert (b"\x1b[" in process("check", BAD, **env).stdout) is colour


def test_a_pipe_is_80_columns_unless_columns_says_otherwise() -> None:
    plain = process("check", BAD).stdout
    assert len(process("check", BAD, COLUMNS="200").stdout.splitlines()) < len(plain.splitlines())
    assert len(process("check", BAD, COLUMNS="60").stdout.splitlines()) > len(plain.splitlines())
    for said in ("80", "", "wide", "0", "-5", "\N{SUPERSCRIPT TWO}"):
        assert process("check", BAD, COLUMNS=said).stdout == plain, said


def test_a_pipe_has_no_links() -> None:
    forced = process("check", BAD, FORCE_HYPERLINK="1", FORCE_COLOR="1", TERM="xterm-kitty")
    assert b"\x1b]8" not in forced.stdout
    assert b"\x1b[" in forced.stdout


def test_an_output_that_is_not_unicode() -> None:
    done = process("check", BAD, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 1
    assert b"MAAS 2.9-3.7" in done.stdout


def terminal(columns: int, **env: str) -> str:
    """What ``check`` shows on a terminal."""
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    child = subprocess.Popen(
        [*COMMAND, "check", BAD],
        stdout=theirs,
        stderr=theirs,
        env={**PLAIN, "TERM": "xterm", **env},
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end is closed
            part = b""
        if not part:
            break
        seen += part
    os.close(ours)
    assert child.wait() == 1
    return seen.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_a_terminal_gets_colour_and_its_width() -> None:
    wide = terminal(100)
    assert "\x1b[" in wide
    assert terminal(100, NO_COLOR="1").count("\n") < terminal(60, NO_COLOR="1").count("\n")
    assert "\x1b[" not in terminal(80, NO_COLOR="1")
    assert "\x1b[" not in terminal(80, TERM="dumb")
    assert "\x1b[" not in terminal(80, CLICOLOR="0")


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
@pytest.mark.parametrize(
    ("env", "links"),
    [
        ({}, False),  # xterm itself takes none
        ({"TERM": "xterm-kitty"}, True),
        ({"VTE_VERSION": "7600"}, True),
        ({"VTE_VERSION": "4800"}, False),
        ({"TERM_PROGRAM": "vscode"}, True),
        ({"TERM_PROGRAM": "tmux", "TERM_PROGRAM_VERSION": "3.4"}, True),
        ({"TERM_PROGRAM": "tmux", "TERM_PROGRAM_VERSION": "3.2a"}, False),
        ({"FORCE_HYPERLINK": "1"}, True),
        ({"FORCE_HYPERLINK": "1", "TERM": "dumb"}, False),
        ({"TERM": "xterm-kitty", "FORCE_HYPERLINK": "0"}, False),
    ],
)
def test_a_terminal_that_takes_links_gets_them(env: dict[str, str], links: bool) -> None:
    seen = terminal(80, **env)
    assert bool(re.search(r"\x1b\]8;id=\d+;file://", seen)) is links


def test_a_reader_that_leaves_is_no_error() -> None:
    child = subprocess.Popen(
        [*COMMAND, "check", BAD, "--format", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdout is not None
    child.stdout.close()
    assert child.stderr is not None
    assert child.stderr.read() == b""
    child.stderr.close()
    assert child.wait() == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*COMMAND, "rules"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert done.stderr.decode().startswith("error: cannot write 'standard output': no space left")
    assert done.stderr.count(b"\n") == 1


def test_a_closed_output_is_one_line() -> None:
    script = 'exec "$@" >&-'
    done = subprocess.run(
        ["/bin/sh", "-c", script, "sh", *COMMAND, "check", BAD], stderr=subprocess.PIPE, check=False
    )
    assert done.returncode == 2
    assert done.stderr.decode().startswith("error: standard output is closed")


def test_interrupted_it_is_quiet() -> None:
    script = (
        "import maas_stream_lint.api as api, time, sys\n"
        "from maas_stream_lint.cli.main import main\n"
        "api.check = lambda *a, **k: (print('ready', flush=True), time.sleep(30))\n"
        f"main(['check', {BAD!r}])"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    _, stderr = child.communicate(timeout=20)
    assert (child.returncode, stderr) == (130, b"")


# -- the keyring -------------------------------------------------------------------------------

SIGNED = ROOT / "fixtures/bad/MSL809-signature-not-verified/tree"
ITS_KEYRING = ROOT / "tests/conformance/keyring.gpg"


def test_a_keyring_that_nobody_spoke_of_is_not_missing() -> None:
    """Without an option the prediction goes on, and one finding says what was not verified."""
    said = run("check", SIGNED, "--files", "none", "--format", "json")
    assert said.exit_code == 0
    found = {f["code"]: f["severity"] for f in json.loads(said.stdout)["findings"]}
    assert found["MSL809"] == "info"
    assert not {"MSL801", "MSL802", "MSL803"} & set(found)
    assert "imports the one product" in run("check", SIGNED, "--files", "none").stdout


def test_no_keyring_is_what_maas_has() -> None:
    said = run("check", SIGNED, "--files", "none", "--format", "json", "--no-keyring")
    assert said.exit_code == 1
    found = {f["code"]: f["severity"] for f in json.loads(said.stdout)["findings"]}
    assert found["MSL803"] == "fatal"
    assert "MSL809" not in found
    for command in ("check", "preview", "fix", "explain"):
        target = ["MSL803", "--source", SIGNED] if command == "explain" else [SIGNED]
        both = run(command, *target, "--keyring", ITS_KEYRING, "--no-keyring")
        assert both.exit_code == 2
        assert "--keyring and --no-keyring cannot be combined" in both.stderr


def test_a_flag_overrides_the_keyring_of_a_configuration(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text(f"keyring = {json.dumps(str(ITS_KEYRING))}\n")
    given = ("check", SIGNED, "--files", "none", "--config", file)
    assert "no-keyring" in run(*given, "--no-keyring").stdout
    assert "bad-signature" in run(*given).stdout


def test_the_library_tells_a_missing_keyring_from_one_that_nobody_spoke_of() -> None:
    def fatal(**more: None) -> bool:
        verdicts = api.preview(SIGNED, ["2.9"], **more).to_dict()["maas"]
        return verdicts["2.9"]["fatal"] is not None

    assert not fatal()
    assert fatal(keyring=None)
    assert "MSL809" in {f.code for f in api.check(SIGNED).findings}
    assert "MSL803" in {f.code for f in api.check(SIGNED, keyring=None).findings}
