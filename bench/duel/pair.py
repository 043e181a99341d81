"""Two workers, one in each side's environment, that answer as one. Imports no torch.

The runner asks a pair what it would ask a single worker. Each run of a block is timed in the worker
whose turn it is, while the other waits for its next request; everything before that, building and
checking, both do at the same time.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil

from adapters.base import INSTALL_IT
from bench.cases import A_A, Case, Comparison
from bench.duel import merging
from bench.duel.sides import Name, Side
from bench.kinds.images.options import ImageOptions
from bench.running.pool import Worker
from bench.running.process import (
    START_TIMEOUT,
    WorkerDied,
    WorkerProcess,
    WorkerTimeout,
    spawn,
)
from bench.statistics import estimate
from bench.statistics.blocks import Block, GpuState, Order, Sample, orders, worst
from bench.statistics.estimate import Speedup
from bench.worker import protocol

Answer = dict[str, Any]

CONTROL = Case(
    *("reference", "pgd-autograd-grad", "wrn_10_1", 1, "float32", "cpu"),
    ImageOptions(input_shape=(3, 32, 32), steps=2, classes=10),
)
"""The same code on both sides, from neither: it tells two processes apart, not two libraries."""
CONTROL_BLOCKS = 32

_SIDES: Mapping[str, Name] = {"A": "a", "B": "b"}


def maker(a: Side, b: Side, variables: Mapping[str, str]) -> Callable[[int], Pair]:
    """Makes pairs, given their numbers; each worker has its side's library before any other.

    Args:
        a, b: the sides.
        variables: of the workers' environment, where it differs from ours.
    """

    def start(side: Side) -> Worker:
        return WorkerProcess(lambda log: spawn(log, first=[side.folder], variables=variables))

    return lambda number: Pair(a, b, start, number)


class Pair:
    """A worker of each side.

    Args:
        a, b: the sides.
        start: starts a side's worker.
        number: of the pair, from 0; another pair gets other cores.

    Raises:
        WorkerDied: one of them can't be started.
    """

    pids: tuple[int, ...]

    def __init__(
        self,
        a: Side,
        b: Side,
        start: Callable[[Side], Worker],
        number: int = 0,
    ) -> None:
        self._sides = {"a": a, "b": b}
        self._workers: dict[str, Worker] = {}
        with ThreadPoolExecutor(len(self._sides)) as both:
            starting = {name: both.submit(start, side) for name, side in self._sides.items()}
        failed: tuple[str, BaseException] | None = None
        for name, future in starting.items():
            error = future.exception()
            if error is None:
                self._workers[name] = future.result()
            else:
                failed = name, error
        if failed is not None:
            self.close()
            raise WorkerDied(f"{failed[0]}: {failed[1]}") from failed[1]
        self.facts = self._workers["a"].facts
        self.facts_of = {name: worker.facts for name, worker in self._workers.items()}
        self.pids = tuple(pid for worker in self._workers.values() for pid in worker.pids)
        if self.facts.get("ok") and self.pids:
            _put_on_the_same_cores(self.pids, self.facts["environment"]["threads"], number)

    def ask(self, request: Answer, timeout: float) -> Answer:
        """Have both do what is asked; the first side that can't answers for both.

        Args:
            request: "prepare" and "blocks" as `bench.worker.serve` has them; anything else is asked
                of a.
            timeout: seconds to wait.

        Raises:
            WorkerDied, WorkerTimeout: one of them did.
        """
        deadline = time.monotonic() + timeout
        try:
            if request["do"] == "prepare":
                return self._prepare(request, deadline)
            if request["do"] == "blocks":
                return self._blocks(request, deadline)
            return self._ask("a", request, deadline)
        except _Refused as refused:
            return refused.answer

    def control(self, seed: int) -> Speedup | None:
        """Time the same code in both workers: a's time over b's, which should be 1.

        Returns:
            the ratio with its interval; None where the control can't run here.
        """
        deadline = time.monotonic() + START_TIMEOUT
        asked = {
            "do": "prepare",
            **protocol.asked(Comparison(CONTROL, A_A), seed),
            "operations": False,
        }
        drawn = orders(seed)
        try:
            self._ask_both(asked, deadline)
            blocks = [self._control_block(next(drawn), deadline) for _ in range(CONTROL_BLOCKS)]
        except _Refused:
            return None
        return estimate.speedup(blocks)

    def _control_block(self, order: Order, deadline: float) -> Block:
        told = self._block(order, 0, deadline)["samples"]
        return Block(0, order, tuple(Sample(**sample) for sample in told))

    def close(self) -> None:
        """End both."""
        for worker in self._workers.values():
            worker.close()

    def _prepare(self, request: Answer, deadline: float) -> Answer:
        # The original twice, so that each side also tells whether its attack repeats itself.
        comparison = {**request["comparison"], "variant": A_A}
        # Both are on one GPU at the same time, and know each other by their own numbers there.
        both = [facts["pid"] for facts in self.facts_of.values() if "pid" in facts]
        asked = {
            **request,
            "comparison": comparison,
            "operations": False,
            "companions": both,
        }
        found = self._ask_both(asked, deadline)
        stale = [setting for answer in found.values() for setting in answer.get("stale", ())]
        if stale:
            return {"ok": True, "stale": stale}
        for name in self._workers:
            self._check_origin(name, deadline)
        prepared = {name: answer["prepared"] for name, answer in found.items()}
        told = merging.merged(prepared["a"], prepared["b"], self._compare(deadline))
        seconds = max(answer["check_seconds"] for answer in found.values())
        return {"ok": True, "prepared": told, "check_seconds": seconds}

    def _ask_both(self, request: Answer, deadline: float) -> dict[str, Answer]:
        """Ask both at the same time."""
        with ThreadPoolExecutor(len(self._workers)) as both:
            asking = {n: both.submit(self._ask, n, dict(request), deadline) for n in self._workers}
        return {name: future.result() for name, future in asking.items()}

    def _compare(self, deadline: float) -> Answer:
        """Whether both sides' outputs are the same."""
        with tempfile.TemporaryDirectory(prefix="semibackward-") as folder:
            file = str(Path(folder, "output"))
            told = self._ask("a", {"do": "output", "file": file}, deadline)
            asked = {"do": "compare", "file": file, "shape": told["shape"], "dtype": told["dtype"]}
            equality: Answer = self._ask("b", asked, deadline)["equality"]
        return equality

    def _check_origin(self, name: str, deadline: float) -> None:
        """Look whether a worker has imported its side's library, and not another copy of it."""
        side = self._sides[name]
        asked = {"do": "origin", "modules": list(side.modules)}
        origin = self._ask(name, asked, deadline)["origin"]
        own = side.folder.resolve()
        strays = [f"{m} from {p}" for m, p in origin.items() if not Path(p).is_relative_to(own)]
        if strays:
            raise _Refused(
                name,
                f"it imported {', '.join(strays)}, not what was installed for {side.asked}; keep"
                " copies of the library off PYTHONPATH and out of the folder of your attack",
            )
        if not origin:
            raise _Refused(
                name,
                f"the attack imports nothing of {side.distribution}"
                f" ({', '.join(side.modules)}), so both sides would run the same",
            )

    def _blocks(self, request: Answer, deadline: float) -> Answer:
        pairs = zip(request["orders"], request["parts"], strict=True)
        return {"ok": True, "blocks": [self._block(order, part, deadline) for order, part in pairs]}

    def _block(self, order: str, part: int, deadline: float) -> Answer:
        runs = []
        for letter in order:
            # Each worker's own A is the original, whichever side it is.
            asked = {"do": "blocks", "orders": ["A"], "parts": [part]}
            runs += self._ask(_SIDES[letter], asked, deadline)["blocks"]
        states = [GpuState.from_json(run["gpu"]) for run in runs if run["gpu"] is not None]
        gpu = worst(states)
        return {
            "samples": [sample for run in runs for sample in run["samples"]],
            "gpu": None if gpu is None else vars(gpu),
            "spoilt": any(run["spoilt"] for run in runs),
            "compiled": sum(run["compiled"] for run in runs),
        }

    def _ask(self, name: str, request: Answer, deadline: float) -> Answer:
        """Ask one side.

        Raises:
            _Refused: it says why it can't.
        """
        try:
            answer = self._workers[name].ask(request, deadline - time.monotonic())
        except WorkerTimeout:
            raise
        except WorkerDied as died:
            raise WorkerDied(f"{name}: {died}") from died
        if not answer["ok"]:
            reason = answer["reason"].partition(INSTALL_IT)[0]
            raise _Refused(name, reason, answer["status"], answer["trace"])
        return answer


