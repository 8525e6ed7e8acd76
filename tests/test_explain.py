"""``explain``: rules, and lines pasted from MAAS's log."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import reports
from bundled import BAD, opened
from log_dresses import DRESSES
from maas_stream_lint.api import Report, check
from maas_stream_lint.checks import all_rules
from maas_stream_lint.cli.main import main
from maas_stream_lint.logs.instream import judged
from maas_stream_lint.logs.tally import explained
from maas_stream_lint.output import Style
from maas_stream_lint.report import explained as explain_
from maas_stream_lint.report import log_lines, rule_pages

ROOT = Path(__file__).parents[1]
BUNDLED = ROOT / "fixtures/bad/MSL401-ubuntu-name/tree/streams/v1/index.json"
PRODUCT = "com.ubuntu.maas.candidate:ubuntu-bases:22.04:amd64"
IGNORED = f"maas.import-images: [warn] Ignoring unsupported product {PRODUCT}"


def run(*args: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["explain", *args], input=stdin)


def told(*args: str, stdin: str | bytes | None = None) -> dict[str, Any]:
    result = run(*args, "--format", "json", stdin=stdin)
    made: dict[str, Any] = json.loads(result.stdout)
    return made


def page(pasted: str) -> str:
    return " ".join(log_lines.render(explained(pasted), Style(), source=False).split())


def in_stream(pasted: str, report: Report) -> str:
    return " ".join(explain_.in_stream(explained(pasted), report, Style()).split())


def test_of_a_traceback_the_exception_counts() -> None:
    pasted = """\
2024-06-16 14:41:38 maasserver.bootresources: [critical] Importing boot resources failed.
    Traceback (most recent call last):
      File "/usr/lib/python3/dist-packages/twisted/python/threadpool.py", line 250, in inContext
        result = inContext.theWork()
    builtins.KeyError: 'arch'
"""
    made = told(pasted)
    first, exception = made["messages"]
    assert (first["id"], first["cause"]["id"]) == ("import-failed", "key-error")
    assert first["rules"] == ["missing-arch"]
    assert exception["id"] == "key-error"
    assert made["unknown"] == []


def test_an_exception_that_is_not_known_is_shown() -> None:
    made = told(
        "Importing boot resources failed.\n\tTraceback (most recent call last):\n\tFoo: bar"
    )
    assert [m["id"] for m in made["messages"]] == ["import-failed"]
    assert made["unknown"] == [{"text": "Foo: bar", "count": 1}]


@pytest.mark.parametrize("joint", ["\n   ", "\n"])
def test_a_line_wrapped_by_a_terminal_is_one(joint: str) -> None:
    made = told(f"maas.import-images: [warn] Ignoring unsupported{joint}product {PRODUCT}")
    assert [m["text"] for m in made["messages"]] == [f"Ignoring unsupported product {PRODUCT}"]


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Ignoring unsupported product", "unsupported-product"),
        ("ignoring unsupported product <name>", "unsupported-product"),
        ("Failed to import images from", "import-failed-from"),
        ("has no kernels available", "no-kernels"),
        ("Boot image no longer exists in stream, but remains in selections", "gone-from-stream"),
    ],
)
def test_a_text_without_what_varies_is_known(typed: str, name: str) -> None:
    assert told(typed)["messages"][0]["id"] == name


def test_several_lines_are_each_explained_and_counted() -> None:
    pasted = "\n".join([IGNORED, "Ignoring unsupported filetype(manifest) from a:b 2024", IGNORED])
    made = told(f"{pasted}\nnobody knows this")
    assert [(m["id"], m["count"]) for m in made["messages"]] == [
        ("unsupported-product", 2),
        ("manifest-item", 1),
    ]
    assert made["unknown"] == [{"text": "nobody knows this", "count": 1}]


def test_the_name_of_a_product_decides() -> None:
    seen = page(IGNORED)
    assert "cause The name lacks `:v2:` and `:v3:`" in seen
    assert (
        "maas $PROFILE boot-resources create name=custom/jammy architecture=amd64/generic" in seen
    )
    assert told(IGNORED)["messages"][0]["rules"] == ["ubuntu-name"]


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("com.ubuntu.maas:stable:1:pxelinux:pxe:amd64", "bootloader-unsupported"),
        ("com.example:v3+platform:noble:arm64", "v3-platform-too-new"),
        ("com.example:grub-efi:uefi:amd64", "bootloader-name"),
        ("com.example:ubuntu-core:20:amd64", "ubuntu-core-name"),
        ("com.example:v3:noble:amd64", "bootloader-name"),
        ("com.example:noble:arm64", "ubuntu-name"),
    ],
)
def test_what_a_name_tells(name: str, rule: str) -> None:
    made = told(f"Ignoring unsupported product {name}")
    assert made["messages"][0]["rules"] == [rule]


def test_a_command_to_copy_stands_unbroken() -> None:
    text = log_lines.render(explained(IGNORED), Style(width=40), source=False)
    command = next(line for line in text.splitlines() if "boot-resources create" in line)
    assert command.strip().startswith("maas $PROFILE")
    assert command.endswith("content@=FILE")


def test_only_harmless_lines_are_a_normal_import() -> None:
    pasted = """\
