"""What a run begins with: its slots and what the file of records tells of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BenchError, EnvironmentMismatch, UsageError
from bench.records import reading
from bench.running import session
from bench.running.runner import Runner
from bench.running.session import Session
from tests.bench.running.machines import Machine, Machines
from tests.commands import request

TINY = (
    "--suite",
    "paper-libraries",
    "--libs",
    "foolbox",
    "art",
    "--attacks",
    "pgd",
    "--models",
    "resnet18",
    "--image-size",
    "32",
)
EIGHT = [f"GPU-{n}" for n in range(8)]
CORES = tuple((n, n + 8) for n in range(8))
Begun = Callable[..., Any]


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Begun:
    """Begins a run on made-up machines, or on one; given what to do with it."""

    def begin(
        words: str,
        *machines: Machine,
        then: Callable[[Session], Any] = lambda opened: opened,
        tiny: bool = True,
        engine: str = "command",
        **named: Machine,
    ) -> Any:
        there = named or {"": (machines or (Machine(),))[0]}
        brings = Machines(there)
        brings.name = engine
        monkeypatch.setattr("bench.running.engines.registry.of", lambda *_: brings)
        out = ["--out", tmp_path / "x.jsonl"]
        asked = request("run", *map(str, [*(TINY if tiny else ()), *words.split(), *out]))
        with session.opened(asked, ["bench"], tmp_path / "x.jsonl") as opened:
            return then(opened)

    return begin


def node(**more: Any) -> Machine:
    return Machine(**{"gpus": EIGHT, "cores": CORES, **more})


def test_quick_has_a_cpu_for_itself(begun: Begun) -> None:
    for words in ("--slots 2", "--slots 2 --suite quick --device cpu"):
        with pytest.raises(UsageError, match="the suite quick has a CPU for itself") as told:
            begun(words, tiny=False)
        assert told.value.exit_code == 2
        assert "\n" not in str(told.value)
    with pytest.raises(UsageError, match="the suite quick"):
        begun("", tiny=False, a=Machine("one"), b=Machine("one"))


def test_quick_may_have_slots_on_machines_of_their_own(begun: Begun) -> None:
    opened = begun("", tiny=False, a=Machine("one"), b=Machine("two"))
    assert opened.suite.name == "quick"
    assert len(opened.slots) == 2


@pytest.mark.parametrize(
    ("words", "engine", "retries"),
    [
        ("", "local", 0),
        ("--slots 2", "local", 2),
        ("", "command", 2),
        ("--slots 2 --retries 0", "local", 0),
        ("--retries 5", "local", 5),
    ],
)
def test_what_was_lost_is_tried_again_where_that_may_be_elsewhere(
    begun: Begun, words: str, engine: str, retries: int
) -> None:
    assert begun(words, engine=engine).retries == retries


def test_the_file_tells_of_each_slot_and_hides_what_is_only_a_slot_s(
    begun: Begun, tmp_path: Path
) -> None:
    asked = "--devices all --processes 1 --max-seconds 8"

    def measure(opened: Session) -> None:
        runner = Runner(opened.slots, opened.limits, 0, opened.progress)
        runner.measure(opened.comparisons, opened.journal, lambda record: None)

    begun(asked, node(variables={"OMP_NUM_THREADS": "1"}), then=measure)
    found = reading.read(tmp_path / "x.jsonl")
    facts = found.environment.slots
    assert [one.slot.gpu for one in facts] == EIGHT
    assert {one.slot.others for one in facts} == {7}
    assert {one.engine for one in facts} == {"command"}
    assert [one.cores for one in facts] == [list(core) for core in CORES]
    assert "CUDA_VISIBLE_DEVICES" not in found.environment.variables
    assert found.environment.variables["OMP_NUM_THREADS"] == "1"
    assert found.environment.device == "cuda:0"
    for record in found.comparisons:
        assert record.case.device == "cuda:0"
        assert record.slot in [one.slot for one in facts]
    assert max(Counter(one.key for one in found.comparisons).values()) == 1


def test_one_slot_is_told_too(begun: Begun, tmp_path: Path) -> None:
    opened = begun("", engine="local")
    (fact,) = reading.read(tmp_path / "x.jsonl").environment.slots
    assert (fact.slot.host, fact.slot.others, fact.cores) == ("node1", 0, [])
    assert opened.slots[0].name == ""
    assert opened.slots[0].progress is None


def test_slots_that_are_unlike_are_refused_or_told(begun: Begun, tmp_path: Path) -> None:
    there = {"a": Machine("one", ["GPU-a"]), "b": Machine("two", ["GPU-b"], gpu=("A100",))}
    with pytest.raises(EnvironmentMismatch, match="GPU A100, not H200"):
        begun("", **there)
    begun("--allow-other-versions", **there)
    facts = reading.read(tmp_path / "x.jsonl").environment.slots
    assert [one.accelerator["name"] for one in facts] == ["H200", "A100"]


def test_a_worker_that_dies_while_a_run_begins_is_a_line(begun: Begun) -> None:
    machine = node()
    machine.workers_left = 8  # one looks around, and then each slot has one
    with pytest.raises(
        BenchError, match="a worker was lost before anything was measured: the worker"
    ) as told:
        begun("--devices all", machine)
    assert "\n" not in str(told.value)
