"""What import contracts cannot say: who may use what is not ours, and that rules do no I/O."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from maas_stream_lint import rule_tables
from maas_stream_lint.cli.main import main

PACKAGE = Path(__file__).parents[1] / "maas_stream_lint"
MODULES = {
    p.relative_to(PACKAGE).as_posix(): ast.parse(p.read_text("utf-8"))
    for p in PACKAGE.rglob("*.py")
}

#: Everything that is neither ours nor Python's, and where it may be imported.
FOREIGN = {
    "oauthlib": {"logs/maas_client.py"},
    "ahocorasick_rs": {"logs/scan.py"},
    "zstandard": {"logs/log_files.py"},
    "backports": {"imports/"},
    "click": {"cli/"},
    "httpx": {"source/library.py"},
    "httpx2": {"source/library.py"},
    "socksio": {"source/library.py"},
    "jsonschema": {"configuration/validation.py"},
    "packaging": {"imports/answers.py"},
    "platformdirs": {"fixing/backup.py", "images/cache.py"},
    "rich": {"report/"},
    "tomli": {"rule_tables.py", "configuration/toml.py"},
}
#: Of Python's own, what talks to the world.
WORLDLY = {
    "subprocess": {"signature.py", "fixing/signing.py", "building/programs.py", "cli/man.py"},
    "socket": {
        "source/diagnosis.py",
        "source/watchdog.py",
        "images/server_probe.py",
        "building/serving.py",
    },
    "ssl": {"source/address.py", "source/diagnosis.py", "images/server_probe.py"},
    "http": {"building/serving.py"},
    "urllib.request": {"source/address.py"},
}


def imported(tree: ast.AST) -> Iterator[str]:
    """What is imported at run time: what only types name is free."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
        elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield from imported(node)


@pytest.mark.parametrize("path", MODULES)
def test_foreign_imports(path: str) -> None:
    for name in imported(MODULES[path]):
        top = name.split(".")[0]
        if top in sys.stdlib_module_names or top in ("maas_stream_lint", "__future__"):
            homes = WORLDLY.get(name) or WORLDLY.get(top)
        else:
            homes = FOREIGN.get(top, set())
        assert homes is None or any(path.startswith(home) for home in homes), (
            f"{path} imports {name}"
        )


@pytest.mark.parametrize("path", [p for p in MODULES if p.startswith("checks/")])
def test_rules_neither_read_nor_print(path: str) -> None:
    calls = [node.func for node in ast.walk(MODULES[path]) if isinstance(node, ast.Call)]
    named = {
        f.id if isinstance(f, ast.Name) else f.attr
        for f in calls
        if isinstance(f, (ast.Name, ast.Attribute))
    }
    assert not named & {
        "open",
        "print",
        "input",
        "exit",
        "read_text",
        "read_bytes",
        "urlopen",
        "run",
        "Popen",
    }


def test_no_module_name_is_on_two_floors() -> None:
    """A traceback, an import and a person can name a module without its folder."""
    names = Counter(
        path.removesuffix(".py").removesuffix("/__init__").rpartition("/")[2] for path in MODULES
    )
    assert [name for name, number in names.items() if number > 1] == []