Mar 30 09:40:26 maas maas.bootresources: [INFO] Started importing of boot images from 1 source(s).
Mar 30 09:40:30 maas maas.bootresources: [INFO] Importing images from source: http://h/s/
Mar 30 09:40:34 maas maas.bootresources: [INFO] Finished importing of boot images from 1 source(s).
"""
    assert "this is a normal import" in page(pasted)
    assert not any(m["lost"] for m in told(pasted)["messages"])
    assert "this is a normal import" not in page(f"{pasted}{IGNORED}")
    failed = "subprocess.CalledProcessError: Command '['sudo', 'apt', 'install', 'maas']' returned "
    with_command = page(f"{pasted}{failed}non-zero exit status 100.\n")
    assert "Nothing is lost by any of these." in with_command
    assert "this is a normal import" not in with_command


def test_several_rules_and_prefixes() -> None:
    assert "MSL401 ubuntu-name" in run("MSL401", "MSL504").stdout
    assert "MSL504 missing-boot-kernel" in run("MSL401", "MSL504").stdout
    listed = run("MSL4").stdout
    assert "MSL401" in listed
    assert "MSL504" not in listed
    assert [rule["code"] for rule in told("ubuntu-name,MSL504")["rules"]] == ["MSL401", "MSL504"]


def test_standard_input_is_read() -> None:
    for args in ((), ("-",)):
        assert told(*args, stdin=IGNORED)["messages"][0]["id"] == "unsupported-product"
    assert told(stdin=b"\xff\xfe" + IGNORED.encode())["messages"]


def test_a_log_is_read(tmp_path: Path) -> None:
    log = tmp_path / "maas.log.1.gz"
    noise = "2026-11-25T23:11:28+00:00 vm sshd[1]: Accepted publickey\n"
    log.write_bytes(gzip.compress(f"{noise * 40}{DRESSES['maas.log'](IGNORED)}\n".encode()))
    message = told("--log", str(log))["messages"][0]
    assert message["id"] == "unsupported-product"
    assert message["at"] == [[str(log), 41]]


def test_what_is_not_known_is_said_to_be_not_known() -> None:
    result = run("hello")
    assert result.exit_code == 2
    assert "not known to this tool: 'hello'" in result.stderr
    assert "ubuntu-name" in run("ubuntu-nam").stderr
    assert run(stdin="").exit_code == 2
    assert told("hello")["unknown"] == [{"text": "hello", "count": 1}]
    assert run("--format", "json", "hello").exit_code == 2


def test_a_log_without_images_says_so(tmp_path: Path) -> None:
    log = tmp_path / "syslog"
    log.write_text("2026-11-25T23:11:28+00:00 vm sshd[1]: Accepted publickey\n")
    result = run("--log", str(log))
    assert result.exit_code == 0
    assert "No message about images" in result.stdout


def test_a_line_with_its_source_names_the_cause() -> None:
    report = check(BUNDLED, select=["MSL401", "MSL504"])
    seen = in_stream(IGNORED, report)
    assert "predicted here for MAAS 2.9" in seen
    assert "MSL401 ubuntu-name" in seen
    assert "MSL504" not in seen
    made = told(IGNORED, "--source", str(BUNDLED))["messages"][0]
    assert "3.6" in made["predicted"]
    assert {f["code"] for f in made["findings"]} == {"MSL401"}


@pytest.mark.parametrize("source", [BUNDLED, BUNDLED.parents[2]])
def test_the_source_is_judged_as_the_maas_of_the_log_was_given_it(source: Path) -> None:
    """MAAS gets no products of a bare root without signed index: it was given the index."""
    message = told(IGNORED, "--source", str(source))["messages"][0]
    assert "3.6" in message["predicted"]
    assert {f["code"] for f in message["findings"]} == {"MSL401"}


def test_a_bare_root_is_judged_as_one_if_the_log_says_so() -> None:
    line = (
        "Failed to import images from http://h/: Unable to open streams/v1/index.sjson. mirrors=[]"
    )
    (fixture,) = (path for path in BAD if path.name == "MSL101-no-signed-index")
    with opened(fixture) as root:
        message = told(line, "--source", root)["messages"][0]
    assert {f["code"] for f in message["findings"]} == {"MSL101"}


def test_a_line_of_another_stream_is_not_predicted() -> None:
    report = check(BUNDLED)
    assert "not predicted here" in in_stream("Ignoring unsupported product another", report)
    assert "not predicted here" in in_stream("KeyError: 'arch'", report)
    assert "for machines that these images are for" in in_stream("Unsupported OS: debian", report)
    assert "the use of images are" in in_stream("VFS: Unable to mount root fs on unknown", report)


def test_an_exception_is_predicted() -> None:
    image = reports.image("rhel", "rhel9")
    del image["label"]
    report = reports.report([], reports.tree({"com.example:rhel": image}))
    for pasted in (
        "KeyError: 'label'",
        "builtins.KeyError: 'label'",
        "Importing boot resources failed.",
        "Importing boot resources failed.\n\tTraceback (most recent …):\n\tKeyError: 'label'",
    ):
        assert "predicted here for MAAS 2.9" in in_stream(pasted, report)
    assert "not predicted" in in_stream("KeyError: 'arch'", report)
    assert "predicted here for MAAS 3.8" in in_stream(
        "Could not fetch manifest for boot source with url https://h/maas/: "
        "Got invalid data for the products file",
        report,
    )


def test_an_error_inside_a_line_is_explained_too() -> None:
    seen = page(
        "Could not fetch manifest for boot source with url http://x: "
        "Got invalid data for the index file"
    )
    assert "The index does not fit MAAS's model." in seen


def test_a_bare_directory_is_predicted() -> None:
    stream = reports.tree({"com.example:rhel": reports.image("rhel", "rhel9")})
    stream.given = ""
    report = reports.report([], stream)
    missing = "Unable to open streams/v1/index.sjson. mirrors=[]"
    for pasted in (
        f"Failed to import images from http://other.example/: {missing}",
        f"builtins.OSError: {missing}",
        "Importing boot resources failed.",
    ):
        (entry, *_) = explained(pasted).entries
        assert "2.9" in judged(entry, report).lines


def test_a_mirror_that_cannot_be_reached_is_not_the_stream() -> None:
    made = told(
        "Failed to import images from http://h/: <urlopen error [Errno 113] No route to host>"
    )
    assert made["messages"][0]["about"] == "network"
    assert made["messages"][0]["rules"] == []


def test_hostile_lines_do_no_harm() -> None:
    result = run("\x1b[31mIgnoring unsupported product \x1b]0;x\x07\u202e")
    assert "\x1b" not in result.stdout
    assert "\u202e" not in result.stdout


def test_a_line_is_explained_without_the_simulation() -> None:
    code = (
        "import sys\nfrom maas_stream_lint.cli.main import main\n"
        f"sys.argv[1:] = ['explain', {IGNORED!r}]\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(*[m for m in sys.modules if m.startswith(('maas_stream_lint.', 'rich'))])"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(seen.stdout.splitlines()[-1].split())
    assert "maas_stream_lint.logs.matching" in modules
    assert not [m for m in modules if m.startswith(("rich", "maas_stream_lint.imports"))]
    assert (
        not {"maas_stream_lint.checks", "maas_stream_lint.stream", "maas_stream_lint.rulebook"}
        & modules
    )


def test_rule_pages_show_all_sections() -> None:
    for rule in all_rules():
        seen = rule_pages.rule_page(rule, None, Style())
        for label in (rule.code, rule.name, "MAAS", "why", "fix", "for example"):
            assert label in seen


def test_a_rule_with_its_source_shows_its_findings() -> None:
    rule = next(r for r in all_rules() if r.code == "MSL401")
    assert f"{PRODUCT}" in rule_pages.rule_page(rule, check(BUNDLED), Style())


def test_the_list_of_rules_has_all() -> None:
    seen = rule_pages.rules(all_rules(), Style())
    assert all(rule.code in seen and rule.name in seen for rule in all_rules())