class _Refused(Exception):
    """One side can't do what was asked; the next case needs a fresh pair."""

    def __init__(self, name: str, reason: str, status: str = "failed", trace: str = "") -> None:
        super().__init__(reason)
        self.answer: Answer = {
            "ok": False,
            "status": status,
            "reason": f"{name}: {reason}",
            "trace": trace,
            "tainted": True,
        }


def cores_of(number: int, threads: int, cores: Sequence[int]) -> list[int]:
    """The cores that both workers of a pair run on. Pure.

    Left to itself, the system keeps each worker on the core it last ran on, so that one side would
    meet all the other work on one core, and the other side that of another.

    Args:
        number: of the pair, from 0.
        threads: of each worker.
        cores: that may be used.

    Returns:
        as many as there are threads, others for the next pair; all where they are no more.
    """
    if threads >= len(cores):
        return list(cores)
    first = number * threads
    return sorted({cores[(first + index) % len(cores)] for index in range(threads)})


def _put_on_the_same_cores(pids: Sequence[int], threads: int, number: int) -> None:
    """Where the system lets them be put; macOS does not."""
    for pid in pids:
        with contextlib.suppress(psutil.Error, AttributeError):
            process = psutil.Process(pid)
            process.cpu_affinity(cores_of(number, threads, process.cpu_affinity()))
