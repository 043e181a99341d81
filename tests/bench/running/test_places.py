"""Whole runs on two slots: interrupted, killed in part, gone on with; no process stays behind."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.kinds import registry
from bench.records import reading
from bench.records.reading import Run
from bench.running.engines import lines
from bench.worker.cores import may_use
from tests import commands
from tests.places import DATA

MARK = "SEMIBACKWARD_BENCH_TEST"
"""A variable that all processes of a run have."""
BATCHES = range(1, 8)
SUITE = f"""
[run]
precision = 1e-9  # never narrow enough
processes = 1
memory = "keep"

[[cases]]
kind = "toy"
libs = ["toys"]
attacks = ["slope"]
models = ["two layers"]
batch = {list(BATCHES)}
width = [8]
"""
OTHER = """
import os
if os.environ.get("SEMIBACKWARD_BENCH_TEST"):
    print("Welcome to a node that has other code", flush=True)
from bench.records import provenance
from bench.running import keeping
provenance.code = lambda: "another"
keeping.main()
"""
two_cores = pytest.mark.skipif(len(may_use()) < 2, reason="two slots need two cores")


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the toy kind as pip would leave it, its suite, and a keeper of other code."""
    folder = tmp_path_factory.mktemp("toys")
    shutil.copy(DATA / "toy_kind.py", folder)
    facts = folder / "toy_kind-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-kind\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[semibackward.kinds]\ntoy = toy_kind:Toy\n")
    (folder / "toys.toml").write_text(SUITE)
    (folder / "other.py").write_text(OTHER)
    return folder


@pytest.fixture
def known(toys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kind in this process, which reads the records."""
    monkeypatch.syspath_prepend(str(toys))
    monkeypatch.setattr(registry, "third_parties", lambda: {"toy": "toy_kind:Toy"})


class Program:
    """One file of records, and the runs that write it.

    Args:
        toys: the folder.
        name: of the file.
        words: of the command line.
    """

    def __init__(self, toys: Path, name: str, *words: object) -> None:
        self.out = toys / name
        suite = ("--suite", toys / "toys.toml", "--max-seconds", "0.1")
        self.words = [*suite, "--out", self.out, *words]
        ours = [str(toys), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.mark = uuid.uuid4().hex
        self.environment = {"PYTHONPATH": os.pathsep.join(ours), MARK: self.mark}

    def begun(self, *more: object) -> Any:
        """It runs."""
        return commands.started(*self.words, *more, **self.environment)

    def ended(self) -> int:
        """How many comparisons have."""
        return self.out.read_text().count('"comparison"') if self.out.exists() else 0

    def processes(self) -> list[psutil.Process]:
        """All that are of it."""
        return [one for one in psutil.process_iter() if _variable(one) == self.mark]

    def interrupted(self) -> str:
        """Run until a comparison is there, and then no further; what it said."""
        running = self.begun()
        commands.wait_until(lambda: self.ended() >= 1, running)
        assert len(self.processes()) >= 3, "it, and a worker a slot"
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=commands.PATIENCE)
        assert running.returncode == 130, said
        psutil.wait_procs(left := self.processes(), timeout=30)
        assert [one.cmdline() for one in left if one.is_running()] == []
        return str(said)

    def found(self) -> Run:
        """Its records, of which each is there once."""
        run = reading.read(self.out)
        assert Counter(one.case.batch for one in run.comparisons) == Counter(BATCHES)
        assert {one.status for one in run.comparisons} == {"ok"}
        return run


def _variable(process: psutil.Process) -> str | None:
    try:
        found: str | None = process.environ().get(MARK)
    except psutil.Error:
        return None
    return found


@two_cores
def test_two_slots_of_this_machine_are_interrupted(known: None, toys: Path) -> None:
    run = Program(toys, "local.jsonl", "--slots", "2")
    said = run.interrupted()
    assert "--resume" in said
    assert "slot 1: " in said
    assert "slot 2: " in said
    found = reading.read(run.out)
    assert {one.status for one in found.comparisons} == {"ok"}, "nothing has failed by it"
    first, second = found.environment.slots
    assert not set(first.cores) & set(second.cores)
    assert [facts.slot.others for facts in (first, second)] == [1, 1]


@two_cores
def test_two_commands_are_interrupted_and_gone_on_with_though_a_keeper_is_killed(
    known: None, toys: Path
) -> None:
    other = f"env A='b c' {shlex.quote(sys.executable)} {shlex.quote(str(toys / 'other.py'))}"
    words = ("--worker-command", "nice", "--worker-command", other)
    refused = Program(toys, "refused.jsonl", *words)
    with refused.begun() as running:
        _, said = running.communicate(timeout=commands.PATIENCE)
    assert running.returncode == 4, said
    assert "has other versions than this side (semibackward-bench: other code" in _line(said)
    assert not refused.out.exists()

    run = Program(toys, "command.jsonl", *words, "--allow-other-versions")
    run.interrupted()
    with run.begun("--resume") as going:
        before = run.ended()
        commands.wait_until(lambda: run.ended() > before, going)
        keepers = [one for one in run.processes() if lines.KEEPER in " ".join(one.cmdline())]
        keepers[0].kill()
        _, said = going.communicate(timeout=commands.PATIENCE)
    assert going.returncode == 0, said
    assert "begun again" in said
    found = run.found()
    assert max(one.tries for one in found.comparisons) == 2
    facts = found.environment.slots
    assert [one.engine for one in facts] == ["command"] * 2
    assert facts[0].differs == {}
    assert facts[1].differs == {"semibackward-bench": "other code than here"}
    assert run.processes() == []


def test_a_file_that_is_not_there_is_told_before_anything_is_measured(
    toys: Path, tmp_path: Path
) -> None:
    """In a folder of its own, as in a container: relative names lead elsewhere."""
    mine = tmp_path / "mine.py"
    shutil.copy(DATA / "attacks.py", mine)
    hides = f"import os; os.rename({str(mine)!r}, {str(tmp_path / 'gone.py')!r})"
    script = f'{shlex.quote(sys.executable)} -c {shlex.quote(hides)}; exec "$@"'
    done = commands.bench(
        *("--attack", f"{mine}:fgsm", "--models", "test_resnet", "--batch", "2"),
        *("--worker-command", f"sh -c {shlex.quote(script)} sh", "--out", tmp_path / "x.jsonl"),
    )
    assert done.returncode == 2, done.stderr
    assert f"{mine} is not there; put the same files there" in _line(done.stderr)


def _line(said: str) -> str:
    return " ".join(said.split())
