"""A headless Chromium, spoken to over a pipe in its DevTools protocol."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
#: Seconds for one answer, on a machine that is busy with other things.
PATIENCE = 60.0
#: Key → what Chromium wants to know of it.
KEYS = {
    "Enter": (13, "\r"),
    "Escape": (27, ""),
    "Tab": (9, ""),
    " ": (32, " "),
    "ArrowLeft": (37, ""),
    "ArrowUp": (38, ""),
    "ArrowRight": (39, ""),
    "ArrowDown": (40, ""),
}


class Page:
    """One tab. ``errors`` is what its console complained of, ``requests`` the URLs it asked for."""

    def __init__(self, process: subprocess.Popen[bytes], out: int, into: int) -> None:
        self._process, self._out, self._into = process, out, into
        self._rest, self._number, self._session = b"", 0, None
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.events: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "DOM"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> Any:
        self._number += 1
        said = {"id": self._number, "method": method, "params": params}
        if self._session is not None:
            said["sessionId"] = self._session
        os.write(self._into, json.dumps(said).encode() + b"\0")
        while True:
            heard = self._hear()
            if heard.get("id") == self._number:
                assert "error" not in heard, heard
                return heard["result"]

    def _hear(self) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._out], [], [], end - time.monotonic())
            assert ready, "Chromium does not answer"
            part = os.read(self._out, 1 << 20)
            assert part, f"Chromium is gone: {self._process.poll()}"
            self._rest += part
        text, _, self._rest = self._rest.partition(b"\0")
        heard: dict[str, Any] = json.loads(text)
        self._note(heard.get("method", ""), heard.get("params", {}))
        return heard

    def _note(self, method: str, params: dict[str, Any]) -> None:
        self.events.append(method)
        if method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(params["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled":
            self.errors.append(json.dumps(params["args"]))
        elif method == "Log.entryAdded":
            self.errors.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])

    def open(self, file: Path, fragment: str = "", *, scripts: bool = True) -> None:
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        # From the same file a fragment would lead to no new load.
        for url in ("about:blank", file.as_uri() + fragment):
            self.errors.clear()
            self.requests.clear()
            self.events.clear()
            self.call("Page.navigate", url=url)
            self._loaded()

    def visit(self, url: str) -> None:
        """Open the page of a server."""
        self.errors.clear()
        self.requests.clear()
        self.events.clear()
        self.call("Page.navigate", url=url)
        self._loaded()

    def _loaded(self) -> None:
        while "Page.loadEventFired" not in self.events:
            self._hear()

    def until(self, expression: str, seconds: float = PATIENCE) -> Any:
        """Wait until an expression is true; its value."""
        end = time.monotonic() + seconds
        while not (value := self.js(expression)):
            assert time.monotonic() < end, f"{expression} is never true: {self.errors}"
            time.sleep(0.05)
        return value

    def choose(self, selector: str, *files: Path) -> None:
        """Choose files, or a folder, for an input."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(file) for file in files])

    def drop(self, selector: str, *files: Path) -> None:
        """Drop files, or a folder, on an element."""
        self.js(f"document.querySelector('{selector}').scrollIntoView({{ block: 'center' }})")
        middle = "(box => [box.x + box.width / 2, box.y + box.height / 2])"
        x, y = self.js(f"{middle}(document.querySelector('{selector}').getBoundingClientRect())")
        data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.call("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)

    def js(self, expression: str) -> Any:
        done = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def in_frame(self, url: str, expression: str) -> Any:
        """The value of an expression in the page's only frame, once it has this URL and is true."""
        end = time.monotonic() + PATIENCE
        while True:
            (frame,) = (
                one["frame"] for one in self.call("Page.getFrameTree")["frameTree"]["childFrames"]
            )
            if frame["url"] != url:
                assert time.monotonic() < end, f"the frame has another URL: {frame['url']}"
                continue
            made = self.call("Page.createIsolatedWorld", frameId=frame["id"])
            done = self.call(
                "Runtime.evaluate",
                expression=expression,
                contextId=made["executionContextId"],
                returnByValue=True,
            )
            if value := done["result"].get("value"):
                return value
            assert time.monotonic() < end, f"{expression} is never true in the frame"
            time.sleep(0.05)

    def press(self, key: str, *, shift: bool = False) -> None:
        code, text = KEYS[key]
        about = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        more = {"text": text} if text else {}
        self.call(
            "Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **about, **more
        )
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def media(self, *, scheme: str = "light", kind: str = "") -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=kind, features=features)

    def size(self, width: int, height: int) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def screenshot(self) -> bytes:
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])


@contextmanager
def page(folder: Path) -> Iterator[Page]:
    """A fresh Chromium with a profile of its own, that may ask nothing of the network."""
    assert CHROMIUM is not None
    theirs_in, into = os.pipe()
    out, theirs_out = os.pipe()
    # Chromium reads descriptor 3 and writes 4: out of the way with what stands there.
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in (theirs_in, theirs_out)]

    def place() -> None:
        for fd, to in zip(high, (3, 4), strict=True):
            os.dup2(fd, to)

    switches = [
        "--headless=new",
        "--remote-debugging-pipe",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        "--disable-features=IsolateSandboxedIframes",  # in_frame looks into them
        f"--user-data-dir={folder}",
    ]
    process = subprocess.Popen(
        [CHROMIUM, *switches],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=place,
        pass_fds=(3, 4),
    )
    for fd in (theirs_in, theirs_out, *high):
        os.close(fd)
    try:
        tab = Page(process, out, into)
        yield tab
        tab._session = None
        tab.call("Browser.close")
    finally:
        for fd in (out, into):
            os.close(fd)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
