"""Workloads through the commands, each in a process of its own, as users call them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests import commands
from tools.planted import package

pytestmark = pytest.mark.extras

FILE = "tests/data/workloads.py"
QUICKLY = ("--max-seconds", "0.3", "--precision", "0.9", "--processes", "1")
LIBRARY = """
import torch


class Critic(torch.nn.Sequential):
    def __init__(self):
        super().__init__(torch.nn.Linear(3, 8), torch.nn.Linear(8, 1))


def loss(critic, actions):
    return {"loss": critic(actions).mean() * FACTOR}
"""
CALLS_IT = """
import torch
import tiny_critics


def setup(batch=4, seed=0):
    actor, critic, seen = torch.nn.Linear(4, 3), tiny_critics.Critic(), torch.randn(batch, 4)

    def step():
        found = tiny_critics.loss(critic, actor(seen))
        found["loss"].backward()
        return found

    return {"call": step, "foreign": critic, "state": [actor]}
"""


def records(path: Path, kind: str = "comparison") -> list[dict[str, Any]]:
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line["kind"] == kind]


def test_a_run_is_measured_reported_and_gone_on_with(tmp_path: Path) -> None:
    out = tmp_path / "x.jsonl"
    words = ("--workload", f"{FILE}:setup", "--batch", 3, *QUICKLY, "--out", out)
    done = commands.bench(*words, "--a-a")
    assert done.returncode == 0, done.stderr
    found = {record["variant"]: record for record in records(out)}
    assert set(found) == {"a-a", "semi-backward"}
    record = found["semi-backward"]
    assert record["equality"]["level"] == "identical"
    assert record["gradients"] == {
        **{"parameters": 4, "call": "backward"},
        **{"original": 4, "semi-backward": 0},
    }
    assert record["findings"]["names"] == ["critic"]
    assert record["case"]["batch"] == 3
    assert commands.bench(*words, "--a-a", "--resume").returncode == 0
    assert len(records(out)) == 2, "nothing is measured again"
    for form in ("md", "csv", "latex", "json", "html", "explained"):
        told = commands.bench("report", out, "--format", form, "--out", tmp_path / form)
        assert told.returncode == 0, (form, told.stderr)


def test_two_versions_of_a_library_are_held_against_each_other(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    for version, factor in (("1.0", "1"), ("2.0", "2")):
        text = LIBRARY.replace("FACTOR", factor)
        package.wheel(
            package.write(
                tmp_path / version, "tiny-critics", version, {"tiny_critics/__init__.py": text}
            ),
            wheels,
        )
    mine = tmp_path / "mine.py"
    mine.write_text(CALLS_IT, encoding="utf-8")
    out = tmp_path / "duel.jsonl"
    done = commands.bench(
        *("duel", "--a", "tiny-critics==1.0", "--b", "tiny-critics==2.0"),
        *("--find-wheels", wheels, "--workload", f"{mine}:setup", *QUICKLY, "--out", out),
    )
    assert done.returncode == 0, done.stderr
    (record,) = records(out, "duel")
    assert (record["status"], record["gradients"]["a"], record["gradients"]["b"]) == ("ok", 4, 4)
    assert not record["equality"]["bitwise"], "the second library's loss is twice as large"
    assert "Their results differ by up to" in " ".join(done.stdout.split())
