"""The smallest inputs that once ended a whole run: each is a finding now, or a one-line error."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from images import Tree
from looks import look
from maas_stream_lint.cli.main import main
from maas_stream_lint.images.cache import default_folder
from servers import Handler, publishing, serve

GOOD = Path(__file__).parents[1] / "fixtures/good/with-images/tree"
UPDATED = "Sun, 16 Jun 2024 14:41:38 +0000"

pytestmark = pytest.mark.usefixtures("own_home")


def run(*arguments: str) -> Result:
    """Run a command; it may find fault, and may not crash."""
    done = CliRunner().invoke(main, [*arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert "this is a bug" not in done.output
    return done


def strict_json(text: str) -> Any:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.fixture
def publish(tmp_path: Path) -> Callable[..., str]:
    """Write a stream of one product; what differs of the products file is text."""

    def made(items: str, more: str = "") -> str:
        folder = tmp_path / "tree/streams/v1"
        folder.mkdir(parents=True, exist_ok=True)
        about = {"datatype": "image-ids", "format": "products:1.0", "updated": UPDATED}
        entry = {**about, "path": "streams/v1/p.json", "products": ["com.ubuntu.maas:v3:x"]}
        index = {"format": "index:1.0", "updated": UPDATED, "index": {"c": entry}}
        (folder / "index.json").write_text(json.dumps(index))
        product = (
            '"os":"ubuntu","arch":"amd64","release":"jammy","version":"22.04","label":"stable"'
        )
        (folder / "p.json").write_text(
            f'{json.dumps({**about, "content_id": "c"})[:-1]}{more},"products":'
            f'{{"com.ubuntu.maas:v3:x":{{{product},"versions":{{"1":{{"items":{items}}}}}}}}}}}'
        )
        return str(tmp_path / "tree")

    return made


COMMANDS = [
    ("check",),
    ("check", "--format", "sarif"),
    ("preview",),
    ("preview", "--format", "json"),
    ("fix",),
    ("fix", "--format", "json"),
    ("fix", "--unsafe", "--drop-broken", "--diff"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("items", ["[[1]]", "[{}]", "[[]]", "[1]", "{}", "[]"])
def test_items_that_are_no_object(
    command: tuple[str, ...], items: str, publish: Callable[..., str]
) -> None:
    assert run(*command, publish(items)).exit_code in (0, 1)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("ftype", ["[]", "{}", "[[]]", "1", "null"])
def test_an_ftype_that_is_no_text(
    command: tuple[str, ...], ftype: str, publish: Callable[..., str]
) -> None:
    mixed = f'{{"a":{{"ftype":{ftype},"path":"a"}},"b":{{"ftype":"root-tgz","path":"b"}}}}'
    assert run(*command, publish(mixed)).exit_code in (0, 1)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("number", ["NaN", "1e400", "-Infinity"])
def test_an_alias_that_is_no_json_number(
    command: tuple[str, ...], number: str, publish: Callable[..., str]
) -> None:
    aliases = f',"_aliases":{{"label":{{"stable":{{"foo":{number}}}}}}}'
    done = run(*command, publish('{"a":{"ftype":"root-tgz","path":"a"}}', aliases))
    assert done.exit_code in (0, 1)
    if command[-1] in ("json", "sarif"):
        strict_json(done.stdout)


@pytest.mark.parametrize("mode", ["head", "download"])
@pytest.mark.parametrize(
    "header", ["Content-Length", "Content-Range", "Retry-After", "ETag", "Age"]
)
def test_headers_of_an_image_that_hold_nonsense(mode: str, header: str) -> None:
    """One file is told, and the run goes on."""

    def odd(request: Handler, body: bytes) -> None:
        request.send_raw(
            f"HTTP/1.1 200 OK\r\n{header}: {'9' * 5000}\r\nConnection: close\r\n\r\n".encode()
            + body
        )

    with serve(publishing(Tree(), odd)) as server:
        looked = look(server.url + "/", mode, retries=0)
    assert looked.seen("boot-kernel").size
    assert not looked.survey.interrupted


def test_an_index_of_which_a_cache_says_nonsense() -> None:
    def respond(request: Handler) -> None:
        known = Tree().metadata.get(request.path.lstrip("/"))
        if known is None:
            request.send(b"", 404)
        elif request.headers["cache-control"]:
            request.send(b"{}")
        else:
            request.send(known, Age="9" * 4000, X_Cache="HIT")

    with serve(respond) as server:
        assert "stale-cache" in look(server.url + "/").names


@pytest.mark.parametrize(
    "facts",
    [
        {"content": [{"x": 1}, None]},
        {"content": [[{"x": 1}], None]},
        {"content": [["x"], None]},
        {"content": [["gzip"], {"x": 1}]},
        {"content": [[], None]},
        {"content": "gzip"},
        {"content": [["gzip"], None], "names": [{"x": 1}]},
        {"content": [["gzip"], None], "names": 1},
        {},
    ],
)
def test_whatever_is_wrong_with_the_cache_the_files_are_read(
    facts: dict[str, Any], tmp_path: Path
) -> None:
    tree = shutil.copytree(GOOD, tmp_path / "tree")
    before = run("check", str(tree)).stdout
    with sqlite3.connect(default_folder() / "files.sqlite") as database:
        for name, text in database.execute("SELECT name, facts FROM file").fetchall():
            kept = {k: v for k, v in json.loads(text).items() if k not in ("content", "names")}
            changed = json.dumps({**kept, **facts})
            database.execute("UPDATE file SET facts = ? WHERE name = ?", (changed, name))
    database.close()
    assert run("check", str(tree)).stdout == before


# Configurations


def configured(tmp_path: Path, text: str) -> Result:
    (tmp_path / "c.toml").write_text(text)
    return run("check", str(GOOD), "--config", str(tmp_path / "c.toml"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"[{'.'.join('a' * 3000)}]", "is nested too deeply"),
        (f"[{'.'.join('a' * 100_000)}]", "is nested too deeply"),
        (f"x = {{{'.'.join('a' * 100_000)} = 1}}", "is nested too deeply"),
        (f"x = {'[' * 400}{']' * 400}", "is nested too deeply"),
        (f"x = {'[' * 5000}{']' * 5000}", "is nested too deeply"),
        (f"timeout = {'9' * 5000}", "holds a number of thousands of digits"),
        ("#" * 300_000, "has more than 262,144 bytes"),
    ],
    ids=["table", "long table", "long key", "lists", "many lists", "digits", "size"],
)
def test_a_configuration_out_of_bounds_is_one_line(text: str, told: str, tmp_path: Path) -> None:
    done = configured(tmp_path, text)
    assert done.exit_code == 2
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_dots_in_texts_and_comments_are_no_parts_of_a_key(tmp_path: Path) -> None:
    done = configured(tmp_path, f"# {'. ' * 200}\nignore = ['MSL810'] # {'.' * 300}\n")
    assert done.exit_code == 0


def test_files_that_extend_one_file_twice_over(tmp_path: Path) -> None:
    """24 floors of it would be 16 million files, and as many times the same ignore."""
    for number in range(24):
        both = f'"{number + 1}.toml", "{number + 1}.toml"'
        (tmp_path / f"{number}.toml").write_text(f"extends = [{both}]\n")
    ignore = '[[ignores]]\nrules = ["MSL401"]\nreason = "known"\n'
    (tmp_path / "24.toml").write_text(ignore)
    done = run("check", str(GOOD), "--config", str(tmp_path / "0.toml"))
    assert done.exit_code == 0
    assert done.stderr.count("matches nothing") == 1


def test_files_that_extend_each_other_without_an_end(tmp_path: Path) -> None:
    for number in range(1200):
        (tmp_path / f"{number}.toml").write_text(f'extends = "{number + 1}.toml"\n')
    (tmp_path / "1200.toml").write_text("")
    done = run("check", str(GOOD), "--config", str(tmp_path / "0.toml"))
    assert done.exit_code == 2
    assert "more than 64 files extend each other" in done.stderr


# Secrets


@pytest.mark.parametrize("source", ["u:s3cret@host/x/", "u:s3cret@host/x/index.json", "u:@host"])
def test_a_login_without_a_scheme_is_not_repeated(source: str) -> None:
    done = run("check", source)
    assert done.exit_code == 2
    assert "s3cret" not in done.output
    assert "write http://" in done.output


@pytest.mark.parametrize("option", ["--token-env", "--token-file"])
def test_a_token_in_place_of_its_name_is_not_repeated(option: str) -> None:
    done = run("check", str(GOOD), option, "s3cret")
    assert done.exit_code == 2
    assert "s3cret" not in done.output
