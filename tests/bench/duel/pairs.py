"""Pairs of scripted workers, one a side, and duels between them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.cases import RIVAL, Comparison
from bench.choosing.suites import Limits
from bench.duel import contest, sides
from bench.duel.pair import Pair
from bench.duel.sides import Name, Side
from bench.records.duel import DuelRecord, DuelSide
from bench.running.pool import WorkerPool
from bench.running.progress import PlainProgress
from bench.running.runner import Runner
from bench.running.slots import Slot
from tests.workers import PREPARED, Notes, ScriptedWorker, comparison


def side(name: Name = "a", folder: Path = Path("side"), version: str = "1.0") -> Side:
    asked = sides.Asked(name, f"lib=={version}", f"lib=={version}", local=False)
    return Side(asked, folder, "lib", version, ("lib",), "0")


TWICE = ("--a", "torchattacks==3.5.1", "--b", "torchattacks==3.5.1")


class SideWorker(ScriptedWorker):
    """One side's worker; notes in `log` what it is asked."""

    def __init__(self, name: str, log: list[str], **script: Any) -> None:
        self.name, self.log = name, log
        self.origin = script.pop("origin", f"side/lib/{name}.py")
        self.bitwise = script.pop("bitwise", True)
        gradients, memory = (
            {**{k: v for k, v in PREPARED[what].items() if k != "semi-backward"}, "a-a": 0}
            for what in ("gradients", "memory")
        )
        parts = dict.fromkeys(("original", "a-a"), PREPARED["memory_parts"]["original"])
        own = {**PREPARED, "gradients": gradients, "memory": memory, "memory_parts": parts}
        super().__init__(**{"prepared": own, **script})
        self.facts = {"ok": True, "side": name}

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        self.log.append(f"{self.name}: {request['do']}")
        if request["do"] == "origin":
            file = self.origin and str(Path(self.origin).resolve())
            return {"ok": True, "origin": {"lib": file} if file else {}}
        if request["do"] == "output":
            return {"ok": True, "shape": [1], "dtype": "float32"}
        if request["do"] == "compare":
            different = {"equal": False, "bitwise": False, "max_abs_diff": 0.5}
            return {"ok": True, "equality": PREPARED["equality"] if self.bitwise else different}
        return super().ask(request, timeout)


def pair_of(a: SideWorker | Exception, b: SideWorker | Exception) -> Callable[..., Pair]:
    def start(wanted: Side) -> SideWorker:
        worker = a if wanted.asked.name == "a" else b
        if isinstance(worker, Exception):
            raise worker
        return worker

    return lambda *_: Pair(side("a"), side("b", version="2.0"), start)


def fight(a: SideWorker, b: SideWorker, **limits: Any) -> tuple[DuelRecord, Notes]:
    told = {
        name: DuelSide(f"lib=={version}", "lib", version, "0")
        for name, version in (("a", "1.0"), ("b", "2.0"))
    }
    notes = Notes()
    runner = Runner(
        [Slot(WorkerPool(pair_of(a, b)))],
        Limits(**{"processes": 1, **limits}),
        seed=0,
        progress=PlainProgress(),
        as_written=lambda record: contest.as_duel(record, told),
    )
    runner.run([Comparison(comparison().case, RIVAL)], notes)
    (record,) = notes.written
    assert isinstance(record, DuelRecord)
    return record, notes
