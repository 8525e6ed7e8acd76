"""Files that came as the metadata says are judged once for all, and nothing escapes that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from images import FOLDER, INDEX, KERNEL, SQUASHFS, Tree, digest
from maas_stream_lint.checks import all_rules
from maas_stream_lint.file_fetch import fetch
from maas_stream_lint.images.content import Content
from maas_stream_lint.images.observation import Seen, Server, Survey, Wanted
from maas_stream_lint.look import Look, look_at
from maas_stream_lint.rulebook import all_releases
from maas_stream_lint.source import Trouble
from maas_stream_lint.stream import load
from trees import MemoryTree

if TYPE_CHECKING:
    from maas_stream_lint.model import Image

PATH, KERNEL_PATH = f"{FOLDER}/squashfs", f"{FOLDER}/boot-kernel"
GOOD = {name: digest(SQUASHFS, name) for name in ("sha256", "sha512", "md5")}
BAD = {name: digest(b"another file", name) for name in GOOD}
#: What may be seen of a file besides that it came as the metadata says.
ODD: dict[str, list[Any]] = {
    "trouble": [Trouble("missing", "404 Not Found", 404), Trouble("cut", "cut", got=1)],
    "size": [None, 0, len(SQUASHFS) + 1],
    "digests": [{}, {"sha256": BAD["sha256"]}, {**GOOD, "sha512": BAD["sha512"]}, GOOD],
    "content": [None, Content(("html",)), Content(("gzip", "tar", "disk")), Content(("data",))],
    "link": ["/elsewhere/squashfs"],
    "linked": [True],
    "status": [200, 203, 204, 206],
    "redirects": [("http://example.com/a",)],
    "moved": ["302 Found"],
    "headers": [{"content-type": "text/html; charset=utf-8"}],
    "interim": [103],
    "partial": [True],
    "encoding": ["gzip", "br", "utf-8"],
    "encoded_anyway": [True],
    "decoded": [GOOD, BAD],
    "decoded_size": [len(SQUASHFS), 1],
    "undecodable": ["incorrect header check"],
    "page": [(3, BAD)],
    "faults": [(Trouble("status", "503 Service Unavailable", 503),)],
    "cuts": [(10,)],
    "whole": [True],
}
#: What items may say instead of the truth.
LIES: dict[str, list[Any]] = {
    "size": [None, True, 1, "7", str(len(SQUASHFS)), f"0{len(SQUASHFS)}", "9" * 20, "?"],
    "sha256": [None, BAD["sha256"], GOOD["sha256"].upper(), "", 7],
    "sha512": [GOOD["sha512"], BAD["sha512"], GOOD["sha512"].upper()],
    "md5": [GOOD["md5"], BAD["md5"]],
    "ftype": ["root-tgz", "root-dd", "boot-kernel", "manifest"],
}


def some_of(choices: dict[str, list[Any]], most: int) -> st.SearchStrategy[dict[str, Any]]:
    """A few fields, each with one of its values."""
    fields = st.lists(st.sampled_from(sorted(choices)), max_size=most, unique=True)
    return fields.flatmap(
        lambda names: st.fixed_dictionaries({n: st.sampled_from(choices[n]) for n in names})
    )


def look_of(lies: dict[str, Any], odd: dict[str, Any], path: str = PATH) -> Look:
    """A stream whose squashfs, with some lies about it, was seen as told."""
    tree = Tree()
    tree.items["squashfs"] |= {**lies, "path": path}
    tree.items["squashfs"] = {k: v for k, v in tree.items["squashfs"].items() if v is not None}
    stream = load(MemoryTree(tree.metadata, INDEX), None)  # type: ignore[arg-type]
    look = look_at(stream, all_releases())
    seen = {"size": len(SQUASHFS), "digests": {"sha256": GOOD["sha256"]}, **odd}
    seen.setdefault("content", Content(("squashfs",)))
    server = Server() if "status" in odd else None
    # Another file that came well is the one that is asked about for both.
    well = Seen(KERNEL_PATH, size=len(KERNEL), status=odd.get("status"))
    files = {KERNEL_PATH: well, path: Seen(path, **seen)}
    wanted = {path: Wanted(path) for path in files}
    look.survey = Survey("download", files=files, wanted=wanted, server=server)
    return look


def unasked(look: Look) -> list[tuple[str, Image]]:
    """The rules on image files, each with the files that it is not asked about."""
    rules = [rule for rule in all_rules() if rule.on == "image"]
    assert all(rule.among is not None for rule in rules)
    return [
        (rule.name, image)
        for rule in rules
        for image in look.images
        if rule.among is not None and image not in rule.among(look)
        for _ in rule.check(image, look)
    ]


@settings(max_examples=300, deadline=None)
@given(some_of(LIES, 2), some_of(ODD, 3))
def test_no_rule_has_a_word_on_a_file_that_it_is_not_asked_about(
    lies: dict[str, Any], odd: dict[str, Any]
) -> None:
    look = look_of(lies, odd)
    assert unasked(look) == []
    for image in look.images:
        if image not in look.odd_images:
            for item in image.items:
                assert not any(fetch(image.seen, item, line, "") for line in look.releases)


@pytest.mark.parametrize("status", [None, 200, 206])
def test_a_file_that_came_as_stated_is_not_odd(status: int | None) -> None:
    look = look_of({}, {"status": status})
    assert len(look.images) == 2
    assert look.odd_images == []


@pytest.mark.parametrize("field", ODD)
@pytest.mark.parametrize("lie", [{}, {"sha512": BAD["sha512"], "md5": BAD["md5"]}])
def test_each_oddity_alone(field: str, lie: dict[str, Any]) -> None:
    for value in ODD[field]:
        assert unasked(look_of(lie, {field: value})) == []


@pytest.mark.parametrize("path", ["f\n/squashfs", "f\x7f/squashfs", "é/squashfs", "a b/squashfs"])
def test_a_path_that_some_line_cannot_ask_for(path: str) -> None:
    assert unasked(look_of({}, {"status": 200}, path)) == []
