"""What workers on a CPU do with memory that is given back, and how they are told. Imports no torch.

After each step of an attack the C library gives the memory of its gradients back to the kernel, or
keeps it, by where in the heap it happens to lie; the kernel clears what it got before it hands it
out again. So one process may take a quarter longer than the next, and more so where there are more
gradients. Told to keep it, as CUDA's caching allocator always does, every process takes the same.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from typing import Any

from bench.errors import BenchError
from bench.records.memory import MemoryPolicy, MemoryUse
from bench.running.process import environment
from semibackward_bench import home

_NEVER = str(2**62)
KEEP: Mapping[str, Mapping[str, str]] = {
    # Older versions of glibc do not take a large MALLOC_MMAP_THRESHOLD_, but no mmap at all.
    "glibc": {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": _NEVER},
    "jemalloc": {"MALLOC_CONF": "dirty_decay_ms:-1,muzzy_decay_ms:-1"},
    "tcmalloc": {"TCMALLOC_RELEASE_RATE": "0"},
    "mimalloc": {"MIMALLOC_PURGE_DELAY": "-1"},
}
"""What tells an allocator to keep memory, by its name."""
_GO_BEFORE = {"glibc": ("GLIBC_TUNABLES",)}
"""Variables of the user's that go before these, beside the same names."""


def use(policy: MemoryPolicy) -> tuple[MemoryUse, dict[str, str]]:
    """What workers of this machine will do with memory, and the variables that make them.

    What the user has set goes before ours. Whether memory is kept is looked at, in a process of its
    own.

    Args:
        policy: what is asked for.
    """
    found = _look({})
    variables: dict[str, str] = {}
    if policy == "keep" and not found["keeps"]:
        known = _known(found["allocator"])
        variables = {name: value for name, value in known.items() if name not in os.environ}
        if variables:
            found = _look(variables)
    return MemoryUse(policy, found["c_library"], found["allocator"], found["keeps"]), variables


def not_kept(use: MemoryUse) -> str:
    """What to know where workers that were asked to keep memory do not, or may not."""
    who = f"{use.c_library}'s allocator" if use.allocator is None else use.allocator
    does = "does not" if use.kept is False else "may or may not"
    theirs = (*_known(use.allocator), *_GO_BEFORE.get(_name(use.allocator), ()))
    by_hand = [name for name in theirs if name in os.environ]
    if by_hand:
        why = f"with {', '.join(by_hand)} set by hand, {who} {does} keep what is given back"
    elif theirs:
        why = f"{who} {does} keep what is given back, though told to by {', '.join(theirs)}"
    else:
        why = f"this program knows no way to tell {who} to keep what is given back, and it {does}"
    return (
        f"memory is as the system gives it: {why}; times then differ more from process to process"
    )


def _name(allocator: str | None) -> str:
    return str(allocator).partition(" ")[0]


def _known(allocator: str | None) -> Mapping[str, str]:
    return KEEP.get(_name(allocator), {})


def _look(variables: Mapping[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        home.command("bench.worker.allocator"),
        env=environment((), variables),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BenchError(f"no process can be started: {done.stderr.strip()[-300:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
