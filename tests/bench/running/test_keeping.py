"""The far end of a slot: what a keeper answers, and that nothing of it stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.records import provenance
from bench.running.engines import lines
from bench.running.engines.lines import CommandLine
from bench.running.far import Agreed, Far
from bench.running.keeping import Keeper
from bench.running.process import WorkerDied, WorkerTimeout
from bench.worker.cores import may_use
from semibackward_bench import home

PATIENCE = 30.0


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    made = Keeper()
    yield made
    made.close()


def test_files_are_compared_by_what_they_hold(
    keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "same.py").write_text("1")
    (tmp_path / "other.py").write_text("2")
    digest = provenance.digest(tmp_path / "same.py")
    asked = {"do": "files", "digests": dict.fromkeys(("same.py", "other.py", "none.py"), digest)}
    assert keeper.answer(asked)["missing"] == ["same.py", "other.py", "none.py"]
    monkeypatch.chdir(tmp_path.parent)  # put back in the end
    assert keeper.answer({"do": "enter", "folder": str(tmp_path)})["ok"]
    assert Path.cwd() == tmp_path
    found = keeper.answer(asked)
    assert (found["missing"], found["other"]) == (["none.py"], ["other.py"])


def test_a_folder_that_is_not_there_is_not_entered(keeper: Keeper, tmp_path: Path) -> None:
    before = Path.cwd()
    assert keeper.answer({"do": "enter", "folder": str(tmp_path / "none")})["ok"]
    assert Path.cwd() == before


def test_files_that_were_brought_are_called_by_where_they_lie(tmp_path: Path) -> None:
    (tmp_path / "files-0").mkdir()
    (tmp_path / "files-0" / "mine.py").write_text("1")
    keeper = Keeper(tmp_path)
    keeper.answer({"do": "take", "files": {"a/mine.py": "files-0/mine.py"}})
    here = str(tmp_path / "files-0" / "mine.py")
    asked = {"x": ["a/mine.py", {"y": "a/mine.py:attack"}], "n": 1, "z": "b/mine.py:attack"}
    assert keeper._moved(asked) == {
        "x": [here, {"y": f"{here}:attack"}],
        "n": 1,
        "z": "b/mine.py:attack",
    }
    digests = {"a/mine.py": provenance.digest(Path(here))}
    assert keeper.answer({"do": "files", "digests": digests})["missing"] == []


@pytest.mark.parametrize(
    "request_",
    [
        {"do": "ask", "worker": 7, "request": {}, "timeout": 1},
        {"do": "observe", "worker": 7},
        {"do": "files"},
        {"do": "greet", "more": 1},
        {},
    ],
)
def test_what_makes_no_sense_is_a_fault_and_not_the_end(
    keeper: Keeper, request_: dict[str, Any]
) -> None:
    answer = keeper.answer(request_)
    assert not answer["ok"]
    assert answer["fault"]
    assert keeper.answer({"do": "greet"})["ok"]


def test_what_nobody_knows_how_to_do_is_a_fault(keeper: Keeper) -> None:
    assert "do_dance" in keeper.answer({"do": "dance"})["fault"]


def test_to_end_a_worker_that_is_gone_is_no_fault(keeper: Keeper) -> None:
    assert keeper.answer({"do": "end", "worker": 7}) == {"ok": True, "notes": []}


def process(**variables: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        home.command(lines.KEEPER),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **variables},
    )


def asked(of: subprocess.Popen[bytes], **request: Any) -> dict[str, Any]:
    assert of.stdin is not None
    assert of.stdout is not None
    of.stdin.write(json.dumps(request).encode() + b"\n")
    of.stdin.flush()
    answer: dict[str, Any] = json.loads(of.stdout.readline())
    return answer


@pytest.mark.parametrize("last", [b"", b'{"do": "gre'], ids=["whole", "half a request"])
def test_a_keeper_ends_when_its_requests_do(last: bytes) -> None:
    with process() as kept:
        assert asked(kept, do="greet")["ok"]
        assert kept.stdin is not None
        kept.stdin.write(last)
        kept.stdin.close()
        assert kept.wait(PATIENCE) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_keeper_ends_by_a_signal(number: signal.Signals) -> None:
    with process() as kept:
        assert asked(kept, do="greet")["cores"] == may_use()
        kept.send_signal(number)
        assert kept.wait(PATIENCE) == 0


def test_a_real_worker_is_held_to_its_cores_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """One worker there: on one core, late, started again, killed; its keeper is killed in the end,
    and with it everything."""
    mine = str(may_use()[-1])
    command = home.command(lines.KEEPER)
    variables = {"TMPDIR": str(tmp_path), "OMP_NUM_THREADS": ""}
    opened: list[CommandLine] = []

    def open_line() -> CommandLine:
        opened.append(CommandLine(command, variables))
        return opened[-1]

    far = Far("here", open_line, Agreed(), lambda text: None)
    far.restrict({"SEMIBACKWARD_BENCH_HOST": "node7"}, [int(mine)])
    start = far.on_cpu("system")
    worker = start("", "")
    assert worker.facts["host"] == "node7"
    assert worker.facts["cores"] == [[int(mine)]]
    assert worker.facts["environment"]["threads"] == 1, "torch computes with the cores it has"
    observer = far.observed(worker)
    assert observer.conditions().cores == 1
    assert worker.ask({"do": "accelerator", "device": "cpu"}, PATIENCE)["accelerator"] == {}
    pid = worker.facts["pid"]
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(WorkerDied, match="SIGKILL") as died:
        worker.ask({"do": "accelerator", "device": "cpu"}, PATIENCE)
    assert died.value.lost
    worker.close()
    second = start("", "")
    with pytest.raises(WorkerTimeout):
        second.ask({"do": "load", "library": "art"}, 0.0)
    assert not psutil.pid_exists(second.facts["pid"])
    start("", "")
    everything = psutil.Process(opened[-1]._process.pid).children(recursive=True)
    assert len(everything) >= 2, "a worker, and what it was forked from"
    assert list(tmp_path.glob("semibackward-bench-*")), "a folder for what workers compile"
    opened[-1]._process.terminate()
    _, alive = psutil.wait_procs(everything, timeout=PATIENCE)
    assert alive == []
    far.close()
    assert list(tmp_path.glob("semibackward-bench-*")) == []
