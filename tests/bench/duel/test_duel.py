"""Two versions of a library against each other: usage, runs, pairs of processes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.cases import RIVAL, Comparison
from bench.choosing.suites import Limits
from bench.commands import arguments
from bench.duel import contest
from bench.duel.merging import merged
from bench.duel.pair import Pair, cores_of
from bench.duel.pairing import TRIES, Pairs
from bench.errors import UsageError
from bench.records.reading import Run
from bench.running.pool import WorkerPool
from bench.running.process import WorkerDied
from bench.running.progress import PlainProgress
from bench.running.runner import Runner
from bench.running.slots import Slot
from bench.statistics.equality import Equality
from bench.worker import equality, outputs
from reports.tables import duels
from tests.bench.duel.pairs import TWICE, SideWorker, fight, pair_of
from tests.commands import request
from tests.places import ROOT
from tests.records import ENVIRONMENT
from tests.reports.tables import rows_of
from tests.workers import PREPARED, Notes, comparison


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--a", "torchattacks==3.5.1"), "the following arguments are required: --b"),
        (("--a", "./bench", "--b", "torchattacks"), "--a ./bench: the folder is no package"),
        ((*TWICE, "--fail-if", "seconds:5%"), "unknown metric 'seconds'"),
        ((*TWICE, "--fail-if", "speedup:150%"), "can't fall by 100 % or more"),
        ((*TWICE, "--find-wheels", "absent"), "--find-wheels absent: there is no such folder"),
        ((*TWICE, "--models", "resnet19"), "unknown model 'resnet19'"),
        ((*TWICE, "--libs", "art"), "unrecognized arguments: --libs art"),
        ((*TWICE, "--out", "pyproject.toml"), "pyproject.toml exists"),
    ],
    ids=lambda value: " ".join(value[-2:]) if isinstance(value, tuple) else "",
)
def test_wrong_usage_is_told_before_anything_is_installed(
    words: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("bench.duel.installing.install", None)
    with pytest.raises(UsageError, match=re.escape(said)):
        contest.run(request("duel", *words), [])


def test_a_duel_takes_several_pairs_of_processes_by_itself() -> None:
    assert arguments.parse(["duel", *TWICE]).processes == 3
    assert arguments.parse(["duel", *TWICE, "--processes", "1"]).processes == 1
    assert arguments.parse(["run"]).processes is None


def test_runs_alternate_between_the_two_workers_in_the_order_of_the_blocks() -> None:
    log: list[str] = []
    a = SideWorker("a", log, times=lambda letter, run: 3.0)
    b = SideWorker("b", log, times=lambda letter, run: 2.0)
    found, _ = fight(a, b)
    timed = [line[0].upper() for line in log if line.endswith("blocks")]
    assert "".join(timed)[4:] == "".join(found.order), "one block warmed up"
    assert {"ABBA", "BAAB"} == set(found.order)
    assert (set(found.seconds["a"]), set(found.seconds["b"])) == ({3.0}, {2.0})
    assert found.speedup is not None
    assert found.speedup.estimate == pytest.approx(1.5)
    assert (found.status, found.verdict) == ("ok", "faster")
    assert set(a.orders + b.orders) == {"A"}, "each worker's original, whichever side it is"


def test_energy_and_the_gpus_state_come_from_the_worker_whose_turn_it_is() -> None:
    a, b = (
        SideWorker(name, [], host=0.5, joules=lambda letter, run, told=joules: told)
        for name, joules in (("a", 30.0), ("b", 20.0))
    )
    found, _ = fight(a, b)
    assert found.energy is not None
    assert set(found.energy.joules["a"]) == {30.0}
    assert set(found.energy.joules["b"]) == {20.0}
    assert found.energy.ratio == 1.5
    assert found.gpu is not None
    assert {state and state.sm_mhz for state in found.gpu} == {1980}
    rows = rows_of(duels.of(Run(Path("x.jsonl"), ENVIRONMENT, (), duels=(found,)))[0])
    assert rows["energy a run (J)"] == ("30.0 → 20.0",)
    assert rows["energy, a over b"] == ("1.50",)


def test_each_side_knows_the_others_process_as_no_stranger() -> None:
    asked: list[tuple[int, ...]] = []

    class OnAGpu(SideWorker):
        def __init__(self, name: str, pid: int) -> None:
            super().__init__(name, [])
            self.facts = {**self.facts, "pid": pid}

        def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
            if request["do"] == "prepare":
                asked.append(request["companions"])
            return super().ask(request, timeout)

    fight(OnAGpu("a", 11), OnAGpu("b", 12))
    assert [sorted(pids) for pids in asked] == [[11, 12], [11, 12]]


def test_a_stranger_beside_either_side_spoils_the_block() -> None:
    spoilt = 3
    a, b = (
        SideWorker(name, [], host=0.5, strangers=lambda run, when=when: int(run == when))
        for name, when in (("a", 2 * (1 + spoilt)), ("b", 99))
    )
    found, _ = fight(a, b)
    assert found.repeated == [spoilt], "each side has two runs of a block, and one block warmed up"
    assert found.gpu is not None
    state = found.gpu[spoilt]
    assert state is not None
    assert (state.strangers, state.stranger_names) == (1, ("python",))
    assert any("1 other process used this GPU (python)" in text for text in found.warnings)


def test_what_both_sides_found_becomes_one_record() -> None:
    counts = {"call": "autograd.grad", "parameters": 62, "original": 0, "a-a": 0}
    b = SideWorker("b", [])
    b.prepared = {**b.prepared, "gradients": counts, "unequal": "it does not repeat itself"}  # type: ignore[dict-item]
    found, _ = fight(SideWorker("a", []), b)
    assert found.gradients == {
        "parameters": 62,
        "call a": "backward",
        "call b": "autograd.grad",
        "a": 62,
        "b": 0,
    }
    assert found.memory == {"a": 2000, "b": 2000, "unit": "bytes", "what": "peak", "ratio": 1.0}
    assert found.memory_parts is not None
    assert found.memory_parts.keys() == {"a", "b"}
    assert found.warnings[:2] == ["beware", "b: it does not repeat itself"]
    assert [one.version for one in found.sides.values()] == ["1.0", "2.0"]


def test_a_pair_of_processes_serves_all_cases() -> None:
    pairs: list[Pair] = []

    def start(*_: str) -> Pair:
        pairs.append(pair_of(SideWorker("a", []), SideWorker("b", []))())
        return pairs[-1]

    limits = Limits(processes=3)
    runner = Runner([Slot(WorkerPool(start))], limits, 0, PlainProgress(), shared=True)
    cases = [comparison(model=model).case for model in ("resnet18", "resnet34")]
    found = runner.run([Comparison(case, RIVAL) for case in cases], Notes())
    assert len(pairs) == 3
    assert [set(record.processes) for record in found] == [{0, 1, 2}] * 2


def test_outputs_may_differ_and_are_told() -> None:
    found, _ = fight(SideWorker("a", []), SideWorker("b", [], bitwise=False))
    assert found.status == "ok"
    assert found.equality == Equality(equal=False, bitwise=False, max_abs_diff=0.5)
    assert found.speedup is not None


REFUSED = {
    "status": "unsupported",
    "reason": "lib can't be used: ImportError: oh; install it with: python -m pip install lib",
    "trace": "",
    "tainted": False,
}


@pytest.mark.parametrize(
    ("script", "status", "said"),
    [
        ({"refused": REFUSED}, "unsupported", "b: lib can't be used: ImportError: oh"),
        ({"prepared": WorkerDied("it was killed")}, "failed", "b: it was killed"),
        ({"fails_in_block": {3: WorkerDied("gone")}}, "failed", "b: gone"),
        ({"origin": "elsewhere/lib/__init__.py"}, "failed", "it imported lib from .*elsewhere"),
        ({"origin": None}, "failed", r"b: the attack imports nothing of lib \(lib\)"),
    ],
)
def test_a_side_that_fails_is_named(script: dict[str, Any], status: str, said: str) -> None:
    b = SideWorker("b", [], **script)
    found, _ = fight(SideWorker("a", []), b)
    assert found.status == status
    assert found.reason is not None
    assert re.search(said, found.reason), found.reason
    assert "install it with" not in found.reason
    assert b.closed, "the next case needs a fresh pair"


def test_a_pair_that_can_not_start_leaves_no_worker_behind() -> None:
    a = SideWorker("a", [])
    with pytest.raises(WorkerDied, match="b: no torch"):
        pair_of(a, WorkerDied("no torch"))()
    assert a.closed


@pytest.mark.parametrize(
    ("number", "threads", "cores", "found"),
    [
        (0, 1, [0, 1], [0]),
        (1, 1, [0, 1], [1]),
        (2, 1, [0, 1], [0]),
        (1, 2, [0, 1, 2, 3], [2, 3]),
        (1, 2, [3, 5, 7], [3, 7]),
        (5, 2, [0, 1], [0, 1]),
        (0, 8, [0, 1], [0, 1]),
    ],
)
def test_both_workers_of_a_pair_meet_the_same_other_work(
    number: int, threads: int, cores: list[int], found: list[int]
) -> None:
    assert cores_of(number, threads, cores) == found


def pairs_of(*bs: float) -> tuple[Pairs, list[SideWorker]]:
    """Pairs whose b takes these times for the control, one pair after another; a takes 1."""
    made: list[SideWorker] = []
    slow = iter(bs)

    def make(number: int) -> Pair:
        seconds = next(slow)
        a = SideWorker("a", [], times=lambda letter, run: 1.0)
        b = SideWorker("b", [], times=lambda letter, run: seconds)
        made.extend((a, b))
        return pair_of(a, b)()

    return Pairs(0, PlainProgress(), make), made


def test_a_pair_whose_processes_differ_on_the_same_code_is_started_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pairs, made = pairs_of(1.2, 1.01, 1.0)
    pairs.start()
    assert [worker.closed for worker in made] == [True, True, False, False]
    assert [round(1 / found.estimate, 2) for found in pairs.controls] == [1.2, 1.01]
    assert "b's process is 0.83 times as fast as a's; both are started" in capsys.readouterr().err
    pairs.start()
    assert len(made) == 6
    assert pairs.facts["b"]["side"] == "b"


def test_after_a_few_tries_the_last_pair_is_taken() -> None:
    pairs, made = pairs_of(*[0.5] * TRIES)
    pairs.start()
    assert len(made) == 2 * TRIES
    assert [worker.closed for worker in made[-2:]] == [False, False]


def test_without_the_control_a_pair_is_taken_as_it_is() -> None:
    a, b = SideWorker("a", []), SideWorker("b", [], refused=REFUSED)
    pairs = Pairs(0, PlainProgress(), lambda number: pair_of(a, b)())
    pairs.start()
    assert (pairs.controls, a.closed, b.closed) == ([], False, False)


def test_a_pair_that_dies_in_the_control_is_closed() -> None:
    a, b = SideWorker("a", []), SideWorker("b", [], prepared=WorkerDied("it was killed"))
    pairs = Pairs(0, PlainProgress(), lambda number: pair_of(a, b)())
    with pytest.raises(WorkerDied, match="b: it was killed"):
        pairs.start()
    assert (a.closed, b.closed) == (True, True)


def test_anything_else_is_asked_of_a() -> None:
    log: list[str] = []
    pair = pair_of(SideWorker("a", log), SideWorker("b", log))()
    pair.ask({"do": "output"}, 1.0)
    assert log == ["a: output"]
    assert pair.facts_of == {"a": {"ok": True, "side": "a"}, "b": {"ok": True, "side": "b"}}


def test_what_one_side_could_not_look_at_is_not_told_of_the_other() -> None:
    worker = SideWorker("a", [])
    assert isinstance(worker.prepared, dict)
    blind = {**worker.prepared, "gradients": None, "memory": None, "memory_parts": None}
    told = merged(worker.prepared, blind, PREPARED["equality"])
    assert (told["gradients"], told["memory"], told["memory_parts"]) == (None, None, None)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("shape", [(2, 3, 4), (0, 3)])
def test_outputs_go_from_one_worker_to_another_bit_by_bit(
    tmp_path: Path, dtype: torch.dtype, shape: tuple[int, ...]
) -> None:
    output = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(dtype)
    told = json.loads(json.dumps(outputs.write(output, tmp_path / "x")))
    assert equality.compare(output, outputs.read(tmp_path / "x", **told)).bitwise