def ours(tree: ast.AST) -> Iterator[str]:
    """The modules of this package that a module imports at run time, wherever it does."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("maas_stream_lint"):
            folder = str(node.module).replace(".", "/").removeprefix("maas_stream_lint").lstrip("/")
            for alias in node.names:
                inner = f"{folder}/{alias.name}".lstrip("/")
                homes = [
                    f"{home}{end}" for home in (inner, folder) for end in (".py", "/__init__.py")
                ]
                yield from [home for home in homes if home in MODULES][:1]
        elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield from ours(node)


def test_no_imports_go_in_a_circle() -> None:
    """Imports within functions count: what needs each other is one thing."""
    needs = {path: set(ours(tree)) for path, tree in MODULES.items()}

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        wanted = [start]
        while wanted:
            new = needs[wanted.pop()] - seen
            seen |= new
            wanted += new
        return seen

    below = {path: reached(path) for path in needs}
    circles = [{o for o in below[p] if p in below[o]} for p in needs if p in below[p]]
    assert circles == []


#: What ``--version`` and ``--help`` may load: names, and what needs nothing but Python and click.
LIGHT = tuple(f"maas_stream_lint.{part}" for part in ("cli", "names", "named_tuple", "errors"))


def test_the_command_line_starts_without_the_library() -> None:
    """Click alone answers ``--version``, and the help of each command needs no more."""
    code = (
        "import sys; from maas_stream_lint.cli.main import main\n"
        "seen = set(sys.modules); print(*sorted(m for m in seen if m.startswith('maas_')))\n"
        "list(main.commands.values()); print(*sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, every = done.stdout.splitlines()
    assert [m for m in first.split() if not m.startswith(LIGHT)] == ["maas_stream_lint"]
    seen = every.split()
    of_its_own = [m for m in seen if m.startswith("maas_") and not m.startswith(LIGHT)]
    assert of_its_own == ["maas_stream_lint"]
    assert not {"rich", "httpx", "jsonschema", "dataclasses", "locale"}.intersection(seen)


def test_the_version_needs_no_click() -> None:
    """The start answers ``--version`` in the words of the command line."""
    code = (
        "import sys; sys.argv[1:] = ['--version']; from maas_stream_lint.cli.start import start\n"
        "start(); print(*sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    version, seen = done.stdout.splitlines()
    assert not {"click", "typing", "inspect"}.intersection(seen.split())
    assert CliRunner().invoke(main, ["--version"]).output.rstrip() == version


def test_a_line_of_a_log_is_explained_without_what_checks_a_stream() -> None:
    """Only what the answer is made of is imported, and nothing that takes long."""
    code = (
        "import sys; from maas_stream_lint.cli.main import main\n"
        "main(['explain', 'Ignoring unsupported product a:b'], standalone_mode=False)\n"
        "print(*sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seen = done.stdout.splitlines()[-1].split()
    assert "MSL401" in done.stdout
    assert "maas_stream_lint.logs.matching" in seen
    assert not {"rich", "tomllib", "dataclasses", "pathlib", "click.shell_completion"}.intersection(
        seen
    )
    assert not {f"maas_stream_lint.{part}" for part in _CHECKING}.intersection(seen)


#: What no rule is told or found by: each takes a noticeable part of the time of a small check.
HEAVY = {
    *("rich", "httpx2", "httpx", "jsonschema", "hashlib", "packaging", "_strptime", "sqlite3"),
    *("dataclasses", "locale", "copy", "pathlib", "urllib.parse", "fnmatch"),
    *("tomllib", "tomli", "platformdirs", "subprocess", "urllib.request", "binascii"),
    *(f"maas_stream_lint.images.{part}" for part in ("sniff", "cache", "local_files", "pool")),
    *("maas_stream_lint.images.content", "maas_stream_lint.imports.judged"),
    "maas_stream_lint.imports.legacy.by_table",
    *(f"maas_stream_lint.{part}" for part in ("distributions", "selecting", "uses.use_verdict")),
    *("maas_stream_lint.source.decoding", "maas_stream_lint.json_walk"),
}


@pytest.mark.parametrize(
    "args",
    [
        ["rules"],
        ["rules", "--format", "json"],
        ["explain", "MSL401"],
        ["explain", "MSL401", "--format", "json"],
        ["check", "tree", "--format", "json"],
    ],
    ids=lambda args: "-".join(args),
)
def test_what_a_fast_answer_imports(args: list[str], tmp_path: Path) -> None:
    """A sound stream of metadata alone needs none of it, nor does anything about rules."""
    shutil.copytree(PACKAGE.parent / "fixtures/good/every-release/tree", tmp_path / "tree")
    (tmp_path / "rules").mkdir()
    target = tmp_path / "rules" / rule_tables.COMPILED
    target.write_text(rule_tables.compiled(), "utf-8")
    code = (
        "import atexit, sys; atexit.register(lambda: print(*sys.modules, sep='\\n'))\n"
        "from maas_stream_lint import rule_tables\n"
        f"known = rule_tables.lines({str(target)!r})\n"
        "rule_tables._compiled(rule_tables.rules_folder()).update(known)\n"
        "from maas_stream_lint.cli.main import main\n"
        f"main({args!r}, standalone_mode=False)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    seen = set(done.stdout.splitlines())
    assert "maas_stream_lint.rule" in seen, done.stderr
    assert HEAVY & seen == set()


def ended(args: list[str], before: str = "", **more: Any) -> subprocess.CompletedProcess[str]:
    """The process of a command that ends."""
    code = (
        "import atexit, os, sys, threading; from maas_stream_lint.cli.start import start\n"
        f"atexit.register(print, 'registered'); sys.argv[1:] = {args!r}; {before}\nstart()"
    )
    command = [sys.executable, "-c", code]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, **more)


@pytest.mark.parametrize(
    ("args", "code"),
    [(["rules"], 0), (["check", "fixtures/bad/MSL401-ubuntu-name/tree"], 1), (["-x"], 2)],
    ids=["good", "findings", "misuse"],
)
def test_what_is_registered_for_the_end_of_a_run_takes_place(args: list[str], code: int) -> None:
    done = ended(args, stdout=subprocess.PIPE, cwd=PACKAGE.parent)
    assert (done.returncode, done.stdout[-11:]) == (code, "registered\n")


@pytest.mark.parametrize(
    ("before", "freed"),
    [
        ("", False),
        ("threading.Timer(2, print).start()", True),
        ("sys.setprofile(lambda *_: None)", True),
        ("sys.settrace(lambda *_: None)", True),
    ],
    ids=["alone", "thread", "profile", "trace"],
)
def test_a_run_frees_its_objects_only_if_somebody_else_looks_at_it(
    before: str, freed: bool
) -> None:
    """That takes as long as a twentieth of a small check."""
    before = f"os._exit = lambda code: os.write(1, b'at once'); {before}"
    done = ended(["explain", "MSL401"], before, stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout.endswith("at once")) == (0, not freed), done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_that_cannot_be_written_is_no_success() -> None:
    with Path("/dev/full").open("w") as full:
        done = ended(["explain", "MSL401"], "print('not flushed')", stdout=full)
    assert done.returncode != 0
    assert "No space left" in done.stderr


#: What only the check of a stream needs.
_CHECKING = ("api", "checks", "configuration", "rulebook", "report.formats", "source", "stream")


def test_the_version_is_said_by_the_command_line_if_the_start_cannot() -> None:
    code = (
        "import os, sys; sys.argv[1:] = ['--version']; out = os.dup(1); os.close(1)\n"
        "from maas_stream_lint.cli.start import start\n"
        "sys.stdout = os.fdopen(out, 'w'); start()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("maas-stream-lint, version ")
