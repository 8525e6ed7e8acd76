"""``build --update`` and ``--sign``: what is added, and that all the rest stays as it is."""

from __future__ import annotations

import difflib
import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from images import PRODUCTS, UBUNTU, Tree
from keys import USER, Keys
from maas_stream_lint.api import check
from maas_stream_lint.building.builder import Options, build
from maas_stream_lint.building.wanted import Wanted
from maas_stream_lint.cli.main import main
from maas_stream_lint.errors import LintError, UsageError
from maas_stream_lint.finding import Severity
from maas_stream_lint.fixing.signing import Gpg
from maas_stream_lint.rulebook import releases
from packed import ROCKY, tarball
from test_build import INDEX, built, products

LATER = datetime(2026, 12, 24, 12, tzinfo=timezone.utc)
BASES = "streams/v1/local.maas:bases-download.json"


def updated(root: Path, *wanted: Wanted, now: datetime = LATER, **more: Any) -> Any:
    return build(root, wanted, Options(releases(), update=True, **more), now=now)


def clean(root: Path, keyring: Path | None = None) -> bool:
    report = check(root / INDEX if keyring is None else root, keyring=keyring)
    return [f for f in report.findings if f.severity > Severity.INFO] == []


def everything(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def changed_lines(before: bytes, after: bytes) -> list[str]:
    lines = difflib.ndiff(before.decode().splitlines(), after.decode().splitlines())
    return [line for line in lines if line.startswith(("+ ", "- "))]


def test_a_version_is_added(tmp_path: Path) -> None:
    root = tmp_path / "out"
    built(root, Wanted(tarball(tmp_path / "rocky9.tar.gz")))
    before = everything(root)
    image = tarball(tmp_path / "new.tar.gz", ROCKY.replace("9.4", "9.5"))
    done = updated(root, Wanted(image))
    assert done.written
    assert clean(root)
    (product,) = products(root).values()
    assert list(product["versions"]) == ["20261126_01", "20261224_01"]
    assert (product["version"], product["release_title"]) == ("9.5", "9.5")
    after = everything(root)
    assert {p: b for p, b in after.items() if p in before and not p.startswith("streams")} == {
        p: b for p, b in before.items() if not p.startswith("streams")
    }
    # In the index the time alone is another one.
    assert len(changed_lines(before[INDEX], after[INDEX])) == 4
    removed = [n for n in changed_lines(before[BASES], after[BASES]) if n.startswith("- ")]
    assert len([n for n in removed if "updated" not in n and "9.4" not in n]) <= 1  # a comma


def test_two_in_a_day_and_one_that_would_not_be_taken(tmp_path: Path) -> None:
    root, image = tmp_path / "out", tarball(tmp_path / "rocky9.tar.gz")
    for _ in range(3):
        done = updated(root, Wanted(image)) if root.exists() else built(root, Wanted(image))
    assert done.products[0].version_name == "20261224_02"
    assert updated(root, Wanted(image, version_name="20261224_05")).written
    assert updated(root, Wanted(image)).products[0].version_name == "20261224_06"
    (refused,) = updated(root, Wanted(image, version_name="20261224_02")).refusals
    assert "MAAS takes the last one in text order" in refused.why
    assert refused.fix == "give --version-name one that sorts after 20261224_06"
    (refused,) = updated(
        root, Wanted(image), now=datetime(2026, 1, 1, tzinfo=timezone.utc)
    ).refusals
    assert "not a version of 20260101" in refused.why
    assert clean(root)


def test_a_product_is_added_to_the_file_of_its_form(tmp_path: Path) -> None:
    root = tmp_path / "out"
    built(root, Wanted(tarball(tmp_path / "rocky9.tar.gz")))
    before = everything(root)
    alma = tarball(
        tmp_path / "alma.tar.gz", 'NAME="AlmaLinux"\nID="almalinux"\nVERSION_ID="8.10"\n'
    )
    assert updated(root, Wanted(alma)).written
    assert clean(root)
    assert set(products(root)) == {
        "local.maas:rhel-bases:rocky9:amd64",
        "local.maas:rhel-bases:alma8:amd64",
    }
    removed = [n for n in changed_lines(before[BASES], everything(root)[BASES]) if n[0] == "-"]
    assert len([n for n in removed if "updated" not in n]) <= 1
    entry = json.loads((root / INDEX).read_text())["index"]["local.maas:bases-download"]
    assert sorted(entry["products"]) == sorted(products(root))


def test_a_stream_of_somebody_else_gets_a_file_of_its_own_form(tmp_path: Path) -> None:
    root = Tree().write(tmp_path / "theirs")
    before = everything(root)
    done = updated(root, Wanted(tarball(tmp_path / "rocky9.tar.gz")))
    assert done.products[0].name == "com.example.maas:rhel-bases:rocky9:amd64"
    assert clean(root)
    after = everything(root)
    # 3.8 refuses a file that mixes forms: theirs is as it was.
    assert after[PRODUCTS] == before[PRODUCTS]
    index = json.loads(after[INDEX])
    assert index["index"].pop("com.example.maas:bases-download")
    old = json.loads(before[INDEX])
    assert index["index"] == old["index"]


def test_a_version_goes_to_the_product_that_is_the_image_whatever_its_name(tmp_path: Path) -> None:
    root = tmp_path / "out"
    built(root, Wanted(tarball(tmp_path / "rocky9.tar.gz")), prefix="org.acme")
    path = root / "streams/v1/org.acme:bases-download.json"
    text = path.read_text().replace("org.acme:rhel-bases:rocky9:amd64", "our-own-name")
    path.write_text(text)
    index = root / INDEX
    index.write_text(index.read_text().replace("org.acme:rhel-bases:rocky9:amd64", "our-own-name"))
    done = updated(root, Wanted(tarball(tmp_path / "new.tar.gz")))
    assert done.products[0].name == "our-own-name"
    assert list(products(root)) == ["our-own-name"]
    assert clean(root)


def test_a_title_that_somebody_chose_stays(tmp_path: Path) -> None:
    root = tmp_path / "out"
    built(root, Wanted(tarball(tmp_path / "rocky9.tar.gz"), title="9 for the web"))
    new = tarball(tmp_path / "new.tar.gz", ROCKY.replace("9.4", "9.5"))
    updated(root, Wanted(new))
    (product,) = products(root).values()
    assert (product["version"], product["release_title"]) == ("9.5", "9 for the web")
    updated(root, Wanted(new, title="9 for all"))
    (product,) = products(root).values()
    assert product["release_title"] == "9 for all"


def test_style_is_kept(tmp_path: Path) -> None:
    root = tmp_path / "out"
    built(root, Wanted(tarball(tmp_path / "rocky9.tar.gz")))
    path = root / BASES
    data = json.loads(path.read_text())
    path.write_text(json.dumps(data, indent="\t", separators=(",", " : ")).replace("\n", "\r\n"))
    updated(root, Wanted(tarball(tmp_path / "new.tar.gz")))
    text = path.read_bytes().decode()
    assert text.count("\n") == text.count("\r\n")
    assert '\r\n\t\t\t\t"20261224_01" : {\r\n' in text


def test_what_cannot_be_read_is_left_alone(tmp_path: Path) -> None:
    root = tmp_path / "out"
    built(root, Wanted(tarball(tmp_path / "rocky9.tar.gz")))
    (root / BASES).write_text("{")
    before = everything(root)
    with pytest.raises(UsageError, match="cannot be read, so nothing is changed"):
        updated(root, Wanted(tarball(tmp_path / "new.tar.gz")))
    assert everything(root) == before


def test_without_a_stream_there_is_nothing_to_update(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no stream"):
        updated(tmp_path / "out", Wanted(tarball(tmp_path / "new.tar.gz")))
    assert not (tmp_path / "out").exists()


def test_faults_that_were_there_before_do_not_matter(tmp_path: Path) -> None:
    tree = Tree()
    tree.products[UBUNTU]["release_title"] = "22.04"
    tree.products[UBUNTU]["versions"]["9"] = tree.products[UBUNTU]["versions"]["20240101"]
    root = tree.write(tmp_path / "theirs")
    assert not clean(root)
    assert updated(root, Wanted(tarball(tmp_path / "rocky9.tar.gz"))).written


def test_a_stream_that_maas_drops_gets_nothing(tmp_path: Path) -> None:
    root = tmp_path / "out"
    built(root, Wanted(tarball(tmp_path / "rocky9.tar.gz")))
    data = json.loads((root / BASES).read_text())
    del data["content_id"]
    (root / BASES).write_text(json.dumps(data))
    before = everything(root)
    done = updated(root, Wanted(tarball(tmp_path / "new.tar.gz")))
    assert "does not deploy it" in done.refusals[0].why
    assert everything(root) == before


def test_somebody_else_writes_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from maas_stream_lint.building import builder

    root = tmp_path / "out"
    built(root, Wanted(tarball(tmp_path / "rocky9.tar.gz")))
    place = builder.writing.place_files

    def late(*args: Any, **more: Any) -> None:
        place(*args, **more)
        (root / BASES).write_text("theirs")

    monkeypatch.setattr(builder.writing, "place_files", late)
    index = (root / INDEX).read_bytes()
    with pytest.raises(LintError, match="written by another program"):
        updated(root, Wanted(tarball(tmp_path / "new.tar.gz")))
    assert (root / BASES).read_text() == "theirs"
    assert (root / INDEX).read_bytes() == index


# -- signatures ----------------------------------------------------------------------------------


def test_a_new_tree_that_is_signed(tmp_path: Path, keys: Keys) -> None:
    root, image = tmp_path / "out", tarball(tmp_path / "rocky9.tar.gz")
    words = ["build", str(image), "--output", str(root), "--sign", USER]
    done = CliRunner().invoke(main, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert clean(root)
    assert clean(root, keys.ring)
    for plain in (root / "streams/v1").glob("*.json"):
        keys.verify(plain.with_name(f"{plain.name}.gpg"), plain)
        keys.verify(plain.with_suffix(".sjson"))


@pytest.mark.parametrize("plain", [True, False])
def test_a_signed_tree_is_updated_and_signed_again(tmp_path: Path, keys: Keys, plain: bool) -> None:
    root, image = tmp_path / "out", tarball(tmp_path / "rocky9.tar.gz")
    built(root, Wanted(image), sign=Gpg(USER))
    if not plain:
        for place in (root / "streams/v1").glob("*.json*"):
            place.unlink()
    before = everything(root)
    with pytest.raises(UsageError, match="would no longer be valid"):
        updated(root, Wanted(image))
    with pytest.raises(UsageError, match="nobody has verified it"):
        updated(root, Wanted(image), sign=Gpg(USER))
    assert everything(root) == before
    assert updated(root, Wanted(image), sign=Gpg(USER), keyring=keys.ring).written
    assert clean(root)
    assert clean(root, keys.ring)


def test_what_was_changed_after_signing_is_not_signed_again(tmp_path: Path, keys: Keys) -> None:
    root, image = tmp_path / "out", tarball(tmp_path / "rocky9.tar.gz")
    built(root, Wanted(image), sign=Gpg(USER))
    for ending in ("json", "sjson"):
        path = root / f"streams/v1/local.maas:bases-download.{ending}"
        path.write_text(path.read_text().replace("9.4", "9.9"))
    before = everything(root)
    with pytest.raises(UsageError, match="is not signed again"):
        updated(root, Wanted(image), sign=Gpg(USER), keyring=keys.ring)
    assert everything(root) == before


def test_a_dry_run_of_an_update(tmp_path: Path) -> None:
    root, image = tmp_path / "out", tarball(tmp_path / "rocky9.tar.gz")
    built(root, Wanted(image))
    before = everything(root)
    done = updated(root, Wanted(image), dry_run=True)
    assert done.products[0].version_name == "20261224_01"
    assert everything(root) == before
