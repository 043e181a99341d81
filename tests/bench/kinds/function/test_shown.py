"""What docs/functions.md shows works, and what it names is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adapters.workloads.base import GIVEN, NEEDED, OPTIONAL
from bench.cases import AS_BUILT, SEMI_BACKWARD, Case, Comparison
from bench.kinds.function import building
from bench.kinds.function.findings import FunctionFindings
from bench.kinds.function.options import FunctionOptions
from bench.worker import checks
from tests.commands import chosen
from tests.places import ROOT

PAGE = (ROOT / "docs" / "functions.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.usefixtures("one_thread")


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def test_the_example_is_measured_and_gains(tmp_path: Path) -> None:
    file = tmp_path / "my_workload.py"
    file.write_text(block("python"), encoding="utf-8")
    asked = Case(
        *("user", f"{file}:setup", AS_BUILT, 8, "float32", "cpu", FunctionOptions()),
        weights=AS_BUILT,
    )
    work = building.build(Comparison(asked, SEMI_BACKWARD), seed=0)
    found = checks.check(work, operations=False)
    assert found.equality.bitwise
    assert found.gradients is not None
    assert (found.gradients["original"], found.gradients["semi-backward"]) == (4, 0)
    assert work.findings(again=False) == FunctionFindings(
        networks=["Sequential"], names=["critic"], toggled=True
    )


def test_the_suite_names_its_workloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_workload.py").write_text(block("python"), encoding="utf-8")
    (tmp_path / "mine.toml").write_text(block("toml"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert [one.case.batch for one in chosen("--suite", "mine.toml")] == [64, 256]


def test_the_page_names_what_setup_takes_and_returns() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == [*NEEDED, *OPTIONAL]
    assert all(f"`{name}`" in PAGE for name in GIVEN)
