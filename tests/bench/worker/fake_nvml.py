"""What pynvml tells of a GPU, made up."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from types import SimpleNamespace


class NVMLError_NotSupported(Exception):  # noqa: N801 - pynvml's name
    """As pynvml's."""


class NVMLError_NoPermission(Exception):  # noqa: N801
    """As pynvml's."""


class NVMLError_NotFound(Exception):  # noqa: N801
    """As pynvml's."""


class NVMLError_DriverNotLoaded(Exception):  # noqa: N801
    """As pynvml's."""


class NVMLLibraryMismatchError(Exception):
    """As pynvml's."""


Entries = list[SimpleNamespace]


def entries(pids: Iterable[int], instance: int = 0xFFFFFFFF) -> Entries:
    """Of a list of processes, in a MIG instance."""
    return [SimpleNamespace(pid=pid, gpuInstanceId=instance) for pid in pids]


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
        self.compute = entries([os.getpid()])
        self.graphics = entries([])
        self.mps = entries([])
        self.programs: dict[int, str] = {}

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

    def nvmlDeviceGetComputeRunningProcesses(self, handle: str) -> Entries:  # noqa: N802
        self._ask("nvmlDeviceGetComputeRunningProcesses")
        return self.compute

    def nvmlDeviceGetGraphicsRunningProcesses(self, handle: str) -> Entries:  # noqa: N802
        self._ask("nvmlDeviceGetGraphicsRunningProcesses")
        return self.graphics

    def nvmlDeviceGetMPSComputeRunningProcesses(self, handle: str) -> Entries:  # noqa: N802
        self._ask("nvmlDeviceGetMPSComputeRunningProcesses")
        return self.mps

    def nvmlSystemGetProcessName(self, pid: int) -> str:  # noqa: N802
        if pid not in self.programs:
            raise NVMLError_NotFound("Not Found")
        return self.programs[pid]
