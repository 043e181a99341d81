"""Keep a worker within some memory, so that running out of it is an answer. Lives in the worker."""

from __future__ import annotations

import sys


def limit_memory(count: int, device: str) -> None:
    """Let torch take at most so many more bytes, on the device the case runs on.

    On CUDA the allocator refuses what goes beyond; on Linux the kernel refuses the process's data.

    Args:
        count: bytes beyond what this process holds now.
        device: torch's name of the device.

    Raises:
        NotImplementedError: this system has no such limit.
    """
    if device.startswith("cuda"):
        import torch

        index = torch.device(device).index or 0
        total = torch.cuda.get_device_properties(index).total_memory
        held = torch.cuda.memory_reserved(index)
        torch.cuda.set_per_process_memory_fraction(min(1.0, (held + count) / total), index)
        return
    if not sys.platform.startswith("linux"):
        raise NotImplementedError("memory can be limited on Linux and on CUDA only")
    import resource
    from pathlib import Path

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (pages * resource.getpagesize() + count, hard))
