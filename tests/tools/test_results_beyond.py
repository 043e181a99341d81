"""The table of docs/beyond.md: each row with its library, its counts and its command."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench.cases import AS_BUILT, Case
from bench.kinds.function.findings import FunctionFindings
from bench.kinds.function.options import FunctionOptions
from bench.records.types import ComparisonRecord
from tests.records import FAILED, GAIN, run
from tools.results import beyond


def timed(name: str, version: str, computed: int, **changes: Any) -> ComparisonRecord:
    case = Case("beyond", name, AS_BUILT, 4, "float32", "cpu", FunctionOptions(), weights=AS_BUILT)
    gradients: dict[str, int | str] = {"call": "backward", "parameters": 12}
    gradients |= {"original": computed, "semi-backward": 0}
    found = FunctionFindings(networks=["Critic", "Other"], names=["critic"])
    case = replace(case, library_version=version)
    return replace(GAIN, case=case, gradients=gradients, findings=found, **changes)


def cells(text: str, name: str) -> list[str]:
    (row,) = (line for line in text.splitlines() if line.startswith(f"| {name} "))
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_each_row_tells_the_library_the_networks_the_counts_and_the_command() -> None:
    text = beyond.block([run(timed("sac", "2.9.2", 12), timed("forces", "2.9.0", 0))])
    row = cells(text, "sac")
    assert row[:4] == ["sac", "stable-baselines3 2.9.2", "Critic, Other", "12 → 0"]
    assert row[4].startswith("faster: ")
    assert row[5] == "identical"
    assert row[7] == "python -m bench --libs beyond --attacks sac"
    assert "12 of 12 parameter gradients computed in each call, and nobody reads the" in text
    assert "`forces`, energies and forces of molecules" in text
    assert "nothing is computed in vain, for it asks autograd.grad" in text


def test_a_workload_that_ended_otherwise_keeps_its_row_and_its_reason() -> None:
    broken = replace(FAILED, case=timed("gan", "2.13.0", 11).case)
    row = cells(beyond.block([run(broken)]), "gan")
    assert row[3:6] == ["-", "failed: it fell \\<over\\>", "-"]
    assert row[7] == "python -m bench --libs beyond --attacks gan"


def test_files_without_such_workloads_are_not_told() -> None:
    assert beyond.block([run(GAIN)]) == beyond.NOTHING
    assert beyond.block([run(GAIN), run(timed("gan", "2.13.0", 11))]).count("x.jsonl") == 2
