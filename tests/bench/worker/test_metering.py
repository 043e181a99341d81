"""What NVML says of runs, by a fake of it and of a GPU that idles once it was waited for."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import ModuleType, SimpleNamespace

import pytest
import torch

from bench.statistics import blocks
from bench.statistics.blocks import GpuState
from bench.worker import metering, nvml, serve
from bench.worker.metering import MeteredTimer
from bench.worker.nvml import Counters, GpuWatch
from bench.worker.timer import CudaTimer, WallTimer
from tests.bench.worker.test_timer import FakeCuda
from tests.workers import comparison


class NVMLError_NotSupported(Exception):  # noqa: N801 - pynvml's name
    """As pynvml's."""


class NVMLError_NoPermission(Exception):  # noqa: N801
    """As pynvml's."""


class NVMLError_NotFound(Exception):  # noqa: N801
    """As pynvml's."""


class NVMLError_DriverNotLoaded(Exception):  # noqa: N801
    """As pynvml's."""


class FakeGpu:
    """NVML's view of a GPU: counters that grow, and clocks that are up while it is busy.

    Args:
        fails: exceptions by the name of NVML's function, or of the policy asked for.
    """

    NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU = 1, 2, 0
    NVML_PERF_POLICY_POWER, NVML_PERF_POLICY_THERMAL = 0, 1

    def __init__(self, fails: dict[str, Exception] | None = None) -> None:
        self.fails = fails or {}
        self.millijoules = 1_000_000
        self.nanoseconds = {0: 5_000, 1: 7_000}
        self.busy = False
        self.bits = 0x4
        self.read_by: list[str] = []

    def work(self, joules: float, hot: float = 0.0, capped: float = 0.0) -> None:
        """Take so much energy, with so many seconds of throttling by heat and by power."""
        self.millijoules += round(1e3 * joules)
        self.nanoseconds[0] += round(1e9 * capped)
        self.nanoseconds[1] += round(1e9 * hot)

    def _ask(self, name: str) -> None:
        self.read_by.append(threading.current_thread().name)
        if name in self.fails:
            raise self.fails[name]

    def nvmlInit(self) -> None:  # noqa: N802 - NVML's names
        self._ask("nvmlInit")

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:  # noqa: N802
        self._ask("nvmlDeviceGetHandleByUUID")
        return uuid

    def nvmlDeviceGetClockInfo(self, handle: str, which: int) -> int:  # noqa: N802
        self._ask("nvmlDeviceGetClockInfo")
        return {1: 1980, 2: 3201}[which] if self.busy else 345

    def nvmlDeviceGetTemperature(self, handle: str, which: int) -> int:  # noqa: N802
        self._ask("nvmlDeviceGetTemperature")
        return 61 if self.busy else 35

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle: str) -> int:  # noqa: N802
        self._ask("nvmlDeviceGetCurrentClocksThrottleReasons")
        return self.bits if self.busy else 0x1

    def nvmlDeviceGetViolationStatus(self, handle: str, policy: int) -> object:  # noqa: N802
        self._ask(f"policy {policy}")
        return SimpleNamespace(violationTime=self.nanoseconds[policy], referenceTime=0)

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: str) -> int:  # noqa: N802
        self._ask("nvmlDeviceGetTotalEnergyConsumption")
        return self.millijoules


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
    assert state == GpuState(1980, 3201, 61, ("power cap",), 0.5, 0.25)
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
        if threading.current_thread().name != here:
            looked.set()
        return state()

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
    counters, state = 3, 4
    assert len(gpu.read_by) == counters + state + counters


