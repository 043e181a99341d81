"""The house's rules: what tools of the Makefile do not hold."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest

from bench.kinds import registry
from tests.places import ROOT
from tools import contents, extras

PAGES = ["README.md", *(path.relative_to(ROOT).as_posix() for path in contents.pages())]


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:\w+/)+[\w.-]*)`", text))
    roots = {"adapters", "bench", "docs", "reports", "results", "semibackward", "tests", "tools"}
    ours = {name for name in named if name.partition("/")[0] in roots}
    assert {name for name in ours if not (ROOT / name).exists()} == set()


def test_the_map_names_every_package() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for folder in (*(ROOT / "bench").iterdir(), *(ROOT / "reports").iterdir()):
        if (folder / "__init__.py").is_file():
            assert f"{folder.name}/`" in text, folder.name


LONGEST = 350
"""Lines of a module that is no declared table of data."""


def modules() -> dict[str, str]:
    """The source of every module, by its path; of a checkout, or of what was unpacked."""
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for folder in ("adapters", "bench", "reports", "semibackward", "tests", "tools")
        for path in (ROOT / folder).rglob("*.py")
    }


def test_no_module_is_long() -> None:
    lengths = {name: text.count("\n") for name, text in modules().items()}
    assert len(lengths) > 200
    long = {name for name, length in lengths.items() if length > LONGEST}
    assert {name for name in long if not name.startswith("adapters/libraries/declared/")} == set()


def test_tests_of_extras_are_where_they_are_looked_for() -> None:
    marked = {name for name, text in modules().items() if re.search(r"mark\.(extras|layer)", text)}
    assert marked
    assert all(name.startswith(extras.PLACES) for name in marked - {"tests/test_project.py"})


def asks_for_a_kind(text: str) -> list[str]:
    """Where a module compares something with a kind's name, or looks for a type of one kind's."""
    types = {
        found.__name__
        for kind in registry.every()
        for found in (kind.options, kind.group, kind.findings, *kind.lines.values())
        if found is not None
    }
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            kinds = {
                constant.value
                for side in sides
                for constant in ast.walk(side)
                if isinstance(constant, ast.Constant) and constant.value in registry.OURS
            }
            if kinds:
                found.append(f"line {node.lineno}: compares with {kinds}")
        if isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            if name in types:
                found.append(f"line {node.lineno}: {name}")
    return found


def test_nobody_but_a_kind_asks_which_kind_it_has_in_hand() -> None:
    others = {
        name: text
        for name, text in modules().items()
        if name.startswith(("bench/", "reports/", "tools/"))
        and not name.startswith(("bench/kinds/", "reports/kinds/"))
        and name != "bench/duel/pair.py"  # its control is an attack on images of ours
    }
    assert len(others) > 80
    asked = {name: where for name, text in others.items() if (where := asks_for_a_kind(text))}
    assert asked == {}


def test_such_a_question_would_be_found() -> None:
    assert asks_for_a_kind('if case.kind == "text": ...')
    assert asks_for_a_kind('if kind in ("images", "training"): ...')
    assert asks_for_a_kind("isinstance(case.options, TextOptions)")
    assert not asks_for_a_kind('told = {"text": 1}')


def prints(text: str) -> list[str]:
    """Where a module writes to the terminal itself: `print`, the streams, a console of rich's."""
    found = []
    for node in ast.walk(ast.parse(text)):
        called = node.func if isinstance(node, ast.Call) else None
        name = called.id if isinstance(called, ast.Name) else None
        attribute = node.attr if isinstance(node, ast.Attribute) else None
        imported = {one.name for one in node.names} if isinstance(node, ast.ImportFrom) else set()
        if name in ("print", "Console") or imported & {"stdout", "stderr"}:
            found.append(f"line {getattr(node, 'lineno', 0)}: {name or imported}")
        if attribute in ("stdout", "stderr", "__stdout__", "__stderr__") and (
            isinstance(node.value, ast.Name) and node.value.id == "sys"  # type: ignore[attr-defined]
        ):
            found.append(f"line {node.lineno}: sys.{attribute}")  # type: ignore[attr-defined]
        if attribute in ("print_exc", "print_exception"):
            found.append(f"line {node.lineno}: {attribute}")  # type: ignore[attr-defined]
    return found


def test_one_module_alone_prints() -> None:
    """So that nothing reaches a terminal that `bench.telling` has not made harmless."""
    others = {
        name: text
        for name, text in modules().items()
        if name.startswith(("bench/", "reports/", "adapters/"))
        # A worker's streams are a log's, and not the terminal.
        and not name.startswith("bench/worker/")
        and name != "bench/console.py"
    }
    assert len(others) > 150
    streams = {name: where for name, text in others.items() if (where := prints(text))}
    # What argparse prints goes through `bench.console`; it tells stderr from stdout by the stream.
    assert set(streams) == {"bench/commands/arguments.py"}
    assert len(streams["bench/commands/arguments.py"]) == 1


def test_such_a_print_would_be_found() -> None:
    assert prints("print('x')")
    assert prints("sys.stderr.write('x')")
    assert prints("from sys import stdout")
    assert prints("Console(stderr=True)")
    assert prints("traceback.print_exc()")
    assert not prints("console.out('x'); done.stdout")


def test_a_worker_needs_nothing_that_only_the_controlling_process_uses() -> None:
    """So that it can run in another environment, beside an old torch."""
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['psutil', 'pydantic', 'rich', 'scipy']));"
        "import bench.worker.serve, bench.worker.workload, bench.kinds.text.building;"
        "import bench.kinds.images.building, bench.kinds.training.learning;"
        "import bench.worker.checks, bench.worker.environment, bench.worker.timer;"
        "import bench.worker.failures, bench.worker.nvml, bench.worker.memory_limit;"
        "import bench.worker.learning"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-uv.lock"])
def test_locks_pin_by_hash_and_name_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^--", text, re.MULTILINE)
    pins = re.split(r"\n(?=\S)", text.strip())
    assert all("==" in pin and "--hash=sha256:" in pin for pin in pins if not pin.startswith("#"))
