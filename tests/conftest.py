"""What several test modules stand on."""

from __future__ import annotations

import gc
import inspect
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partialmethod
from pathlib import Path

import pytest
from click.testing import CliRunner

#: The library that HTTP_LIBRARY names, where it is not the first choice: the first choice is then
#: as if it were not installed.
if os.environ.get("HTTP_LIBRARY") == "httpx":
    sys.modules["httpx2"] = None  # type: ignore[assignment]

import browser
import site_build
from images import Tree
from keys import USER, Keys
from nginx import Nginx, nginx

# Before click 8.2, standard error is told apart only if it is asked for.
if "mix_stderr" in inspect.signature(CliRunner.__init__).parameters:
    CliRunner.__init__ = partialmethod(CliRunner.__init__, mix_stderr=False)  # type: ignore[assignment]

#: Outputs that tell when they were made tell the same in each run.
os.environ["SOURCE_DATE_EPOCH"] = "1718548898"

# Inside Actions the tests see what they would see elsewhere.
for _name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
    os.environ.pop(_name, None)


@pytest.fixture(autouse=True, scope="module")
def leaks_show_where_they_are() -> Iterator[None]:
    """A socket that is left open is an error of the module that opened it, not of a later one."""
    yield
    gc.collect()


@pytest.fixture(scope="session")
def running_nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with nginx(tmp_path_factory.mktemp("nginx")) as server:
        yield server


@pytest.fixture
def store(running_nginx: Nginx, own_home: Path) -> Nginx:
    """The nginx, with nothing yet in its log, for somebody without proxies and caches."""
    running_nginx.log()
    return running_nginx


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory with nothing in it, and no settings of the environment."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "netrc"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    # To load the system's certificates takes longer than all the rest of a test.
    monkeypatch.setenv("SSL_CERT_FILE", str(home / "none"))
    return home


@pytest.fixture
def good(store: Nginx) -> str:
    """The name of a stream on nginx that nothing is wrong with."""
    store.publish("good", Tree())
    return "good"


@pytest.fixture(scope="session")
def made_keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keys]:
    """Keys that all tests of a run share: to make some takes longer than most tests."""
    if not shutil.which("gpg") or not shutil.which("gpgv"):
        pytest.skip("needs gpg and gpgv")
    home = tmp_path_factory.mktemp("g")
    home.chmod(0o700)
    keys = Keys(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GNUPGHOME", str(home))
        keys.gpg("--quick-gen-key", USER, "ed25519", "sign", "never")
        keys.ring.write_bytes(keys.gpg("--export"))
    yield keys
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)


@pytest.fixture
def keys(made_keys: Keys, monkeypatch: pytest.MonkeyPatch) -> Keys:
    """A gpg home with a key, in force for one test."""
    monkeypatch.setenv("GNUPGHOME", str(made_keys.home))
    return made_keys


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the documentation's site."""
    return site_build.built(tmp_path_factory)


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The URL of a server that has the site."""
    with site_build.served(site) as url:
        yield url


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Page]:
    """A tab of a headless Chromium."""
    with browser.page(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened
