"""A folder's modules are its own. In processes of their own: imports leave their mark on one."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.places import ROOT

BEGIN = "from pathlib import Path\nfrom adapters import folders\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("old", "new"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "attack.py").write_text(
            "import helper\n"
            "from helper import STEPS\n"
            "from inner import deep\n"
            "def late():\n"
            "    import later\n"
            "    return later.SAID\n"
        )
        (folder / "helper.py").write_text(f"STEPS = '{name}'\nimport later\n")
        (folder / "later.py").write_text(f"SAID = 'later {name}'\n")
        (folder / "inner").mkdir()
        (folder / "inner" / "__init__.py").write_text("")
        (folder / "inner" / "deep.py").write_text(f"from . import sibling\nWHO = '{name}'\n")
        (folder / "inner" / "sibling.py").write_text("")
    return tmp_path


def printed(place: Path, code: str) -> list[str]:
    """What a program prints, a line each, that has two folders' modules to import."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + textwrap.dedent(code)],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


IMPORT = """
def get(name):
    return folders.of(Path(name)).file(Path(name) / "attack.py")
"""


@pytest.mark.parametrize("order", [("old", "new"), ("new", "old")])
def test_neighbours_of_one_name_are_each_folders_own(place: Path, order: tuple[str, str]) -> None:
    first, second = order
    code = f"""{IMPORT}
a, b = get({first!r}), get({second!r})
print(a.STEPS, a.helper.STEPS, a.deep.WHO)
print(b.STEPS, b.helper.STEPS, b.deep.WHO)
"""
    assert printed(place, code) == [" ".join([name] * 3) for name in order]


def test_an_import_in_a_function_finds_its_folders_module(place: Path) -> None:
    code = f"""{IMPORT}
a, b = get("old"), get("new")
for module in (a, b, a):
    print(module.late())
"""
    assert printed(place, code) == ["later old", "later new", "later old"]


def test_a_file_is_imported_once(place: Path) -> None:
    code = f"""{IMPORT}
a, b = get("old"), get("new")
print(get("old") is a, get("new") is b, a is b)
"""
    assert printed(place, code) == ["True True False"]


def test_a_neighbour_may_be_called_as_a_library_is(place: Path) -> None:
    """And the library's other users still get theirs."""
    (place / "old" / "helper.py").write_text("STEPS = 'old'\nimport numpy\nWHO = numpy.WHO\n")
    (place / "old" / "numpy.py").write_text("WHO = 'mine'\n")
    code = f"""
import numpy
{IMPORT}
print(get("old").helper.WHO)
import numpy as after
print(after is numpy, hasattr(after, "ndarray"))
"""
    assert printed(place, code) == ["mine", "True True"]


def test_a_file_may_be_called_as_the_library_that_it_imports(place: Path) -> None:
    (place / "new" / "numpy.py").write_text("import numpy\nPI = numpy.pi\n")
    code = """
print(round(folders.of(Path("new")).file(Path("new/numpy.py")).PI, 2))
import numpy
print(hasattr(numpy, "ndarray"))
"""
    assert printed(place, code) == ["3.14", "True"]


def test_what_python_ships_is_not_hidden_by_a_neighbour(place: Path) -> None:
    (place / "old" / "random.py").write_text("raise RuntimeError('shadowed')\n")
    (place / "old" / "helper.py").write_text("STEPS = 'old'\nimport tempfile, random\nimport later")
    code = f"import random\n{IMPORT}\nprint(get('old').STEPS)\n"
    assert printed(place, code) == ["old"]


def test_relative_imports_work_in_packages_and_in_bare_files(place: Path) -> None:
    (place / "old" / "attack.py").write_text("from .helper import STEPS\nfrom . import later\n")
    (place / "new" / "__init__.py").write_text("")
    (place / "new" / "attack.py").write_text("from .helper import STEPS\nfrom . import later\n")
    (place / "new" / "helper.py").write_text("from .later import SAID as STEPS\n")
    code = f"""{IMPORT}
print(get("old").STEPS, get("old").later.SAID)
print(get("new").STEPS, get("new").later.SAID)
"""
    assert printed(place, code) == ["old later old", "later new later new"]


def test_by_name_at_run_time_the_folder_shown_last_is_found(place: Path) -> None:
    code = f"""
import importlib
{IMPORT}
a, b = get("old"), get("new")
for name in ("old", "new"):
    folders.of(Path(name)).show()
    print(importlib.import_module("helper").STEPS)
"""
    assert printed(place, code) == ["old", "new"]


def test_once_hidden_nothing_of_a_folder_is_found_by_name(place: Path) -> None:
    code = f"""
import importlib.util, sys
before = list(sys.path)
{IMPORT}
a = get("old")
folders.hide()
print(importlib.util.find_spec("helper"), "helper" in sys.modules, sys.path == before)
print(get("old") is a, a.late())
"""
    assert printed(place, code) == ["None False True", "True later old"]


def test_a_star_import_binds_what_the_neighbour_has(place: Path) -> None:
    (place / "old" / "attack.py").write_text("from helper import *\n")
    assert printed(place, f"{IMPORT}\nprint(get('old').STEPS)\n") == ["old"]


def test_scripts_find_no_arguments_of_ours(place: Path) -> None:
    (place / "old" / "attack.py").write_text("import sys\nSEEN = list(sys.argv)\n")
    code = f"import sys\nsys.argv[1:] = ['--ours']\n{IMPORT}\nprint(len(get('old').SEEN), sys.argv)"
    assert printed(place, code) == ["1 ['-c', '--ours']"]


def test_other_finders_are_asked_as_ever(place: Path) -> None:
    """One that hides a module hides it from a folder's finder too."""
    code = f"""{IMPORT}
get("old")
import importlib.util, sys
from importlib.machinery import PathFinder
sys.path.insert(0, str(Path("new/inner").resolve()))
sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not PathFinder]
print(importlib.util.find_spec("deep"))
"""
    assert printed(place, code) == ["None"]


def test_a_folder_with_a_package_of_our_name_has_its_own_and_we_have_ours(tmp_path: Path) -> None:
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "__init__.py").write_text("STEPS = 3\n")
    (tmp_path / "bench" / "worker.py").write_text("WHO = 'the user'\n")
    (tmp_path / "mine.py").write_text("from bench import STEPS\nfrom bench.worker import WHO\n")
    code = """
    from semibackward_bench import home
    home.stand_first()
    import bench
    mine = folders.of(Path()).file(Path("mine.py"))
    import bench.worker.protocol as later
    print(mine.STEPS, mine.WHO, bench.__version__, type(later.__loader__).__name__)
    """
    (found,) = printed(tmp_path, code)
    assert found.startswith("3 the user ")
    assert found.endswith(" SourceFileLoader"), "ours are not loaded as the folder's"
