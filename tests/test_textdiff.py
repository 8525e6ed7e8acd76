"""Diffs against a reader of our own, and against the real patch."""

from __future__ import annotations

import difflib
import random
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from maas_stream_lint.fixing.textdiff import diff
from steps import grows_linearly

repeatable = settings(
    derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
lines = st.sampled_from(["a", "b", "c", "", "- d", "\\ e", "}\r", "\u2028", "\x0c", "++ f", "@@"])
texts = st.builds(
    lambda some, last: "\n".join(some) + last, st.lists(lines, max_size=30), st.sampled_from("\n ")
) | st.just("")


def patched(before: str, shown: str) -> str:
    """Apply a diff to the letter: every line where it says, with its context."""
    old = before.split("\n")
    done: list[str] = []
    at = 0
    said = shown.split("\n")[2:-1]
    left, right, was = 0, 0, ""
    for line in said:
        if line.startswith("\\ ") and was:
            # The line before has no end, so the text's last part follows on it.
            if was in "- ":
                assert at == len(old)
            if was in "+ ":
                done[-1] = done[-1].removesuffix("\n")
        elif not left and not right:
            head = re.fullmatch(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", line)
            assert head
            left, right = (int(head[n]) if head[n] is not None else 1 for n in (2, 4))
            start = int(head[1]) - (left > 0)
            done += [f"{same}\n" for same in old[at:start]]
            at = start
            assert len(done) == int(head[3]) - (right > 0)
            was = ""
        else:
            was = line[0]
            if was in "- ":
                assert old[at] == line[1:]
                at, left = at + 1, left - 1
            if was in "+ ":
                done.append(f"{line[1:]}\n")
                right -= 1
    assert not left
    assert not right
    return "".join(done) + "\n".join(old[at:])


@repeatable
@given(texts, texts)
def test_a_diff_leads_from_one_text_to_the_other(before: str, after: str) -> None:
    shown = diff("x", before, after)
    assert bool(shown) == (before != after)
    if shown:
        assert shown.startswith("--- a/x\n+++ b/x\n@@ ")
        assert patched(before, shown) == after


def patch(folder: Path, path: str, before: str, after: str) -> None:
    program = shutil.which("patch")
    if program is None:
        pytest.skip("no patch here")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / path).parent.mkdir(parents=True)
    (folder / path).write_bytes(before.encode())
    shown = diff(path, before, after).encode()
    done = subprocess.run(
        [program, "-p1", "--fuzz=0"], cwd=folder, input=shown, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert b"offset" not in done.stdout
    assert [p for p in folder.rglob("*") if p.is_file()] == [folder / path]
    assert (folder / path).read_bytes() == after.encode()


@settings(repeatable, max_examples=60)
@given(texts, texts.filter(bool))
@example("a\n", "a")
@example("a", "a\n")
@example("a\r\nb\r\n", "a\r\nc\r\n")
@example("a", "b")
def test_patch_takes_it(tmp_path: Path, before: str, after: str) -> None:
    if before != after:
        patch(tmp_path / "tree", "streams/v1/x.json", before, after)


@pytest.mark.parametrize("name", ["a b.json", "com.ubuntu:v3:x.json", 'a"b\\c.json', "é\n.json"])
def test_patch_finds_files_of_odd_names(tmp_path: Path, name: str) -> None:
    patch(tmp_path / "tree", f"streams/{name}", "1\n2\n", "1\n3\n")


def edited(size: int) -> tuple[str, str]:
    """A text of ``size`` lines, and the same with an edit at every hundredth."""
    chance = random.Random(1)
    old = [chance.choice(["{", "}", "},", f'"path": {n}']) for n in range(size)]
    new = old.copy()
    for _ in range(size // 100):
        at = chance.randrange(len(new))
        new[at : at + chance.randrange(3)] = [f'"new": {at}'] * chance.randrange(3)
    before, after = ("".join(f"{line}\n" for line in some) for some in (old, new))
    return before, after


def test_the_work_on_a_text_grows_with_its_length_alone() -> None:
    def work(size: int) -> Callable[[], object]:
        before, after = edited(size)
        return lambda: diff("x", before, after)

    assert grows_linearly(work, 2000)


def test_the_diff_of_a_large_text_is_right_and_short() -> None:
    before, after = edited(100_000)
    shown = diff("x", before, after)
    assert patched(before, shown) == after
    assert len(re.findall("^[-+] ", shown, re.MULTILINE)) < 3000


def test_a_diff_is_as_short_as_difflib_s() -> None:
    before = "".join(f"{n % 7}\n{n}\n" for n in range(60))
    after = before.replace("8\n", "eight\n").replace("5\n33\n", "")
    wanted = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), "a/x", "b/x"
    )
    assert diff("x", before, after) == "".join(wanted)
