"""What the playground asks this package: a check of files, or what a line of MAAS's log means.

It runs in the browser's Python, inside a worker, and is tested without one. Questions and answers
are JSON, so that no object of one language lives in the other. An answer has ``error`` and
``hint``, if there is no other.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maas_stream_lint import __version__
from maas_stream_lint.errors import LintError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: The folder of metadata in a stream.
HOME = "streams/v1/"
#: More files than this are no stream that a browser should hold.
MOST_FILES = 50_000
#: More characters of a log than this are not read.
MOST_LOG = 2**20
#: A server's metadata of more bytes is not fetched.
MOST_FETCHED = 64 * 2**20
#: What a file of metadata ends in.
_METADATA = (".json", ".sjson")
_SIGNED = "-----BEGIN PGP SIGNED MESSAGE-----"
#: Where pasted text is, and what it is called.
_PASTED = "pasted"
#: Why a browser has no answer of a server → what the page says of it, and what to do about it.
_REFUSALS = {
    "cors": (
        "answers, but does not let this page read the answers",
        (
            "that server must send `Access-Control-Allow-Origin: *` with each answer, also with a "
            "404 (nginx: `add_header Access-Control-Allow-Origin * always;`); the command line "
            "needs no such header"
        ),
    ),
    "dead": (
        "gives this browser no answer",
        (
            "check the URL, and whether a new tab of this browser opens it; the command line "
            "tells the cause"
        ),
    ),
    "mixed": (
        "is not asked, because this page came by https and its URL begins with http",
        "give its https URL if it has one, or use the command line",
    ),
    "late": ("did not send its answer in time", "try again, or use the command line"),
    "large": (f"sends more than {MOST_FETCHED >> 20} MiB of metadata", "use the command line"),
    "elsewhere": ("is not the server of your URL", "use the command line"),
}


def layout(question: str) -> str:
    """Where files that were chosen or dropped belong in a stream.

    ``question``: ``{"names": [PATH, …]}``, as the browser names them. The answer is ``{"folder":
    NAME, "source": PATH, "paths": [PATH or null, …]}``, with a path below the folder for each file
    that belongs to the stream.
    """
    return _answered(lambda: _layout(json.loads(question)["names"]))


def check(question: str) -> str:
    """Check a stream on disk.

    ``question``: ``{"source": PATH, "maas": [LINE, …], "selections": TEXT, "images": BOOL}``. The
    answer is ``{"html": TEXT, "verdict": WORD, "summary": TEXT}``.
    """
    return _answered(lambda: _check(**json.loads(question)))


def check_url(question: str) -> str:
    """Check a stream on a server, by what the worker fetched of it.

    ``question``: ``{"url": URL, "maas": [LINE, …], "selections": TEXT, "answers": [ANSWER, …]}``,
    each ANSWER with ``url`` and either ``status``, ``reason``, ``headers``, ``file`` and ``moved``
    (the URL of the last redirect, or null) or ``refused``, a key of ``_REFUSALS``. The answer is
    that of ``check``, or ``{"wanted": [URL, …]}``: fetch these, too, and ask again.
    """
    return _answered(lambda: _check_url(**json.loads(question)))


def paste(question: str) -> str:
    """Write pasted metadata to disk, for ``check``.

    ``question``: ``{"index": TEXT, "products": TEXT}``, one of which may be empty. The answer is
    ``{"source": PATH}``.
    """
    return _answered(lambda: {"source": _pasted(**json.loads(question))})


def explain(question: str) -> str:
    """What lines of MAAS's log mean. ``question``: ``{"text": TEXT, "width": CHARACTERS}``.

    The answer is ``{"text": TEXT}``.
    """
    return _answered(lambda: {"text": _explained(**json.loads(question))})


def _answered(ask: Callable[[], dict[str, Any]]) -> str:
    try:
        answer = ask()
    except LintError as error:
        answer = {"error": error.message, "hint": error.hint}
    except Exception as error:  # noqa: BLE001 - a crash is our bug, and the page says so
        message = f"{type(error).__name__}: {str(error)[:300]}"
        hint = (
            f"this is a bug in maas-stream-lint {__version__}, not in your stream; please report it"
        )
        answer = {"error": message, "hint": hint}
    return json.dumps(answer)


def _layout(names: Sequence[str]) -> dict[str, Any]:
    if len(names) > MOST_FILES:
        hint = "choose the folder that holds `streams`, or its metadata alone"
        raise UsageError(f"there are more than {MOST_FILES:,} files", hint)
    tidy = [
        "/".join(part for part in name.split("/") if part not in ("", ".", "..")) for name in names
    ]
    root = _root(tidy)
    if root is None:
        paths = [
            HOME + name.rpartition("/")[2] if name.endswith(_METADATA) else None for name in tidy
        ]
    else:
        paths = [name[len(root) :] if name.startswith(root) else None for name in tidy]
    metadata = [
        path for path in paths if path and path.startswith(HOME) and path.endswith(_METADATA)
    ]
    if not metadata:
        hint = "choose the folder that holds `streams/v1`, or an index and its products files"
        raise UsageError("there is no file of metadata (.json or .sjson) here", hint)
    folder = _folder(tidy, root)
    return {"folder": folder, "source": _source(folder, metadata), "paths": paths}


def _root(names: Sequence[str]) -> str | None:
    """What stands before ``streams/v1/`` in the shortest name that has it; ``None``: none has."""
    found = [name[: f"/{name}".index(f"/{HOME}")] for name in names if f"/{HOME}" in f"/{name}"]
    return min(found, key=len, default=None)


def _folder(names: Sequence[str], root: str | None) -> str:
    """The name of the folder that was chosen."""
    first = (root or "").rstrip("/").rpartition("/")[2]
    return first or (_PASTED if root is None else "stream")


def _source(folder: str, metadata: Sequence[str]) -> str:
    """The folder, or the only file of metadata where there is no index."""
    indexes = {f"{HOME}index{end}" for end in _METADATA}
    if len(metadata) == 1 and metadata[0] not in indexes:
        return f"{folder}/{metadata[0]}"
    return folder


def _check_url(
    url: str, maas: Sequence[str], selections: str, answers: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    import httpx2_jsfetch as transport

    source = _requestable(url)
    refused = [answer["refused"] for answer in answers if "refused" in answer]
    if refused and len(refused) == len(answers):
        message, hint = _REFUSALS[refused[0]]
        raise UsageError(f"{_host(source)} {message}", hint)
    transport.wanted.clear()
    transport.fetched = {answer["url"]: _worded(answer) for answer in answers}
    answer = _check(source, maas, selections, images=False)
    if transport.wanted:
        return {"wanted": list(transport.wanted)}
    moved = [answer["moved"] for answer in answers if answer.get("moved")]
    return answer | ({"note": _moved(moved[0])} if moved else {})


def _requestable(url: str) -> str:
    """A URL that the browser can be asked for. Raises UsageError."""
    from maas_stream_lint.source.opening import is_local

    text = url.strip()
    if is_local(text) or not text.lower().startswith(("http://", "https://")):
        raise UsageError("this is no http or https URL", "write it with http:// or https://")
    if "@" in text.partition("//")[2].partition("/")[0]:
        raise UsageError("this page sends no login", "use the command line for such a URL")
    return text


def _host(url: str) -> str:
    return url.partition("//")[2].partition("/")[0]


def _worded(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with its refusal in words."""
    if "refused" not in answer:
        return answer
    message, _ = _REFUSALS[answer["refused"]]
    return {"refused": f"it {message}"}


