"""What a timer tells of a GPU, by fakes of NVML and of a device that idles once waited for."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest

from bench.statistics.blocks import GpuState
from bench.worker import metering, serve, strangers
from bench.worker.metering import MeteredTimer
from bench.worker.nvml import GpuWatch
from bench.worker.timer import CudaTimer, WallTimer
from tests.bench.worker.fake_nvml import (
    FakeGpu,
    NVMLError_NoPermission,
    NVMLError_NotSupported,
    entries,
)
from tests.bench.worker.test_timer import FakeCuda
from tests.workers import comparison


@pytest.fixture(autouse=True)
def on_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strangers, "_in_a_container", lambda: False)


class Cuda(FakeCuda):
    """A device that is done, and idles, once it was waited for."""

    def __init__(self, gpu: FakeGpu) -> None:
        super().__init__()
        self.gpu = gpu

    def synchronize(self, device: str) -> None:
        super().synchronize(device)
        self.gpu.busy = False


def metered(gpu: FakeGpu) -> tuple[MeteredTimer, Cuda]:
    cuda = Cuda(gpu)
    return MeteredTimer(CudaTimer(cuda, "cuda:0"), GpuWatch(gpu, "GPU-1"), []), cuda


def run_of(gpu: FakeGpu, joules: float, **held: float) -> Callable[[], None]:
    def run() -> None:
        gpu.busy = True
        gpu.work(joules, **held)

    return run


def test_a_run_has_its_own_joules() -> None:
    gpu = FakeGpu()
    timer, _ = metered(gpu)
    found = []
    for joules in (3.0, 2.0, 2.5):
        gpu.work(40.0)  # between runs
        found.append(timer.time(run_of(gpu, joules)).joules)
    assert found == pytest.approx([3.0, 2.0, 2.5])


def test_clocks_are_those_of_the_run_and_not_of_the_idle_gpu_after_it() -> None:
    gpu = FakeGpu()
    timer, _ = metered(gpu)
    timer.time(run_of(gpu, 1.0, hot=0.25, capped=0.5))
    (state,) = timer.states
    assert state == GpuState(1980, 3201, 61, ("power cap",), 0.5, 0.25, 0)
    assert GpuWatch(gpu, "GPU-1").state().sm_mhz == 345


def test_nothing_is_asked_of_nvml_inside_the_timed_region() -> None:
    gpu = FakeGpu()
    timer, cuda = metered(gpu)
    before: list[int] = []

    def run() -> None:
        before.append(len(gpu.read_by))
        run_of(gpu, 1.0)()
        cuda.log.append("run")
        assert len(gpu.read_by) == before[0]

    timer.time(run)
    assert len(gpu.read_by) > before[0]
    assert cuda.log[-4:] == [
        *("record on stream of cuda:0", "run", "record on stream of cuda:0"),
        "synchronize cuda:0",
    ]


def test_the_look_comes_after_the_last_event_and_before_the_device_is_waited_for() -> None:
    gpu = FakeGpu()
    cuda = Cuda(gpu)
    CudaTimer(cuda, "cuda:0").time(lambda: cuda.log.append("run"), lambda: cuda.log.append("look"))
    assert cuda.log[-3:] == ["record on stream of cuda:0", "look", "synchronize cuda:0"]


def test_a_long_run_is_looked_into_meanwhile_by_a_thread_that_ends_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metering, "PERIOD", 0.001)
    gpu = FakeGpu()
    timer, _ = metered(gpu)
    here = threading.current_thread().name
    threads = threading.active_count()
    looked = threading.Event()
    state = timer.watch.state

    def watched() -> GpuState:
        found = state()
        if threading.current_thread().name != here and "power brake" in found.reasons:
            looked.set()
        return found

    monkeypatch.setattr(timer.watch, "state", watched)

    def run() -> None:
        run_of(gpu, 1.0)()
        gpu.bits = 0x80
        assert looked.wait(10), "nobody looked"
        gpu.bits = 0x4

    timer.time(run)
    assert timer.states[0].reasons == ("power brake", "power cap")
    assert threading.active_count() == threads


def test_a_short_run_is_looked_at_once_and_by_no_other_thread() -> None:
    gpu = FakeGpu()
    timer, _ = metered(gpu)
    gpu.read_by.clear()
    timer.time(run_of(gpu, 1.0))
    assert set(gpu.read_by) == {threading.current_thread().name}
    counters, state, users = 3, 4, 3
    assert len(gpu.read_by) == counters + state + counters + users


def test_a_run_that_raises_leaves_no_thread() -> None:
    timer, _ = metered(FakeGpu())
    threads = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        timer.time(lambda: 1 // 0)
    assert threading.active_count() == threads


@pytest.mark.parametrize("of", ["energy", "heat", "clocks"])
@pytest.mark.parametrize("error", [NVMLError_NotSupported, NVMLError_NoPermission])
def test_what_can_not_be_read_costs_nothing_else(of: str, error: type[Exception]) -> None:
    functions = {
        "energy": "nvmlDeviceGetTotalEnergyConsumption",
        "heat": "policy 1",
        "clocks": "nvmlDeviceGetClockInfo",
    }
    gpu = FakeGpu({functions[of]: error("no")})
    timer, _ = metered(gpu)
    sample = timer.time(run_of(gpu, 2.0, hot=0.25, capped=0.5))
    (state,) = timer.states
    assert sample.joules == (None if of == "energy" else pytest.approx(2.0))
    assert state.thermal_violation == (None if of == "heat" else pytest.approx(0.25))
    assert state.power_violation == pytest.approx(0.5)
    assert (state.sm_mhz, state.celsius) == ((None if of == "clocks" else 1980), 61)
    (said,) = GpuWatch(gpu, "GPU-1").unseen
    assert (f"{error.__name__}: no") in said
    told = {"energy": "energy", "heat": "time slowed by heat", "clocks": "SM clock, memory clock"}
    assert told[of] in said
    assert ("nothing is to be done" in said) == (error is NVMLError_NotSupported)
    assert ("ask who runs this machine" in said) == (error is NVMLError_NoPermission)


def test_a_worker_answers_blocks_with_joules_and_the_gpus_state() -> None:
    gpu = FakeGpu()
    worker = serve.Worker()
    joules = {"A": 3.0, "B": 2.0}

    class Work:
        comparison = comparison()
        compilations = 0

        def time_block(self, order: str, timer: MeteredTimer, part: int) -> list[object]:
            return [timer.time(run_of(gpu, joules[letter], hot=0.125)) for letter in order]

    worker._workload = Work()  # type: ignore[assignment]
    worker._timer = WallTimer()
    worker._gpu = GpuWatch(gpu, "GPU-1")
    answer = worker.answer({"do": "blocks", "orders": ["ABBA"], "parts": [0]})
    assert answer["ok"], answer
    (told,) = answer["blocks"]
    assert [sample["joules"] for sample in told["samples"]] == pytest.approx([3.0, 2.0, 2.0, 3.0])
    assert told["gpu"]["thermal_violation"] == pytest.approx(0.5)
    assert told["gpu"]["sm_mhz"] == 1980
    assert told["spoilt"]


STRANGER = 999_999_999
"""A number that no process here has."""


def told_of(before_run: Callable[[FakeGpu, int], None], blocks: int = 1) -> list[dict[str, Any]]:
    """What a worker answers of blocks, where something happens on the GPU during each run."""
    gpu = FakeGpu()
    gpu.programs = {STRANGER: "/home/somebody/bin/python"}
    before_run(gpu, -1)
    runs = itertools.count()

    class Work:
        comparison = comparison()
        compilations = 0

        def time_block(self, order: str, timer: MeteredTimer, part: int) -> list[object]:
            def run() -> None:
                before_run(gpu, next(runs))

            return [timer.time(run) for _ in order]

    worker = serve.Worker()
    worker._workload = Work()  # type: ignore[assignment]
    worker._timer = WallTimer()
    worker._gpu = GpuWatch(gpu, "GPU-1")
    answer = worker.answer({"do": "blocks", "orders": ["ABBA"] * blocks, "parts": [0] * blocks})
    assert answer["ok"], answer
    return list(answer["blocks"])


def between(first: int, last: int) -> Callable[[FakeGpu, int], None]:
    """A stranger that comes during one run and goes during another; -1 is before all of them."""

    def step(gpu: FakeGpu, run: int) -> None:
        if run == first:
            gpu.compute = entries([os.getpid(), STRANGER])
        if run == last:
            gpu.compute = entries([os.getpid()])

    return step


@pytest.mark.parametrize(
    ("first", "last", "spoilt"),
    [
        (99, 99, [False, False, False]),
        (5, 6, [False, True, False]),  # in the middle of the second block
        (-1, 0, [True, False, False]),  # there before, and gone in the first run
        (3, 4, [True, True, False]),  # in the last run of one, until the first of the next
        (7, 99, [False, True, True]),
        (-1, 99, [True, True, True]),
    ],
)
def test_a_block_beside_a_stranger_is_spoilt(first: int, last: int, spoilt: list[bool]) -> None:
    told = told_of(between(first, last), blocks=3)
    assert [block["spoilt"] for block in told] == spoilt
    assert [block["gpu"]["strangers"] for block in told] == [int(one) for one in spoilt]
    names = [block["gpu"]["stranger_names"] for block in told]
    assert names == [("python",) if one else () for one in spoilt]


def test_where_nvml_no_longer_tells_nobody_is_blamed() -> None:
    def lose(gpu: FakeGpu, run: int) -> None:
        if run == 0:
            gpu.fails["nvmlDeviceGetComputeRunningProcesses"] = NVMLError_NoPermission("no")

    first, then = told_of(lose, blocks=2)
    assert (first["gpu"]["strangers"], then["gpu"]["strangers"]) == (0, None)
    assert not then["spoilt"]


def test_the_users_are_read_outside_what_energy_is_counted_over() -> None:
    gpu = FakeGpu()
    timer, _ = metered(gpu)
    read = gpu.nvmlDeviceGetComputeRunningProcesses

    def costly(handle: str) -> Any:
        gpu.work(40.0)
        return read(handle)

    watch = timer.watch
    watch._neighbourhood._lists[0] = lambda: costly("")  # type: ignore[attr-defined]
    assert timer.time(run_of(gpu, 3.0)).joules == pytest.approx(3.0)
    assert gpu.millijoules > 1_040_000, "they were read"
