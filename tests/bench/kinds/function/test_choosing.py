"""What can be asked of workloads, and the cases that makes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from adapters.workloads.shipped import WORKLOADS
from bench.cases import Case
from bench.errors import UsageError
from bench.kinds import registry
from bench.kinds.function.building.taking import Server
from bench.kinds.function.kind import FunctionGroup, FunctionKind
from tests.commands import chosen, request

FILE = "tests/data/workloads.py"
OWN = ("--workload", f"{FILE}:setup")


def cases(*words: str) -> list[Case]:
    return list(dict.fromkeys(comparison.case for comparison in chosen(*words)))


def ask(asked: dict[str, Any]) -> dict[str, Any]:
    return Server().answer(**asked["request"])


def told(*words: str) -> list[FunctionGroup]:
    """Groups as a worker tells of what their workloads take."""
    asked = request(*words)
    kind = FunctionKind()
    group = kind.given(FunctionGroup(), asked)
    return [one for one in kind.told(group, asked, ask) if isinstance(one, FunctionGroup)]


def test_a_users_workload_is_a_case() -> None:
    (found,) = cases(*OWN)
    assert (found.library, found.attack, found.kind) == ("user", f"{FILE}:setup", "function")
    assert str(found) == f"user {FILE}:setup, float32, cpu"
    assert [case.batch for case in cases(*OWN, "--batch", "2", "8")] == [2, 8]
    kind = registry.get("function")
    assert list(kind.files_of(found)) == list(kind.files(request(*OWN))) == [Path(FILE)]


def test_several_workloads_are_several_cases() -> None:
    names = [case.attack for case in cases(*OWN, f"{FILE}:Told")]
    assert names == [f"{FILE}:setup", f"{FILE}:Told"]
    both = cases(*OWN, "--libs", "beyond", "--attacks", "actor")
    assert [case.library for case in both] == ["beyond", "user"]


def test_shipped_workloads_are_asked_for_by_name() -> None:
    assert [case.what for case in cases("--attacks", "actor")] == ["beyond actor"]
    every = cases("--libs", "beyond", "--attacks", "all")
    assert {case.attack for case in every} == set(WORKLOADS)
    assert {case.library for case in cases("--suite", "beyond")} == {"beyond"}


def test_a_suite_may_name_workloads(tmp_path: Path) -> None:
    suite = tmp_path / "mine.toml"
    suite.write_text(f'[[cases]]\nworkload = ["{FILE}:setup"]\nbatch = [2]\n', encoding="utf-8")
    (found,) = cases("--suite", str(suite))
    assert (found.attack, found.batch) == (f"{FILE}:setup", 2)


def test_each_workload_has_the_batch_sizes_that_it_takes() -> None:
    assert [(one.workload, one.batch) for one in told(*OWN, f"{FILE}:batched")] == [
        ((f"{FILE}:setup",), (4,)),
        ((f"{FILE}:batched",), ()),
    ]
    assert [one.batch for one in told("--workload", f"{FILE}:activations")] == [()]
    assert [one.batch for one in told(*OWN, "--batch", "2", "3")] == [(2, 3)]
    (actor,) = told("--libs", "beyond", "--attacks", "actor")
    assert (actor.libs, actor.attacks, actor.batch) == (("beyond",), ("actor",), (256,))


def test_what_a_workload_does_not_take_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--batch: .*:activations takes no `batch`; leave it out"):
        told("--workload", f"{FILE}:activations", "--batch", "2")
    with pytest.raises(UsageError, match=r"--dtype: .*:setup takes no `dtype`; leave it out, or"):
        told(*OWN, "--dtype", "float64")


def test_of_what_cant_be_imported_its_case_tells(tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    file.write_text("import nowhere_at_all\n\n\ndef setup(): ...\n", encoding="utf-8")
    (found,) = told("--workload", f"{file}:setup", "--batch", "3")
    assert found.batch == (3,)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--workload", "absent.py:setup"), "--workload absent.py:setup: can't read absent.py"),
        (("--workload", f"{FILE}:nobody"), "workloads.py defines no nobody at its top level"),
        (("--workload", "setup"), "give FILE.py:FUNCTION or package.module:FUNCTION"),
        (("--workload", f"{FILE}:setup", "--steps", "3"), "--steps is for attacks on images"),
        (("--workload", f"{FILE}:setup", "--models", "resnet18"), "a workload brings its own"),
        (("--workload", f"{FILE}:setup", "--attacks", "pgd"), "leave it out beside --workload"),
        (("--workload", f"{FILE}:setup", "--libs", "foolbox"), "--workload is for workloads"),
        (("--workload", f"{FILE}:setup", "--attack", f"{FILE}:setup"), "--attack is for attacks"),
        (("--suite", "workload"), "name it with --workload my_workload.py:setup"),
        (("--suite", "quick", "--workload", f"{FILE}:setup"), "--workload is for workloads"),
    ],
    ids=lambda value: " ".join(value[1:]) if isinstance(value, tuple) else "",
)
def test_wrong_usage_is_told_in_one_line(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)) as raised:
        chosen(*words)
    assert "\n" not in str(raised.value)
