"""The sentences of documents, docstrings and other texts, with the place of each."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: What stands for one word: a code span, a link's target, a path or an address.
CODE = re.compile(r"``[^`]+``|`[^`]+`|«[^»]+»")
ADDRESS = re.compile(r"<?\w+://\S*[\w/>]|(?<![<\w])[~.\w-]*/[\w./*{}<>-]*[\w/*}]")
#: A citation: MAAS's function and file, in parentheses.
CITED = re.compile(r"\s*\([^()]*\.(?:py|go|sh|toml|md)\b[^()]*\)")
#: Values in a row count as one word.
VALUES = re.compile(r"CODE(?:(?:,| and| or|, and|, or| to) CODE)+")
END = re.compile(r"(?<=[.!?])[\"”)*]*\s+(?!\()")
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
#: Paragraphs end at empty lines, list items, headings of docstrings, and lines before a list.
PARAGRAPH = re.compile(r"\n\s*\n|\n\s*(?:[-*#]+|\d+\.) |:\s*\n|\n(?=\s*#+ )")
DOCSTRING_HEADING = re.compile(r"^\s*(?:MAAS|Why|Fix|Example|Raises|Returns):", re.MULTILINE)
EXAMPLE = re.compile(r"^\s*Example:", re.MULTILINE)
WORD = re.compile(r"[\w%&§][\w\u2019'.,%:&§+-]*")


class Sentence(NamedTuple):
    """A sentence, as it counts, and where it is."""

    place: str
    text: str

    @property
    def words(self) -> int:
        """How many words it has: a code span, a path or a row of values is one."""
        return len(WORD.findall(self.text))


def sentences(place: str, text: str) -> Iterator[Sentence]:
    """The sentences of a text, code spans, paths and rows of values reduced to one word each."""
    text = LINK.sub(r"\1", CODE.sub("CODE", CITED.sub("", text)))
    text = CITED.sub("", text)
    for paragraph in PARAGRAPH.split(ADDRESS.sub("CODE", text)):
        joined = VALUES.sub("CODE", " ".join(paragraph.split()))
        for sentence in END.split(joined):
            if sentence:
                yield Sentence(place, sentence)


def of_markdown(path: Path) -> Iterator[Sentence]:
    """The sentences of a document, without code blocks, tables and tags."""
    text = re.sub(r"^( *)(```|~~~).*?^\1\2", "\n\n", path.read_text(), flags=re.DOTALL | re.M)
    text = re.sub(r"^\s*\|.*$", "", text, flags=re.MULTILINE)
    yield from sentences(str(path), _without_tags(text))


def _without_tags(text: str) -> str:
    """A text without HTML: tags other than those within a line end a paragraph."""
    text = re.sub(r"<!--.*?-->|<(script|style|svg)\b.*?</\1>", "\n\n", text, flags=re.DOTALL)
    text = re.sub(r"</?(?:a|b|code|em|strong|i|span)\b[^>]*>", "", text)
    return re.sub(r"<[a-z/][^>]*>", "\n\n", text)


def of_docstrings(path: Path, at_least: int = 0) -> Iterator[Sentence]:
    """The sentences of all docstrings in a module.

    ``at_least``: leaves out texts with fewer words, because no sentence in them has more.
    """
    for node in ast.walk(_parsed(path)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            text = ast.get_docstring(node) or ""
            if len(text.split()) >= at_least:
                prose = DOCSTRING_HEADING.sub("\n\n", EXAMPLE.split(text)[0])
                yield from sentences(f"{path}:{node.body[0].lineno}", prose)


def of_texts(path: Path, at_least: int = 0) -> Iterator[Sentence]:
    """The sentences of all texts in a module but docstrings. A filled-in value is one word."""
    inner: set[int] = set()
    for node in ast.walk(_parsed(path)):  # from the outside in: a text before its parts
        text = ""
        if isinstance(node, ast.Expr):
            inner.add(id(node.value))  # a docstring
        elif isinstance(node, ast.JoinedStr):
            inner.update(map(id, node.values))
            text = "".join(
                str(v.value) if isinstance(v, ast.Constant) else "CODE" for v in node.values
            )
        elif isinstance(node, ast.Constant) and id(node) not in inner:
            text = str(node.value)
        if len(text.split()) >= at_least:
            yield from sentences(f"{path}:{node.lineno}", _without_tags(text))


@cache
def _parsed(path: Path) -> ast.AST:
    return ast.parse(path.read_text())


def of_comments(path: Path) -> Iterator[Sentence]:
    """The sentences of a file's comments that have a line of their own."""
    block: list[str] = []
    for number, line in enumerate([*path.read_text().splitlines(), ""], 1):
        found = re.match(r"\s*#[:!]? ?(.*)", line)
        if found:
            block.append(found[1])
        elif block:
            yield from sentences(f"{path}:{number - len(block)}", "\n".join(block))
            block = []


def of_values(path: Path, values: object) -> Iterator[Sentence]:
    """The sentences of all texts among TOML values."""
    if isinstance(values, str):
        yield from sentences(str(path), values)
    elif isinstance(values, (dict, list)):
        for value in values.values() if isinstance(values, dict) else values:
            yield from of_values(path, value)
