"""The GPU's clocks, temperature, throttling, energy and users, by NVML. Lives in the worker.

What a run did to the GPU is read from counters before and after it: energy, and the times in which
power and heat held the clocks down. Clocks, temperature and the reasons that hold clocks down now
are those of the moment when they are read, so `bench.worker.metering` reads them during the run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from bench.statistics.blocks import GpuState
from bench.worker.strangers import Neighbourhood, Strangers

INSTALL = "python -m pip install nvidia-ml-py"
UNSEEN = "the GPU's clocks, throttling and energy could not be watched ({why}); {mend}"
"""Nothing of it can."""

# nvml.h, nvmlClocksThrottleReasons: bit and name. Idle, and clocks that somebody chose, hold
# nothing back.
_REASONS = {
    0x0000000000000004: "power cap",
    0x0000000000000008: "hardware slowdown",
    0x0000000000000010: "sync boost",
    0x0000000000000020: "software thermal slowdown",
    0x0000000000000040: "hardware thermal slowdown",
    0x0000000000000080: "power brake",
}

LONGEST_PERIOD = 0.5
"""Seconds that are waited to see how often the counter of energy is updated."""


@dataclass(frozen=True)
class Counters:
    """What has been counted since the driver was loaded, as NVML has it; None of what can't be.

    Attributes:
        millijoules: of the whole GPU, whoever used it.
        at_cap, by_heat: nanoseconds in which the power cap, or heat, held the clocks down.
    """

    millijoules: int | None = None
    at_cap: int | None = None
    by_heat: int | None = None

    def since(self, before: Counters) -> Counters:
        """What was counted from `before` to here."""
        return Counters(
            _difference(before.millijoules, self.millijoules),
            _difference(before.at_cap, self.at_cap),
            _difference(before.by_heat, self.by_heat),
        )

    @property
    def joules(self) -> float | None:
        """The energy."""
        return None if self.millijoules is None else self.millijoules / 1e3

    @property
    def power_violation(self) -> float | None:
        """Seconds at the power cap."""
        return None if self.at_cap is None else self.at_cap / 1e9

    @property
    def thermal_violation(self) -> float | None:
        """Seconds slowed by heat."""
        return None if self.by_heat is None else self.by_heat / 1e9


class GpuWatch:
    """One GPU, by NVML. What this GPU or its driver does not tell is None; the rest goes on.

    Args:
        nvml: the module `pynvml`, or a test's stand-in.
        uuid: the GPU's, as NVML spells it ("GPU-...").
        companions: processes on it that are no strangers, besides this one.

    Attributes:
        unseen: a line for the user for each reason that something can't be read.

    Raises:
        Exception: NVML's own, where there is no such GPU or no driver.
    """

    def __init__(self, nvml: Any, uuid: str, companions: Collection[int] = ()) -> None:
        nvml.nvmlInit()
        handle = nvml.nvmlDeviceGetHandleByUUID(uuid)
        self._readings = dict(_readings(nvml, handle))
        failed: dict[str, Exception] = {}
        for name, read in list(self._readings.items()):
            try:
                read()
            except Exception as error:
                failed[name] = error
                del self._readings[name]
        self._neighbourhood = Neighbourhood(nvml, handle, companions)
        failed |= self._neighbourhood.failed
        self.unseen = (*_told(failed), *self._neighbourhood.unseen)

    def state(self) -> GpuState:
        """Clocks, temperature and throttle reasons of this moment."""
        bits = self._read("throttle reasons") or 0
        return GpuState(
            sm_mhz=self._read("SM clock"),
            memory_mhz=self._read("memory clock"),
            celsius=self._read("temperature"),
            reasons=tuple(name for bit, name in _REASONS.items() if bits & bit),
        )

    def strangers(self) -> Strangers | None:
        """Who uses the GPU in this moment and is not ours; None where NVML does not tell."""
        return self._neighbourhood.strangers()

    def counters(self) -> Counters:
        """What has been counted so far."""
        return Counters(
            self._read("energy"),
            self._read("time at the power cap"),
            self._read("time slowed by heat"),
        )

    def energy_period(
        self,
        clock: Callable[[], float] = time.perf_counter,
        wait: Callable[[float], object] = time.sleep,
    ) -> float | None:
        """Seconds between two updates of the counter of energy, as seen; None without a counter.

        `LONGEST_PERIOD` may stand for more: two updates are not waited for any longer.

        Args:
            clock: tells seconds.
            wait: lets some pass.
        """
        value = self._read("energy")
        if value is None:
            return None
        begun = clock()
        changed = None
        while (now := clock()) - begun < LONGEST_PERIOD:
            latest = self._read("energy")
            if latest != value:
                if changed is not None:
                    return now - changed
                changed, value = now, latest
            wait(0.001)
        return LONGEST_PERIOD

    def _read(self, name: str) -> int | None:
        read = self._readings.get(name)
        if read is None:
            return None
        try:
            return read()
        except Exception:  # NVML may lose a GPU, or what it tells of it, at any time
            return None


def _readings(nvml: Any, handle: Any) -> Iterator[tuple[str, Callable[[], int]]]:
    """What is read, each by name and by itself: a GPU that lacks one may have the others."""

    def violation(policy: str) -> int:
        found = nvml.nvmlDeviceGetViolationStatus(handle, getattr(nvml, policy))
        return int(found.violationTime)

    def reasons() -> int:
        old = getattr(nvml, "nvmlDeviceGetCurrentClocksThrottleReasons", None)
        return int((old or nvml.nvmlDeviceGetCurrentClocksEventReasons)(handle))

    yield "SM clock", lambda: int(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM))
    yield "memory clock", lambda: int(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM))
    yield (
        "temperature",
        lambda: int(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)),
    )
    yield "throttle reasons", reasons
    yield "time at the power cap", lambda: violation("NVML_PERF_POLICY_POWER")
    yield "time slowed by heat", lambda: violation("NVML_PERF_POLICY_THERMAL")
    yield "energy", lambda: int(nvml.nvmlDeviceGetTotalEnergyConsumption(handle))


def watch(device: str, companions: Collection[int] = ()) -> tuple[GpuWatch | None, str | None]:
    """What watches a torch device, or None with a warning for the user.

    On anything but CUDA there is nothing to watch, and nothing to warn of.

    Args:
        device: torch's name of it, on which this process should have something already.
        companions: other processes that are ours.
    """
    if not device.startswith("cuda"):
        return None, None
    import torch

    uuid = getattr(torch.cuda.get_device_properties(torch.device(device).index or 0), "uuid", None)
    if uuid is None:
        why = f"torch {torch.__version__} does not tell which GPU it is"
        return None, UNSEEN.format(why=why, mend="take a newer torch")
    try:
        import pynvml
    except ImportError as error:
        return None, UNSEEN.format(why=_named(error), mend=INSTALL)
    try:
        return GpuWatch(pynvml, f"GPU-{uuid}", companions), None
    except Exception as error:
        return None, UNSEEN.format(why=_named(error), mend=_mend(error))


def _told(failed: dict[str, Exception]) -> Iterator[str]:
    """A line for each reason, with all that can't be read for it."""
    by_reason: dict[tuple[str, str], list[str]] = {}
    for name, error in failed.items():
        by_reason.setdefault((_named(error), _mend(error)), []).append(name)
    for (why, mend), names in by_reason.items():
        yield f"of the GPU could not be read: {', '.join(names)} ({why}); {mend}"


def _mend(error: Exception) -> str:
    """What to do about NVML's error; names as in pynvml, where each is a class."""
    name = type(error).__name__
    if name == "NVMLError_NotSupported":
        return "this GPU does not tell that, and nothing is to be done"
    if name == "NVMLError_NoPermission":
        return "ask who runs this machine to let you read it"
    if isinstance(error, AttributeError):
        return f"{INSTALL} --upgrade"
    if name == "NVMLError_FunctionNotFound":
        return "the driver is too old for that: install a newer one"
    if name in ("NVMLError_NotFound", "NVMLError_InvalidArgument"):
        return "NVML knows no such GPU: see what nvidia-smi -L lists"
    return "see whether nvidia-smi works here"


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _difference(before: int | None, after: int | None) -> int | None:
    """None too where a counter went back, as it does when the driver is loaded anew."""
    if before is None or after is None or after < before:
        return None
    return after - before
