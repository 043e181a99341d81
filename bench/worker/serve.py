"""The child process: builds cases, checks them, times blocks; everything that imports torch.

It reads requests and answers them, as `bench.worker.protocol` has them, over what were stdin and
stdout at the start (`bench.worker.channel`); from then on stdin is empty and stdout is stderr, so
that no library's chatter gets between. When the requests end, because the controlling process ended
or died, the worker ends too, also in the middle of a run.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bench.worker import cores, protocol
from bench.worker.channel import Channel, leave_fork

if TYPE_CHECKING:
    from torch import Tensor

    from bench.statistics.blocks import GpuState
    from bench.worker.nvml import GpuWatch
    from bench.worker.timer import Timer
    from bench.worker.workload import Workload


class Worker:
    """Holds the prepared case."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._workload: Workload | None = None
        self._servers: dict[str, Any] = {}
        self._timer: Timer | None = None
        self._gpu: GpuWatch | None = None
        self._settings: dict[str, object] = {}
        self._used = False

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what is asked; a failure becomes an answer too, and so does user code that exits."""
        try:
            return {"ok": True, **getattr(self, f"do_{request.pop('do')}")(**request)}
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            if os.getpid() != self._pid:
                raise  # user code forked, and its fork comes back as the worker does
            from bench.worker import failures

            status = failures.status_of(error)  # looks at the GPU's memory: before it is given back
            self._release()
            return {
                "ok": False,
                "status": status,
                "reason": failures.reason_of(error),
                "trace": traceback.format_exc(),
                "tainted": failures.taints(error),
            }

    def do_describe(self) -> dict[str, Any]:
        from bench.worker import environment, whereabouts

        return {
            "protocol": protocol.VERSION,
            "pid": os.getpid(),
            "environment": environment.describe(),
            "devices": environment.devices(),
            **whereabouts.describe(),
        }

    def do_gpus(self) -> dict[str, Any]:
        from bench.worker import whereabouts

        return {"gpus": whereabouts.gpus()}

    def do_accelerator(self, device: str) -> dict[str, Any]:
        from bench.worker import environment

        return {"accelerator": environment.accelerator(device)}

    def do_strangers(self, device: str) -> dict[str, Any]:
        import torch

        from bench.worker import nvml

        torch.zeros(1, device=device)  # so that the driver lists this process
        gpu, unseen = nvml.watch(device)
        found = gpu.strangers() if gpu else None
        return {
            "strangers": None if found is None else asdict(found),
            "unseen": [*([unseen] if unseen else []), *(gpu.unseen if gpu else ())],
        }

    def do_origins(
        self, libraries: list[str], modules: list[str], files: list[str]
    ) -> dict[str, Any]:
        from bench.worker import environment

        return {"origins": environment.origins_of(libraries, modules, files)}

    def do_load(self, library: str) -> dict[str, Any]:
        from adapters import registry

        adapter = registry.get(library)
        adapter.load()
        return {"version": registry.version(adapter)}

    def do_prepare(
        self,
        comparison: dict[str, Any],
        building: str,
        seed: int,
        explain: bool = False,
        operations: bool = True,
        gate_only: bool = False,
        companions: tuple[int, ...] = (),
    ) -> dict[str, Any]:
        from bench.worker import checks, nvml, state, timer

        if changed := self._changed():
            return {"stale": changed}
        built = self._build(comparison, building, seed)
        device = built.comparison.case.device
        state.settle()
        self._timer = timer.for_device(device)
        self._gpu, unseen = nvml.watch(device, companions)
        ready = time.perf_counter()
        if gate_only:
            found = asdict(checks.alone(built))
        else:
            found = asdict(checks.check(built, explain=explain, operations=operations))
        found["warnings"] += [unseen] if unseen else []
        found["warnings"] += self._gpu.unseen if self._gpu else ()
        checked = time.perf_counter()
        state.settle()  # the checks imported much of torch, which no later run need walk through
        self._workload = built
        return {
            "prepared": {
                **found,
                "library_version": built.library_version,
                "timer": self._timer.name,
                "energy_period": self._gpu.energy_period() if self._gpu else None,
                "preparation": {n: asdict(p) for n, p in built.preparation.items()} or None,
            },
            "check_seconds": checked - ready,
        }

    def do_count(self, comparison: dict[str, Any], building: str, seed: int) -> dict[str, Any]:
        from bench.worker import counting, state

        if changed := self._changed():
            return {"stale": changed}
        built = self._build(comparison, building, seed)
        state.settle()
        return {"counted": {**asdict(counting.count(built)), "version": built.library_version}}

    def _changed(self) -> list[str]:
        """Settings of the process that an earlier case left changed."""
        from bench.worker import state

        self._settings = self._settings or state.settings()
        return [name for name, now in state.settings().items() if now != self._settings[name]]

    def do_blocks(self, orders: list[Any], parts: list[int]) -> dict[str, Any]:
        asked = zip(orders, parts, strict=True)
        return {"blocks": [self._time_block(order, part) for order, part in asked]}

    def _time_block(self, order: Any, part: int) -> dict[str, Any]:
        from bench.statistics import blocks, spoiling
        from bench.worker.metering import MeteredTimer, users

        assert self._workload is not None  # the runner prepares first
        assert self._timer is not None
        states: list[GpuState] = []
        timer = self._timer
        if self._gpu is not None:
            states.append(users(self._gpu))
            timer = MeteredTimer(timer, self._gpu, states)
        compiled = self._workload.compilations
        samples = self._workload.time_block(order, timer, part)
        worst = blocks.worst(states)
        return {
            "samples": [asdict(sample) for sample in samples],
            "gpu": None if worst is None else asdict(worst),
            "spoilt": spoiling.spoilt(worst),
            "compiled": self._workload.compilations - compiled,
        }

    def do_output(self, file: str) -> dict[str, Any]:
        from pathlib import Path

        from bench.worker import outputs

        return outputs.write(self._output(), Path(file))

    def do_compare(self, file: str, shape: list[int], dtype: str) -> dict[str, Any]:
        from pathlib import Path

        from bench.worker import equality, outputs

        theirs = outputs.read(Path(file), shape, dtype)
        return {"equality": asdict(equality.compare(theirs, self._output()))}

    def do_origin(self, modules: list[str]) -> dict[str, Any]:
        found = ((name, sys.modules.get(name)) for name in modules)
        files = ((name, getattr(module, "__file__", None)) for name, module in found)
        return {"origin": {name: os.path.realpath(file) for name, file in files if file}}

    def _output(self) -> Tensor:
        from bench.cases import BASELINE
        from bench.worker import state

        assert self._workload is not None
        workload = self._workload
        output: Tensor
        output, _ = state.deterministically(
            workload.comparison.case.device, lambda: workload.flat(workload.output(BASELINE))
        )
        return output

    def do_limit(self, count: int, device: str) -> dict[str, Any]:
        from bench.worker.memory_limit import limit_memory

        limit_memory(count, device)
        return {}

    def do_examine(
        self, model: str, image_size: int | None, shape: list[int] | None
    ) -> dict[str, Any]:
        from bench.worker import examining

        found, shape = examining.examine(model, image_size, shape)
        return {"findings": [asdict(finding) for finding in found], "shape": shape}

    def do_try(self, comparison: dict[str, Any], building: str, seed: int) -> dict[str, Any]:
        built = self._build(comparison, building, seed)
        built.run(built.comparison.variant, lambda run: run())
        return {}

    def do_own(self, server: str, request: dict[str, Any]) -> dict[str, Any]:
        from bench.worker import workload

        if server not in self._servers:
            self._release()
            self._servers[server] = workload.resolved(server)()
        answer: dict[str, Any] = self._servers[server].answer(**request)
        return answer

    def _build(self, comparison: dict[str, Any], building: str, seed: int) -> Workload:
        from bench.cases import Case, Comparison
        from bench.worker import failures, state, workload

        self._release()
        failures.forget_refusals()
        build = workload.resolved(building)  # importing it makes its kind's options known
        case = Case.from_json(comparison["case"])
        if self._used:
            state.clear(case.device)
        self._used = True
        asked = Comparison(case, comparison["variant"], comparison["baseline"])
        built: Workload = build(asked, seed)
        return built

    def _release(self) -> None:
        """Keep nothing of an earlier case."""
        self._workload = None
        self._servers.clear()


def main() -> None:
    """Serve requests until stdin closes."""
    cores.hold()
    channel = Channel()
    del sys.argv[1:]  # ours, not what a script of the user's should parse
    worker = Worker()
    while True:
        try:
            answer = worker.answer(channel.next())
        except BaseException as error:
            leave_fork(error)
        if not channel.ours:
            leave_fork()
        channel.send(answer)
