"""Which allocator a process has, and whether it keeps memory that was given back to it.

Run by its `main`, in a process with the environment that workers will have, it prints both as JSON:
what an allocator does is looked at, not concluded from its name. Imports no torch.
"""

from __future__ import annotations

import json
import os
import platform
import re
from pathlib import Path
from typing import Any

_SIZE = 64 * 2**20
"""Bytes that are taken and given back."""
_OTHERS = re.compile(r"lib(jemalloc|tcmalloc|mimalloc|snmalloc|hoard)")


def describe() -> dict[str, Any]:
    """What is there: `c_library`, `allocator` (None where nobody tells), and whether it `keeps`."""
    maps = _maps()
    library = _c_library(maps)
    other = _OTHERS.search(maps)
    own = library if library.partition(" ")[0] in ("glibc", "musl") else None
    return {
        "c_library": library,
        "allocator": other.group(1) if other else own,
        "keeps": keeps(),
    }


def keeps() -> bool | None:
    """Whether memory that was given back and is taken again needs no work of the kernel.

    Pages that the kernel took back have to be cleared, and each is a minor fault. None where faults
    can't be counted.
    """
    try:
        import resource
    except ImportError:
        return None
    faults = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        bytearray(_SIZE)  # filled with zeros, and freed at once
        faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    return faults[-1] <= faults[0] / 10


def _c_library(maps: str) -> str:
    try:
        found = os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, OSError, ValueError):
        found = None
    if found:
        return found
    if "musl" in maps:
        return "musl"
    return f"{platform.system()} {platform.release()}"


def _maps() -> str:
    """The files that are mapped into this process, where the system tells."""
    try:
        return Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def main() -> None:
    """Print what is there."""
    print(json.dumps(describe()))
