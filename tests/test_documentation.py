"""The address of the documentation, and what reports say with and without one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from maas_stream_lint import check, documentation, terminal
from maas_stream_lint.cli.main import main
from maas_stream_lint.errors import UsageError
from maas_stream_lint.finding import Severity
from maas_stream_lint.output import Style
from maas_stream_lint.report.formats import FORMATS

BAD = Path(__file__).parents[1] / "fixtures/bad/MSL608-missing-size/tree/streams/v1/index.json"
SITE = "https://docs.example.com/lint/"


def shown(form: str) -> str:
    made = FORMATS[form].render(check(BAD), Severity.UNUSABLE, Style())
    return made if isinstance(made, str) else "".join(made)


@pytest.mark.parametrize(
    ("given", "site"),
    [
        ("", ""),
        (" ", ""),
        ("https://docs.example.com/lint", SITE),
        ("https://docs.example.com/lint//", SITE),
        ("http://[::1]:8000", "http://[::1]:8000/"),
        ("file:///usr/share/doc/lint/html", "file:///usr/share/doc/lint/html/"),
    ],
)
def test_address(given: str, site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(documentation.VARIABLE, given)
    assert documentation.address() == site
    expected = f"{site}rules/missing-size/" if site else None
    assert documentation.rule_url("missing-size") == expected


@pytest.mark.parametrize(
    "given",
    [
        *("docs.example.com", "javascript:alert(1)", "https://", "//docs.example.com/", "/docs/"),
        *("https://a.example/?q=", "https://a.example/#x", "https://a.example/\x1b[31m"),
        *("https://a.example/a b", "ftp://a.example/", "https://a.example/\u202e"),
    ],
)
def test_what_is_no_address(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(documentation.VARIABLE, given)
    with pytest.raises(UsageError, match=documentation.VARIABLE) as error:
        documentation.address()
    assert error.value.message.isprintable()


def test_every_link_is_made_from_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(documentation.VARIABLE, SITE)
    (run_,) = json.loads(shown("sarif"))["runs"]
    driver = run_["tool"]["driver"]
    assert driver["informationUri"] == SITE
    assert [r["helpUri"] for r in driver["rules"]] == [
        f"{SITE}rules/{rule['name']}/" for rule in driver["rules"]
    ]
    assert f'href="{SITE}rules/missing-size/"' in shown("html")


def test_without_an_address_reports_name_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(documentation.VARIABLE, raising=False)
    monkeypatch.setattr(documentation, "ADDRESS", "")
    (run_,) = json.loads(shown("sarif"))["runs"]
    driver = run_["tool"]["driver"]
    assert "informationUri" not in driver
    assert all("helpUri" not in rule and rule["help"]["text"] for rule in driver["rules"])
    page = shown("html")
    assert "<code>maas-stream-lint explain MSL608</code>" in page
    assert "http" not in page.partition("<body>")[2].partition("<footer>")[2]


def test_the_configuration_names_the_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command that links; the variable counts more, and an empty one means no links."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(documentation.VARIABLE, raising=False)
    Path("maas-stream-lint.toml").write_text(f'docs-url = "{SITE[:-1]}"\n')
    page = f"{SITE}rules/missing-size/"
    linked = {
        ("check", str(BAD), "--format", "sarif"): page,
        ("check", str(BAD), "--format", "html"): page,
        ("check", str(BAD)): page,
        ("check", str(BAD), "--statistics"): page,
        ("rules", "MSL608"): page,
        ("docs", "MSL608"): page,
        ("config",): SITE,
    }
    monkeypatch.setattr(terminal, "takes_links", lambda _: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    for command, link in linked.items():
        assert link in CliRunner().invoke(main, command).stdout, command
    monkeypatch.setenv(documentation.VARIABLE, "https://intranet.example/")
    assert run("docs") == "https://intranet.example/\n"
    assert "https://intranet.example/rules/" in run("check", str(BAD), "--format", "sarif")
    monkeypatch.setenv(documentation.VARIABLE, "")
    assert "helpUri" not in run("check", str(BAD), "--format", "sarif")
    monkeypatch.delenv(documentation.VARIABLE)
    # It is the setting of one run, not of the process.
    assert "helpUri" not in run("check", str(BAD), "--format", "sarif", "--no-config")
    Path("maas-stream-lint.toml").write_text('severity = "info"\ndocs-url = "docs.example.com"\n')
    monkeypatch.delenv("FORCE_COLOR")
    done = CliRunner().invoke(main, ["docs"])
    assert done.exit_code == 2
    assert done.stderr.startswith("error: maas-stream-lint.toml:2: docs-url: expected the URL")


def run(*arguments: str) -> str:
    return CliRunner().invoke(main, arguments).stdout


def test_a_wrong_address_is_refused_before_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(documentation.VARIABLE, "docs.example.com")
    done = CliRunner().invoke(main, ["check", "nowhere", "--format", "sarif"])
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: {documentation.VARIABLE} is no URL of a site")
