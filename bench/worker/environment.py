"""Facts about the machine and the software a worker runs on. Imports torch."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from adapters import layers, origins, registry
from semibackward.rounding import tf32

_DISTRIBUTIONS = ("torch", "torchvision", "timm", "numpy", "scikit-learn", "pillow")
_MODULES = frozenset({"torch", "torchvision", "timm", "numpy", "sklearn", "PIL"})
"""What they are imported as."""

# What tunes threads, kernels and allocators, so that two runs may differ by it.
_PREFIXES = ("DNNL_", "KMP_", "MALLOC_", "MKL_", "OMP_", "ONEDNN_", "PYTORCH_")
_VARIABLES = frozenset(
    {
        "CUBLAS_WORKSPACE_CONFIG",
        "CUDA_DEVICE_MAX_CONNECTIONS",
        "CUDA_LAUNCH_BLOCKING",
        "CUDA_MODULE_LOADING",
        "CUDA_VISIBLE_DEVICES",
        "GLIBC_TUNABLES",
        "LD_PRELOAD",
        "NVIDIA_TF32_OVERRIDE",
    }
)


def describe() -> dict[str, Any]:
    """Everything that does not depend on the device chosen."""
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": _cores(),
        "torch": {
            "version": str(torch.__version__),
            "cuda": torch.version.cuda,
            "cudnn": _cudnn(),
        },
        "threads": torch.get_num_threads(),
        "math": _math(),
        "libraries": _libraries(),
        "variables": {
            name: value
            for name, value in sorted(os.environ.items())
            if name in _VARIABLES or name.startswith(_PREFIXES)
        },
    }


def devices() -> list[str]:
    """What a case can run on here, the best first."""
    # The count alone asks the driver's manager; a driver too old for this torch is counted too.
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    found = [f"cuda:{index}" for index in range(count)]
    mps = getattr(torch.backends, "mps", None)
    if mps is not None and mps.is_available():
        found.append("mps")
    return [*found, "cpu"]


def origins_of(
    libraries: Iterable[str], modules: Iterable[str], files: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """Where what is measured comes from, by name; nothing of it is imported.

    Args:
        libraries: by the names that --libs takes; of our own there is nothing to tell, nor of what
            only another's kind of workload knows.
        modules: of the user's.
        files: of the user's; what they import counts, but for what every worker has.
    """
    wanted: dict[str, tuple[str, str, Path | None]] = {}
    for name in set(registry.names()).intersection(libraries):
        adapter = registry.get(name)
        layer = layers.of(name)
        first = None if layer is None else layer.folder
        wanted[name] = (origins.module_of(adapter), adapter.distribution, first)
    imported = (name for file in files for name in origins.imported_by(Path(file)))
    known = {module.partition(".")[0] for module, *_ in wanted.values()}
    for name in (*modules, *(name for name in imported if name not in _MODULES)):
        top = name.partition(".")[0]
        if top not in known:
            wanted.setdefault(top, (name, "", Path.cwd()))  # as `custom` looks for it
    found = {
        name: origins.of(module, distribution, first)
        for name, (module, distribution, first) in wanted.items()
        if module and not origins.of_ours(module)
    }
    return {name: asdict(origin) for name, origin in found.items() if origin is not None}


def accelerator(device: str) -> dict[str, str | int]:
    """The GPU's name, count, memory in bytes and compute capability; empty for another device."""
    if not device.startswith("cuda"):
        return {}
    properties = torch.cuda.get_device_properties(torch.device(device).index or 0)
    return {
        "name": properties.name,
        "count": torch.cuda.device_count(),
        "memory": properties.total_memory,
        "capability": f"{properties.major}.{properties.minor}",
        "multiprocessors": properties.multi_processor_count,
    }


def processor() -> str:
    """The name of the CPU."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cudnn() -> str | None:
    return None if torch.version.cuda is None else str(torch.backends.cudnn.version())


def _math() -> dict[str, str | bool]:
    return {
        "cudnn.benchmark": torch.backends.cudnn.benchmark,
        **tf32(),
    }


def _libraries() -> dict[str, str]:
    found = {}
    for name in _DISTRIBUTIONS:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    for adapter in map(registry.get, registry.OURS):
        version = registry.version(adapter)
        if version is not None:
            found[adapter.distribution] = version
    return found
