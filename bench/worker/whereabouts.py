"""Which machine, which GPUs and which cores a worker sees. Imports torch."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import torch

from bench.worker import cores

HOST = "SEMIBACKWARD_BENCH_HOST"
"""The variable that names the machine in records, in place of its own name."""
_SIBLINGS = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"


def describe() -> dict[str, Any]:
    """`host`, and `cores`, the numbers of those that may be used, by physical core."""
    return {"host": host(), "cores": _by_physical_core(cores.may_use())}


def host() -> str:
    """What records call this machine."""
    return os.environ.get(HOST) or platform.node() or "unknown"


def gpus() -> list[dict[str, str | None]]:
    """Each GPU with torch's name for it, and its UUID, None where torch does not tell it.

    This starts CUDA in the process, which one that measures on a CPU is better without.
    """
    if not torch.cuda.is_available():
        return []
    found = []
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        uuid = getattr(properties, "uuid", None)
        name = None if uuid is None else f"GPU-{str(uuid).removeprefix('GPU-')}"
        found.append({"device": f"cuda:{index}", "uuid": name, "name": properties.name})
    return found


def _by_physical_core(numbers: list[int]) -> list[list[int]]:
    """The cores in groups: two threads of one physical core disturb each other."""
    groups: dict[str, list[int]] = {}
    for number in numbers:
        try:
            key = Path(_SIBLINGS.format(number)).read_text(encoding="ascii").strip()
        except OSError:
            key = str(number)
        groups.setdefault(key, []).append(number)
    return list(groups.values())
