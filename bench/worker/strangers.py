"""Who uses the GPU besides us, by NVML's lists of processes. In the worker, beside NVML and /proc.

Ours are this worker, its companion in a duel, and what they have started: their descendants, and
all in a session that one of them leads. The driver tells processes by number, and in a container
that can mean three things:

- Older drivers list the host's numbers. Then nothing in the list can be told apart, but each entry
  is a process, and ours are no more than can be counted here: what is over is strangers.
- Newer ones list the numbers of the caller's own PID namespace, and leave out whoever has none
  there. Then a stranger in another container is not seen.
- Some list nothing at all. Then nothing is known.

Where it is so the user is told. On a MIG GPU only processes of our own instance are strangers:
others have their own memory and processors.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMPUTE = "processes that compute"
_OPTIONAL = {"graphics processes": "nvmlDeviceGetGraphicsRunningProcesses"}
_MPS = "nvmlDeviceGetMPSComputeRunningProcesses"
_MPS_SERVER = "nvidia-cuda-mps-server"
"""Holds a context for its clients, which NVML lists by themselves."""
_NO_INSTANCE = 0xFFFFFFFF
"""NVML's, where there is no MIG."""
_LONGEST_NAME = 40

_PROC = Path("/proc")
_HOST = "pid:[4026531836]"
"""The first PID namespace, by the number that Linux gives it."""

MEND = "start the container with the host's PIDs (docker run --pid=host) to have them told"
COUNTED = (
    "the GPU's driver knows processes by other numbers than this container, so others that use the"
    f" GPU are counted but not named; {MEND}"
)
HIDDEN = (
    "the GPU's driver lists this container's processes alone, so others that use the GPU from"
    f" outside are not seen; {MEND}"
)
UNLISTED = (
    "the GPU's driver does not list even this program, so others that use the GPU are not seen; if"
    f" this is a container, {MEND}"
)
MIXED = (
    "the GPU's driver does not tell which MIG instance is ours, so others that use it are not seen;"
    f" {MEND}"
)


@dataclass(frozen=True)
class Strangers:
    """Processes that use the GPU and are not ours.

    Attributes:
        count: how many at least.
        names: of their programs, where they can be read.
    """

    count: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Listed:
    """All that use the GPU: number and MIG instance, and who of them comes through MPS."""

    entries: frozenset[tuple[int, int]]
    clients: frozenset[int]

    def of(self, pids: Collection[int]) -> set[int]:
        """The MIG instances in which these are."""
        return {instance for pid, instance in self.entries if pid in pids}


class Neighbourhood:
    """The processes on one GPU.

    Args:
        nvml: the module `pynvml`, or a test's stand-in.
        handle: NVML's, of the GPU.
        companions: processes besides this one that are ours.

    Attributes:
        failed: what can't be read, and why.
        unseen: lines for the user; told when this is made, so let us be on the GPU before.
    """

    def __init__(self, nvml: Any, handle: Any, companions: Collection[int] = ()) -> None:
        self._nvml = nvml
        self._ours = frozenset((os.getpid(), *companions))
        self.failed: dict[str, Exception] = {}
        self._lists: list[Callable[[], list[Any]]] = []
        asked = {COMPUTE: "nvmlDeviceGetComputeRunningProcesses", **_OPTIONAL}
        for what, function in asked.items():
            try:
                self._lists.append(_reader(nvml, handle, function))
            except Exception as error:
                self.failed[what] = error
        self._clients: Callable[[], list[Any]] = list
        with contextlib.suppress(Exception):  # an older driver; without MPS nothing is lost
            self._clients = _reader(nvml, handle, _MPS)
        self.unseen = tuple(self._told())

    def strangers(self) -> Strangers | None:
        """Those of this moment; None where NVML does not tell."""
        listed = self._listed()
        if listed is None or not listed.entries:
            return None
        instances = listed.of({os.getpid()})
        if not instances:
            return self._beyond_ours(listed)
        names = []
        for pid in sorted({pid for pid, instance in listed.entries if instance in instances}):
            if not _belongs(pid, self._ours):
                names.append(self._name(pid))
        names = [name for name in names if name != _MPS_SERVER]
        return Strangers(len(names), tuple(dict.fromkeys(filter(None, names))))

    def _beyond_ours(self, listed: _Listed) -> Strangers | None:
        """How many there are more than are ours, where no number is one of ours."""
        if len({instance for _, instance in listed.entries}) > 1:
            return None
        more = len(listed.entries) - len(self._ours) - bool(listed.clients)
        if more > 0:
            more -= sum(1 for pid in _pids() if pid not in self._ours and _belongs(pid, self._ours))
        return Strangers(max(0, more))

    def _listed(self) -> _Listed | None:
        if COMPUTE in self.failed:
            return None
        try:
            found = [entry for read in self._lists for entry in read()]
            clients = self._clients()
        except Exception:  # NVML may lose a GPU, or what it tells of it, at any time
            return None
        entries = {(int(e.pid), _instance(e)) for e in (*found, *clients) if e.pid}
        return _Listed(frozenset(entries), frozenset(int(e.pid) for e in clients if e.pid))

    def _told(self) -> Iterator[str]:
        listed = self._listed()
        if listed is None:
            return
        if listed.of({os.getpid()}):
            if _in_a_container():
                yield HIDDEN
        elif not listed.entries:
            yield UNLISTED
        elif self._beyond_ours(listed) is None:
            yield MIXED
        else:
            yield COUNTED

    def _name(self, pid: int) -> str:
        """Of a process's program, "" where nobody tells."""
        try:
            told = str(self._nvml.nvmlSystemGetProcessName(pid))
        except Exception:
            return ""
        name = told.replace("\\", "/").rpartition("/")[2]
        return "".join(filter(str.isprintable, name))[:_LONGEST_NAME]


def _reader(nvml: Any, handle: Any, function: str) -> Callable[[], list[Any]]:
    """What reads one of NVML's lists; the driver may be older than `pynvml`.

    Raises:
        Exception: NVML's own, where it can't be read.
    """
    read = getattr(nvml, function)
    try:
        read(handle)
    except Exception:
        read = getattr(nvml, f"{function}_v2", None)
        if read is None:
            raise
        read(handle)
    return lambda: list(read(handle))


def _instance(entry: Any) -> int:
    found = getattr(entry, "gpuInstanceId", None)
    return _NO_INSTANCE if found is None else int(found)


def _belongs(pid: int, ours: Collection[int]) -> bool:
    """Whether a process is one of these, descends from one, or is in the session of one."""
    met: set[int] = set()
    while pid > 1 and pid not in met:
        if pid in ours:
            return True
        met.add(pid)
        parent, session = _parent_and_session(pid)
        if session in ours:
            return True
        pid = parent
    return False


def _parent_and_session(pid: int) -> tuple[int, int]:
    """Zeros of a process that is gone, or that is not told of here."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0, 0
    # "pid (name) state parent group session"; the name may hold anything.
    _, parent, _, session = stat.rpartition(")")[2].split()[:4]
    return int(parent), int(session)


def _pids() -> Iterator[int]:
    with contextlib.suppress(OSError):
        yield from (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())


def _in_a_container() -> bool:
    """Whether this process has another PID namespace than the host."""
    try:
        return str((_PROC / "self" / "ns" / "pid").readlink()) != _HOST
    except OSError:
        return False
