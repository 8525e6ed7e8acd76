"""Why MAAS does not commission, boot or deploy: its own words, and their subject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Key = TypeVar("Key")
Answer = TypeVar("Answer")

#: What MAAS's forms raise: MAAS refuses the machine, and loses nothing else.
FORM = "ValidationError"


class Refusal(Exception):  # noqa: N818 - not an error of ours, but what MAAS says
    """One thing that MAAS stumbles over when it uses an image.

    ``cause``: the cause, as rules name it. ``exception``: the class that MAAS raises, or ``""`` if
    it only logs a line. ``text``: the line. ``kernel``: the name of the kernel that causes it.
    """

    def __init__(
        self, cause: str, exception: str, text: str, kernel: str | None = None, **values: Any
    ) -> None:
        """Nothing but what it is told."""
        super().__init__(text)
        self.cause = cause
        self.exception = exception
        self.text = text
        self.kernel = kernel
        self.values = values

    @property
    def log(self) -> str | None:
        """MAAS's own words for it, ``None`` if MAAS says nothing."""
        if self.cause == "rack-import":
            return "Unable to import boot images; cleaning up failed snapshot and cache."
        if self.cause in ("rack-lacks-files", "rack-lacks-root"):
            return None
        return self.text.partition(": no ")[0] if self.cause == "not-bootable" else self.text

    @property
    def form(self) -> bool:
        """Whether it is a form's error, so that the boot goes on without a kernel."""
        return self.exception == FORM


def answered(
    known: dict[Key, Answer | Refusal], key: Key, ask: Callable[..., Answer], *what: Any
) -> Answer:
    """What ``ask(*what)`` says, or said before. Raises Refusal if it does or did.

    ``known``: the answers so far, each by its key.
    """
    found = known.get(key)
    if found is None:
        try:
            found = ask(*what)
        except Refusal as refusal:
            found = refusal
        known[key] = found
    if isinstance(found, Refusal):
        raise found.with_traceback(None)  # or its traceback grows each time
    return found


def form_error(cause: str, text: str, kernel: str | None = None, **values: Any) -> Refusal:
    """What a form says."""
    return Refusal(cause, FORM, text, kernel, **values)
