"""The workflows, ours and the docs': linted, understood by the program, and run in part."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bench.commands import arguments
from tests.places import ROOT
from tools import workflows

yaml = pytest.importorskip("yaml")
(OWN,) = workflows.own()
((_, RECIPE),) = workflows.shown([ROOT / "docs" / "regressions.md"])
JOBS: dict[str, Any] = yaml.safe_load(OWN.read_text(encoding="utf-8"))["jobs"]
RECIPE_JOBS: dict[str, Any] = yaml.safe_load(RECIPE)["jobs"]
UNPINNED = """
on: push
permissions: {}
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
        with:
          persist-credentials: false
"""
UNQUOTED = """
on: push
permissions: {}
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - run: echo $HOME
"""


def test_all_that_there_are_have_nothing_to_mend() -> None:
    assert workflows.main() == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [(UNPINNED, "unpinned-uses"), (UNQUOTED, "SC2086"), ("jobs: 1\n", "jobs"), ("on: [\n", "yaml")],
)
def test_what_is_wrong_is_found(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    path = tmp_path / ".github" / "workflows" / "x.yml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert workflows.lint([path]) != 0
    told = capfd.readouterr()
    assert said in (told.out + told.err).lower() if said.islower() else said in told.out


def test_whole_workflows_are_taken_out_of_pages_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "1. so:\n\n   ```yaml\n   on: push\n   jobs:\n     a: b\n   ```\n```yaml\n- uses: x\n```\n"
    )
    assert list(workflows.shown([page])) == [("page-line-3.yml", "on: push\njobs:\n  a: b\n")]


def test_nothing_has_more_rights_than_to_read() -> None:
    for jobs in (JOBS, RECIPE_JOBS):
        assert {str(job["permissions"]) for job in jobs.values()} == {"{'contents': 'read'}"}


def test_only_a_newer_push_ends_what_is_running() -> None:
    concurrency = yaml.safe_load(OWN.read_text(encoding="utf-8"))["concurrency"]
    assert "github.event_name" in concurrency["group"]
    assert concurrency["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"


def step(job: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (step for step in job["steps"] if step.get("name") == name)
    step_: dict[str, Any] = found
    return step_


class Ran:
    """A step's script, run as GitHub runs it, with a program that does nothing but end.

    Attributes:
        code: its exit code.
        said, outputs, summary: what it printed, and wrote where GitHub reads it.
        asked: the command lines of the program.
    """

    def __init__(self, folder: Path, script: str, codes: dict[str, int], **more: str) -> None:
        python = folder / ".venv" / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        ends = "".join(f"  *{word}*) exit {code};;\n" for word, code in codes.items())
        python.write_text(
            f'#!/bin/bash\necho "$PYTHONPATH $*" >> {folder}/asked\ncase "$*" in\n{ends}esac\n'
        )
        python.chmod(0o755)
        written = {name: folder / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        environment = {**os.environ, **{k: str(v) for k, v in written.items()}, **more}
        done = subprocess.run(
            ["bash", "-e", "-c", script.replace("../new/.venv", ".venv")],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        self.code, self.said = done.returncode, done.stdout + done.stderr
        self.outputs, self.summary, asked = (
            path.read_text() if path.exists() else ""
            for path in (*written.values(), folder / "asked")
        )
        self.asked = asked.splitlines()


@pytest.mark.parametrize(("ended", "whole"), [(0, True), (5, True), (1, False), (70, False)])
def test_a_base_that_is_broken_ends_nothing(tmp_path: Path, ended: int, whole: bool) -> None:
    job = JOBS["counts"]
    ran = Ran(tmp_path, step(job, "Count before")["run"], {"counts": ended})
    assert (ran.code, ran.outputs) == (0, "whole=true\n" if whole else "")
    assert step(job, "Count before")["continue-on-error"] is True, "one that hangs neither"
    asked = "steps.base.outputs.whole == 'true'"
    assert step(job, "Compare")["if"] == asked
    telling = step(job, "Tell that there was nothing to compare with")
    assert telling["if"] == asked.replace("==", "!=")
    told = Ran(tmp_path, telling["run"], {})
    assert told.code == 0
    assert told.said.startswith("::notice")
    assert "nothing was compared" in told.summary


@pytest.mark.parametrize(("ended", "code"), [(0, 0), (5, 0), (2, 2), (70, 70)])
def test_a_case_that_failed_is_left_to_the_comparison(
    tmp_path: Path, ended: int, code: int
) -> None:
    for job, name in (("counts", "Count after"), ("time", "Measure")):
        ran = Ran(tmp_path, step(JOBS[job], name)["run"], {"": ended})
        assert ran.code == code
        assert ran.said.startswith("::warning") == (ended == 5)


@pytest.mark.parametrize(
    ("base", "new", "code", "asked"),
    [(0, 0, 0, 2), (5, 0, 0, 2), (0, 5, 0, 2), (2, 0, 1, 1), (0, 2, 1, 2)],
)
def test_the_recipe_goes_on_with_a_broken_base_and_not_with_a_wrong_path(
    tmp_path: Path, base: int, new: int, code: int, asked: int
) -> None:
    script = step(RECIPE_JOBS["counts"], "Count before and after")["run"]
    ran = Ran(tmp_path, script, {"base.jsonl": base, "new.jsonl": new})
    assert (ran.code, len(ran.asked)) == (code, asked)
    for line, side in zip(ran.asked, ("base", "new"), strict=False):
        path, *words = shlex.split(line)
        found = arguments.parse(words[words.index("bench") + 1 :])
        assert (path, found.expect_from, found.out) == (
            f"../{side}",
            [f"../{side}"],
            Path(f"../out/{side}.jsonl"),
        )


@pytest.mark.parametrize(
    ("accept", "night", "there", "outputs"),
    [
        ("false", "success", True, {"night"}),
        ("false", "failure", True, set()),
        ("false", "skipped", False, {"night", "fixed"}),
        ("true", "failure", True, {"night", "fixed"}),
        ("true", "success", True, {"night", "fixed"}),
    ],
)
def test_a_fixed_base_is_replaced_by_a_person_alone(
    tmp_path: Path, accept: str, night: str, there: bool, outputs: set[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "new.jsonl").write_text("new")
    for name in ("night", "fixed") if there else ():
        (out / f"{name}.jsonl").write_text("old")
    script = step(JOBS["time"], "Decide what further nights are compared with")["run"]
    ran = Ran(tmp_path, script, {}, ACCEPT=accept, NIGHT=night)
    assert ran.code == 0
    assert ran.outputs == "".join(f"{n}=true\n" for n in ("night", "fixed") if n in outputs)
    for name in ("night", "fixed"):
        text = (out / f"{name}.jsonl").read_text()
        assert text == ("new" if name in outputs else "old")
    assert ran.said.startswith("::warning") == (not there), "that there was none is told"


def test_our_commands_are_understood_by_the_program() -> None:
    lines = [
        line.partition(" || ")[0]
        for job in JOBS.values()
        for step in job["steps"]
        for line in step.get("run", "").splitlines()
        if "-m bench" in line
    ]
    words = [shlex.split(line) for line in lines]
    asked = [arguments.parse(found[found.index("bench") + 1 :]) for found in words]
    commands = ["counts", "counts", "compare", "run", "compare", "compare"]
    assert [found.command for found in asked] == commands
    compared = [found for found in asked if found.command == "compare"]
    for found in compared:
        assert any("STEP_SUMMARY" in str(output.path) for output in found.outputs)
    assert [found.base.name for found in compared] == ["base.jsonl", "night.jsonl", "fixed.jsonl"]