def _moved(url: str) -> str:
    from maas_stream_lint.source.opening import without_secrets

    return (
        f"The browser followed redirects to {without_secrets(url)[:200]}. Only the command line "
        "tells what MAAS makes of them."
    )


def _check(source: str, maas: Sequence[str], selections: str, *, images: bool) -> dict[str, Any]:
    from maas_stream_lint import api
    from maas_stream_lint.finding import Severity
    from maas_stream_lint.images.observation import FileOptions
    from maas_stream_lint.output import Style
    from maas_stream_lint.report import html_
    from maas_stream_lint.report.text import summary_told
    from maas_stream_lint.report.verdict import verdict_word
    from maas_stream_lint.source.answer import FetchOptions

    report = api.check(
        source,
        maas,
        files=FileOptions(mode=None if images else "none", cache=False),
        selections=_selected(selections),
        # The worker fetches, and asks again by itself.
        options=FetchOptions(retries=0, max_bytes=MOST_FETCHED),
    )
    threshold = Severity.UNUSABLE
    return {
        "html": "".join(html_.render(report, threshold, Style())),
        "verdict": verdict_word(report, threshold),
        "summary": summary_told(report, threshold),
    }


def _selected(text: str) -> Any:
    from maas_stream_lint.selecting import DEFAULT, parse_selection

    words = text.split()
    if words == [DEFAULT]:
        return DEFAULT
    return [parse_selection(word) for word in words] or None


def _pasted(index: str, products: str) -> str:
    if not index.strip() and not products.strip():
        raise UsageError("there is nothing to check", "paste an index, a products file, or both")
    shutil.rmtree(_PASTED, ignore_errors=True)
    home = Path(_PASTED)
    (home / HOME).mkdir(parents=True)
    if not index.strip():
        place = home / HOME / f"products{_end(products)}"
        place.write_text(products, "utf-8", "surrogatepass")
        return os.fspath(place)
    (home / HOME / f"index{_end(index)}").write_text(index, "utf-8", "surrogatepass")
    if products.strip():
        place = home / (_named(index) or f"{HOME}products{_end(products)}")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(products, "utf-8", "surrogatepass")
    return _PASTED


def _end(text: str) -> str:
    return _METADATA[text.lstrip().startswith(_SIGNED)]


def _named(index: str) -> str | None:
    """The path of the first products file that an index names, if it can be below the folder."""
    body = index[index.find("{") : index.rfind("}") + 1]
    try:
        entries = json.loads(body)["index"].values()
        path = next(iter(entries))["path"]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError, StopIteration):
        return None
    safe = isinstance(path, str) and path.isprintable() and 0 < len(path) <= 200
    if not safe or any(part in ("", ".", "..") for part in path.split("/")):
        return None
    return path if path != f"{HOME}index{_end(index)}" else None


def _explained(text: str, width: int) -> str:
    from maas_stream_lint.logs.tally import explained
    from maas_stream_lint.output import Style
    from maas_stream_lint.report import log_lines

    if not text.strip():
        raise UsageError("there is nothing to explain", "paste a line of MAAS's log")
    if len(text) > MOST_LOG:
        hint = "paste fewer lines, or run `maas-stream-lint explain --log FILE`"
        raise UsageError(f"there are more than {MOST_LOG:,} characters", hint)
    answer = explained(text)
    if not answer.entries:
        hint = "paste one whole line of the log, or the last line of a traceback"
        raise UsageError("none of these lines is known to this tool", hint)
    return log_lines.render(answer, Style(max(40, min(width, 100))), source=True)