def test_a_run_that_raises_leaves_no_thread() -> None:
    timer, _ = metered(FakeGpu())
    threads = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        timer.time(lambda: 1 // 0)
    assert threading.active_count() == threads


BY_HEAT, BRAKE = ("software thermal slowdown",), ("power brake",)


@pytest.mark.parametrize(
    ("state", "throttled"),
    [
        (GpuState(thermal_violation=0.0, reasons=BY_HEAT), False),  # the counter knows better
        (GpuState(thermal_violation=1e-3), True),
        (GpuState(thermal_violation=0.0, power_violation=2.0, reasons=("power cap",)), False),
        (GpuState(thermal_violation=0.0, reasons=BRAKE), True),  # which no counter counts
        (GpuState(thermal_violation=None, reasons=BY_HEAT), True),
        (GpuState(thermal_violation=None), False),
        (None, False),
    ],
)
def test_the_counter_of_heat_decides_where_there_is_one(
    state: GpuState | None, throttled: bool
) -> None:
    assert nvml.throttled(state) is throttled


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


def test_an_older_pynvml_is_to_be_upgraded() -> None:
    gpu = FakeGpu({"nvmlDeviceGetTotalEnergyConsumption": AttributeError("no such function")})
    (said,) = GpuWatch(gpu, "GPU-1").unseen
    assert said.endswith("python -m pip install nvidia-ml-py --upgrade")


def test_everything_that_is_read_has_no_line() -> None:
    assert GpuWatch(FakeGpu(), "GPU-1").unseen == ()


def test_a_counter_that_goes_back_tells_nothing() -> None:
    assert Counters(5, 3, 3).since(Counters(9, 3, 1)) == Counters(None, 0, 2)


@pytest.mark.parametrize(
    ("updates", "period"), [([0.02, 0.12, 0.22], 0.1), ([0.3], 0.5), ([], 0.5)]
)
def test_how_often_energy_is_updated_is_seen(updates: list[float], period: float) -> None:
    gpu = FakeGpu()
    watch = GpuWatch(gpu, "GPU-1")
    now = 0.0
    left = list(updates)

    def wait(seconds: float) -> None:
        nonlocal now
        now += seconds
        while left and now >= left[0]:
            left.pop(0)
            gpu.work(1.0)

    assert watch.energy_period(lambda: now, wait) == pytest.approx(period, abs=0.003)


def test_without_a_counter_of_energy_there_is_no_period() -> None:
    gpu = FakeGpu({"nvmlDeviceGetTotalEnergyConsumption": NVMLError_NotSupported("no")})
    assert GpuWatch(gpu, "GPU-1").energy_period() is None


def pynvml_that(fails: dict[str, Exception]) -> ModuleType:
    made = ModuleType("pynvml")
    gpu = FakeGpu(fails)
    for name in dir(gpu):
        if name.lower().startswith("nvml"):
            setattr(made, name, getattr(gpu, name))
    return made


@pytest.mark.parametrize(
    ("pynvml", "mend"),
    [
        (None, "python -m pip install nvidia-ml-py"),
        ({"nvmlInit": NVMLError_DriverNotLoaded("no driver")}, "see whether nvidia-smi works here"),
        ({"nvmlInit": NVMLError_NoPermission("no")}, "ask who runs this machine"),
        ({"nvmlDeviceGetHandleByUUID": NVMLError_NotFound("no")}, "see what nvidia-smi -L lists"),
    ],
)
def test_each_way_to_see_nothing_has_its_mend(
    monkeypatch: pytest.MonkeyPatch, pynvml: dict[str, Exception] | None, mend: str
) -> None:
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda index: SimpleNamespace(uuid="1")
    )
    module = None if pynvml is None else pynvml_that(pynvml)
    monkeypatch.setitem(sys.modules, "pynvml", module)
    watch, said = nvml.watch("cuda:0")
    assert watch is None
    assert mend in str(said)
    assert ("pip install" in str(said)) == (pynvml is None)


def test_a_watch_is_there_where_nvml_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda index: SimpleNamespace(uuid="1")
    )
    monkeypatch.setitem(sys.modules, "pynvml", pynvml_that({}))
    watch, said = nvml.watch("cuda:0")
    assert watch is not None
    assert said is None


def test_a_blocks_state_is_the_worst_of_its_runs_and_all_their_times() -> None:
    runs = [
        GpuState(1980, 3201, 60, ("power cap",), 0.5, 0.0),
        GpuState(None, 3201, 66, (), None, 0.25),
        GpuState(1700, None, None, ("power brake",), 0.25, None),
    ]
    reasons = ("power cap", "power brake")
    assert blocks.worst(runs) == GpuState(1700, 3201, 66, reasons, 0.75, 0.25)


def test_a_worker_answers_blocks_with_joules_and_the_gpus_state() -> None:
    gpu = FakeGpu()
    worker = serve.Worker()
    joules = {"A": 3.0, "B": 2.0}

    class Work:
        comparison = comparison()

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
    assert told["throttled"]
