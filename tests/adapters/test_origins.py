"""Where a library is imported from, which code that is, and of which version."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters import origins, registry, versions
from adapters.origins import Origin
from tests.bench.running.checkouts import NAME, RELEASED, checkout, installed


@pytest.fixture(autouse=True)
def _not_imported() -> Iterator[None]:
    importlib.invalidate_caches()
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[name]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of what is installed, with the library's release in it."""
    place = installed(tmp_path / "site")
    monkeypatch.syspath_prepend(place)
    return place


def found(name: str = NAME, distribution: str = NAME) -> Origin:
    origin = origins.of(name, distribution)
    assert origin is not None
    return origin


def test_of_what_is_installed_the_metadata_tell_the_version(site: Path) -> None:
    (site / NAME / "__init__.py").write_text("__version__ = '0.0.dev'")
    assert found() == Origin(NAME, str(site / NAME), found().digest, RELEASED, installed=True)


CHECKOUTS = {
    "its code": ({f"{NAME}/__init__.py": '__version__ = "2.0"'}, "2.0"),
    "a module it takes it from": (
        {
            f"{NAME}/__init__.py": "from .about import number as __version__",
            f"{NAME}/about.py": 'number: str = "2.1"',
        },
        "2.1",
    ),
    "the same by its whole name": (
        {
            f"{NAME}/__init__.py": f"from {NAME}._version import __version__",
            f"{NAME}/_version.py": '__version__ = "2.2"',
        },
        "2.2",
    ),
    "a condition": (
        {f"{NAME}/__init__.py": "try:\n    __version__ = '2.3'\nfinally:\n    1"},
        "2.3",
    ),
    "a file": (
        {f"{NAME}/__init__.py": "__version__ = open('VERSION').read()", f"{NAME}/VERSION": "2.4\n"},
        "2.4",
    ),
    "pyproject.toml": ({"pyproject.toml": f'[project]\nname = "{NAME}"\nversion = "2.5"'}, "2.5"),
    "poetry": ({"pyproject.toml": f'[tool.poetry]\nname = "{NAME}"\nversion = "2.6"'}, "2.6"),
    "setup.cfg": ({"setup.cfg": f"[metadata]\nname = {NAME}\nversion = 2.7"}, "2.7"),
    "setup.py": ({"setup.py": f"V = '2.8'\nsetup(name='{NAME}', version=V)"}, "2.8"),
    "egg-info": (
        {f"{NAME}.egg-info/PKG-INFO": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 2.9\n"},
        "2.9",
    ),
    "nothing": ({}, "unknown"),
    "the installed release's metadata": (
        {
            f"{NAME}/__init__.py": f"import importlib.metadata as m\n__version__ = m.version('{NAME}')"  # noqa: E501
        },
        "unknown",
    ),
    "another project that it lies in": (
        {"pyproject.toml": '[project]\nname = "something-else"\nversion = "7"'},
        "unknown",
    ),
}


@pytest.mark.parametrize(("files", "version"), CHECKOUTS.values(), ids=CHECKOUTS)
def test_of_a_checkout_its_own_code_does_and_never_the_installed_release(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], version: str
) -> None:
    place = checkout(tmp_path / "new", files)
    monkeypatch.syspath_prepend(place)
    expected = version if version != "unknown" else f"unknown (from {place / NAME})"
    assert (found().place, found().version) == (str(place / NAME), expected)
    assert not found().installed


def test_of_an_editable_install_the_code_comes_first_and_then_its_metadata(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = checkout(tmp_path / "new", {})
    told = tmp_path / "site" / f"{NAME}-1.0.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\n")
    (told / "RECORD").write_text("__editable__.pth,,\n")
    (told / "direct_url.json").write_text(
        f'{{"url": "{place.as_uri()}", "dir_info": {{"editable": true}}}}'
    )
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.syspath_prepend(place)
    assert (found().version, found().installed) == ("1.0", False)
    (place / NAME / "__init__.py").write_text('__version__ = "1.1"')
    assert found().version == "1.1"


def test_a_digest_is_of_the_code_alone_wherever_it_lies(tmp_path: Path) -> None:
    files = {f"{NAME}/__init__.py": "1", f"{NAME}/deep/attack.py": "2", f"{NAME}/fast.so": "3"}
    one, other = (checkout(tmp_path / name, files) / NAME for name in ("a", "b"))
    before = origins.digest(one)
    for name in ("__pycache__/x.py", ".hidden.py", "notes.txt"):
        (other / name).parent.mkdir(exist_ok=True)
        (other / name).write_text("no code of its")
    assert origins.digest(other) == before
    for name in ("deep/attack.py", "fast.so", "deep/new.py"):
        (other / name).write_text("other code")
        after = origins.digest(other)
        assert after != before, name
        before = after
    (other / "deep").rename(other / "deeper")
    assert origins.digest(other) != before, "the same files under other names"


def test_a_circle_of_links_is_walked_once(tmp_path: Path) -> None:
    place = checkout(tmp_path / "a", {f"{NAME}/__init__.py": "1"}) / NAME
    before = origins.digest(place)
    (place / "again").symlink_to(place, target_is_directory=True)
    assert origins.digest(place) == before


def test_namespaces_are_passed_through_and_what_is_no_file_is_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / NAME / "inner").mkdir(parents=True)
    (tmp_path / NAME / "inner" / "__init__.py").write_text("__version__ = '3'")
    monkeypatch.syspath_prepend(tmp_path)
    assert (found(f"{NAME}.inner.pgd").place, found(f"{NAME}.inner").version) == (
        str(tmp_path / NAME / "inner"),
        "3",
    )
    assert [origins.of(name) for name in ("sys", "no_such_module", f"{NAME}.none")] == [None] * 3


def test_a_folder_of_the_users_is_looked_into_first(site: Path, tmp_path: Path) -> None:
    place = checkout(tmp_path / "mine", {f"{NAME}/__init__.py": "__version__ = '5'"})
    first = origins.of(NAME, first=place)
    assert first is not None
    assert (first.place, first.version) == (str(place / NAME), "5")
    assert origins.of(NAME, first=tmp_path / "nothing") == found()


def test_what_a_file_imports_is_read_and_not_run(tmp_path: Path) -> None:
    (tmp_path / "beside.py").touch()
    file = tmp_path / "mine.py"
    file.write_text(
        "import os, beside, mylib.attacks as a\nfrom . import x\n"
        "def pgd():\n    from other.place import f\nraise SystemExit\n"
    )
    assert origins.imported_by(file) == ["mylib", "other"]
    file.write_text("def (")
    assert origins.imported_by(file) == []


def test_whose_home_a_place_lies_in_is_not_kept() -> None:
    assert versions.shown(Path.home() / "lib" / "x") == str(Path("~", "lib", "x"))
    assert versions.shown(Path("/opt/x")) == "/opt/x"


@pytest.mark.parametrize("name", registry.OURS)
def test_each_adapter_tells_what_it_imports(name: str) -> None:
    adapter, ours = registry.get(name), ("reference", "papers", "sap", "mad", "beyond", "gcg")
    named = {"art": "art", "adv-lib": "adv_lib", "secml-torch": "secmlt"}
    others = {**named, **dict.fromkeys(ours, "adapters")}
    assert origins.module_of(adapter).partition(".")[0] in (adapter.distribution, others.get(name))
    assert origins.of_ours(origins.module_of(adapter)) == (name in ours)
