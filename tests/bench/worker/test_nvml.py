"""What NVML says of a GPU, and what is said where it says nothing."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch

from bench.statistics import blocks, spoiling
from bench.statistics.blocks import GpuState
from bench.worker import nvml, strangers
from bench.worker.nvml import Counters, GpuWatch
from tests.bench.worker.fake_nvml import (
    FakeGpu,
    NVMLError_DriverNotLoaded,
    NVMLError_NoPermission,
    NVMLError_NotFound,
    NVMLError_NotSupported,
)


@pytest.fixture(autouse=True)
def on_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strangers, "_in_a_container", lambda: False)


class FakeNvml:
    """The calls of pynvml that are made, with made-up answers."""

    NVML_CLOCK_SM = 1
    NVML_CLOCK_MEM = 2
    NVML_TEMPERATURE_GPU = 0

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.initialised = False

    def nvmlInit(self) -> None:  # noqa: N802 - NVML's name
        self.initialised = True

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:  # noqa: N802
        assert self.initialised
        return f"handle of {uuid}"

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle: str) -> int:  # noqa: N802
        assert handle == "handle of GPU-1"
        return self.bits

    def nvmlDeviceGetClockInfo(self, handle: str, which: int) -> int:  # noqa: N802
        return {self.NVML_CLOCK_SM: 1980, self.NVML_CLOCK_MEM: 3201}[which]

    def nvmlDeviceGetTemperature(self, handle: str, which: int) -> int:  # noqa: N802
        return 61


@pytest.mark.parametrize(
    ("bits", "reasons", "throttled"),
    [
        (0x0, (), False),
        (0x1 | 0x2, (), False),  # idle, and clocks somebody chose
        (0x4, ("power cap",), False),
        (0x4 | 0x20, ("power cap", "software thermal slowdown"), True),
        (0x8 | 0x80, ("hardware slowdown", "power brake"), True),
    ],
)
def test_what_nvml_says_of_the_gpu(bits: int, reasons: tuple[str, ...], throttled: bool) -> None:
    state = nvml.GpuWatch(FakeNvml(bits), "GPU-1").state()
    assert state == GpuState(1980, 3201, 61, reasons)
    assert spoiling.throttled(state) is throttled


def test_nvmls_bits_are_as_its_library_has_them() -> None:
    pynvml = pytest.importorskip("pynvml")
    names = {
        "power cap": "SwPowerCap",
        "hardware slowdown": "HwSlowdown",
        "sync boost": "SyncBoost",
        "software thermal slowdown": "SwThermalSlowdown",
        "hardware thermal slowdown": "HwThermalSlowdown",
        "power brake": "HwPowerBrakeSlowdown",
    }
    found = {
        getattr(pynvml, f"nvmlClocksThrottleReason{name}"): ours for ours, name in names.items()
    }
    assert found == nvml._REASONS


def test_the_worst_of_a_blocks_states() -> None:
    states = [GpuState(1980, 3201, 60, ("power cap",)), GpuState(1700, 3201, 66, ("power brake",))]
    assert blocks.worst(states) == GpuState(1700, 3201, 66, ("power cap", "power brake"))
    assert blocks.worst([]) is None
    assert not spoiling.throttled(None)


def test_without_nvml_the_user_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    class Properties:
        uuid = "1234"

    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: Properties())
    monkeypatch.setitem(sys.modules, "pynvml", None)
    look, said = nvml.watch("cuda:0")
    assert look is None
    assert "pip install nvidia-ml-py" in str(said)
    assert nvml.watch("cpu") == (None, None)


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
        GpuState(1980, 3201, 60, ("power cap",), 0.5, 0.0, 0),
        GpuState(None, 3201, 66, (), None, 0.25, 2, ("python", "Xorg")),
        GpuState(1700, None, None, ("power brake",), 0.25, None, 1, ("train", "python")),
    ]
    reasons = ("power cap", "power brake")
    assert blocks.worst(runs) == GpuState(
        1700, 3201, 66, reasons, 0.75, 0.25, 2, ("python", "Xorg", "train")
    )
