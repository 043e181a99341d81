"""The GPU's clocks, temperature and throttling, by NVML. Lives in the worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.statistics.blocks import GpuState

MISSING = (
    "the GPU's clocks and throttling could not be watched ({why});"
    " python -m pip install nvidia-ml-py"
)

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
THROTTLED = frozenset(
    {
        "hardware slowdown",
        "software thermal slowdown",
        "hardware thermal slowdown",
        "power brake",
    }
)
"""What makes a block be repeated. At its power cap a GPU works as it always does under load."""


class GpuWatch:
    """One GPU, by NVML.

    Args:
        nvml: the module `pynvml`, or a test's stand-in.
        uuid: the GPU's, as NVML spells it ("GPU-...").

    Raises:
        Exception: NVML's own, where there is no such GPU or no driver.
    """

    def __init__(self, nvml: Any, uuid: str) -> None:
        self._nvml = nvml
        nvml.nvmlInit()
        self._handle = nvml.nvmlDeviceGetHandleByUUID(uuid)
        self.state()

    def state(self) -> GpuState:
        """What NVML says now."""
        nvml, handle = self._nvml, self._handle
        bits = int(nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle))
        return GpuState(
            sm_mhz=int(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM)),
            memory_mhz=int(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM)),
            celsius=int(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)),
            reasons=tuple(name for bit, name in _REASONS.items() if bits & bit),
        )


def watch(device: str) -> tuple[Callable[[], GpuState] | None, str | None]:
    """A function that tells the state of a torch device, or None with a warning for the user.

    On anything but CUDA there is nothing to watch, and nothing to warn of.
    """
    if not device.startswith("cuda"):
        return None, None
    import torch

    uuid = getattr(torch.cuda.get_device_properties(torch.device(device).index or 0), "uuid", None)
    if uuid is None:
        return None, MISSING.format(why=f"torch {torch.__version__} does not tell which GPU it is")
    try:
        import pynvml

        return GpuWatch(pynvml, f"GPU-{uuid}").state, None
    except Exception as error:
        return None, MISSING.format(why=f"{type(error).__name__}: {error}")


def throttled(state: GpuState | None) -> bool:
    """Whether a block in this state has to be repeated."""
    return state is not None and not THROTTLED.isdisjoint(state.reasons)
