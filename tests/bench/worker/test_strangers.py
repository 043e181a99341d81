"""Who uses a GPU besides us, by made-up lists of NVML's and a made-up /proc."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch

from bench.worker import serve, strangers
from bench.worker.nvml import GpuWatch
from bench.worker.strangers import Neighbourhood, Strangers
from tests.bench.worker.fake_nvml import (
    Entries,
    FakeGpu,
    NVMLError_NoPermission,
    NVMLError_NotSupported,
    NVMLLibraryMismatchError,
    entries,
)
from tests.fake_cuda import DEVICE, played, played_gpu

OWN = os.getpid()
COMPANION, CHILD, GRANDCHILD, ORPHAN, COMPANIONS_CHILD = range(900_000_001, 900_000_006)
STRANGER, OTHER, SHELL, SERVER = range(900_000_006, 900_000_010)

# Number: parent and session. The orphan's parent has ended; it is still in our session.
PROCESSES = {
    SHELL: (1, SHELL),
    OWN: (SHELL, OWN),
    COMPANION: (SHELL, COMPANION),
    CHILD: (OWN, CHILD),
    GRANDCHILD: (CHILD, CHILD),
    ORPHAN: (1, OWN),
    COMPANIONS_CHILD: (COMPANION, COMPANION),
    STRANGER: (SHELL, SHELL),
    OTHER: (1, OTHER),
}


def write_proc(folder: Path, host: bool, processes: dict[int, tuple[int, int]]) -> None:
    for pid, (parent, session) in processes.items():
        (folder / str(pid)).mkdir(parents=True)
        stat = f"{pid} (a name) of (many) S {parent} {pid} {session} 0 -1"
        (folder / str(pid) / "stat").write_text(stat, encoding="utf-8")
    (folder / "self" / "ns").mkdir(parents=True)
    (folder / "self" / "ns" / "pid").symlink_to(strangers._HOST if host else "pid:[4026532999]")


@pytest.fixture(autouse=True)
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_proc(tmp_path / "host", True, PROCESSES)
    monkeypatch.setattr(strangers, "_PROC", tmp_path / "host")


@pytest.fixture
def container(host: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = {pid: PROCESSES[pid] for pid in (OWN, COMPANION)}
    write_proc(tmp_path / "container", False, mine)
    monkeypatch.setattr(strangers, "_PROC", tmp_path / "container")


def gpu_with(
    compute: Entries, graphics: Sequence[SimpleNamespace] = (), mps: Sequence[SimpleNamespace] = ()
) -> FakeGpu:
    gpu = FakeGpu()
    gpu.compute, gpu.graphics, gpu.mps = compute, list(graphics), list(mps)
    gpu.programs = {
        STRANGER: "/opt/my tools/python3",
        OTHER: "C:\\tools\\train\x1b[31m.exe",
        SERVER: "/usr/bin/nvidia-cuda-mps-server",
    }
    return gpu


PYTHON, TRAIN = "python3", "train[31m.exe"


@pytest.mark.parametrize(
    ("gpu", "count", "names"),
    [
        (gpu_with(entries([OWN])), 0, ()),
        (gpu_with(entries([OWN, STRANGER])), 1, (PYTHON,)),
        (gpu_with(entries([OWN, STRANGER, OTHER])), 2, (PYTHON, TRAIN)),
        (gpu_with(entries([OWN, SHELL])), 1, ()),  # what started us is not ours; it has no name
        (gpu_with(entries([OWN]), graphics=entries([OTHER])), 1, (TRAIN,)),
        (gpu_with(entries([OWN, OTHER]), graphics=entries([OTHER])), 1, (TRAIN,)),
        (gpu_with(entries([OWN, CHILD, GRANDCHILD, ORPHAN])), 0, ()),
        (gpu_with(entries([OWN, COMPANION, COMPANIONS_CHILD])), 0, ()),
        (gpu_with(entries([OWN, COMPANION, STRANGER])), 1, (PYTHON,)),
        (gpu_with(entries([OWN, 0])), 0, ()),
        (gpu_with(entries([SERVER]), mps=entries([OWN])), 0, ()),
        (gpu_with(entries([SERVER]), mps=entries([OWN, STRANGER])), 1, (PYTHON,)),
        (gpu_with(entries([OWN], 3) + entries([STRANGER], 4)), 0, ()),
        (gpu_with(entries([OWN, STRANGER], 3)), 1, (PYTHON,)),
    ],
)
def test_strangers_are_those_who_are_not_ours(
    gpu: FakeGpu, count: int, names: tuple[str, ...]
) -> None:
    here = Neighbourhood(gpu, "GPU-1", (OWN, COMPANION))
    assert here.strangers() == Strangers(count, names)
    assert (here.unseen, here.failed) == ((), {})


def test_the_other_side_of_a_duel_is_one_only_where_nobody_told() -> None:
    gpu = gpu_with(entries([OWN, COMPANION]))
    assert GpuWatch(gpu, "GPU-1").strangers() == Strangers(1)
    assert GpuWatch(gpu, "GPU-1", (COMPANION,)).strangers() == Strangers(0)


A, B, C, D = 70_001, 70_002, 70_003, 70_004
"""The host's numbers, which nobody knows in a container."""


@pytest.mark.parametrize(
    ("gpu", "companions", "count"),
    [
        (gpu_with(entries([A])), (), 0),
        (gpu_with(entries([A, B])), (), 1),
        (gpu_with(entries([A, B])), (COMPANION,), 0),
        (gpu_with(entries([A, B, C])), (COMPANION,), 1),
        (gpu_with(entries([A]), graphics=entries([A, B, C])), (), 2),
        (gpu_with(entries([A]), mps=entries([B])), (), 0),  # the server, and us
        (gpu_with(entries([A]), mps=entries([B, C])), (), 1),
    ],
)
@pytest.mark.usefixtures("container")
def test_where_numbers_are_the_hosts_strangers_are_counted(
    gpu: FakeGpu, companions: tuple[int, ...], count: int
) -> None:
    here = Neighbourhood(gpu, "GPU-1", companions)
    assert here.strangers() == Strangers(count)
    assert here.unseen == (strangers.COUNTED,)


def test_what_we_have_started_may_be_what_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_proc(tmp_path / "with a child", False, {p: PROCESSES[p] for p in (OWN, CHILD, OTHER)})
    monkeypatch.setattr(strangers, "_PROC", tmp_path / "with a child")
    assert Neighbourhood(gpu_with(entries([A, B])), "GPU-1").strangers() == Strangers(0)
    assert Neighbourhood(gpu_with(entries([A, B, C])), "GPU-1").strangers() == Strangers(1)


@pytest.mark.parametrize(
    ("gpu", "found", "said"),
    [
        (gpu_with(entries([])), None, strangers.UNLISTED),
        (gpu_with(entries([0])), None, strangers.UNLISTED),
        (gpu_with(entries([A], 3) + entries([B], 4)), None, strangers.MIXED),
        (gpu_with(entries([OWN, COMPANION])), Strangers(1), strangers.HIDDEN),
    ],
)
@pytest.mark.usefixtures("container")
def test_what_a_container_hides_is_told(gpu: FakeGpu, found: Strangers | None, said: str) -> None:
    here = Neighbourhood(gpu, "GPU-1")
    assert here.strangers() == found
    assert here.unseen == (said,)
    assert "--pid=host" in said


@pytest.mark.parametrize("error", [NVMLError_NotSupported, NVMLError_NoPermission])
@pytest.mark.parametrize(
    ("function", "what", "found"),
    [
        ("Compute", "processes that compute", None),
        ("Graphics", "graphics processes", Strangers(1, (PYTHON,))),
    ],
)
def test_a_list_that_can_not_be_read_is_told_once_and_costs_nothing_else(
    error: type[Exception], function: str, what: str, found: Strangers | None
) -> None:
    gpu = gpu_with(entries([OWN, STRANGER]))
    gpu.fails = {f"nvmlDeviceGet{function}RunningProcesses": error("no")}
    watch = GpuWatch(gpu, "GPU-1")
    (said,) = watch.unseen
    assert said.startswith(f"of the GPU could not be read: {what} ({error.__name__}: no); ")
    assert watch.strangers() == found
    assert watch.state().celsius == 35


def test_without_mps_in_an_older_driver_nothing_is_lost() -> None:
    gpu = gpu_with(entries([OWN, STRANGER]))
    gpu.fails = {"nvmlDeviceGetMPSComputeRunningProcesses": NVMLLibraryMismatchError("old")}
    watch = GpuWatch(gpu, "GPU-1")
    assert (watch.unseen, watch.strangers()) == ((), Strangers(1, (PYTHON,)))


def test_an_older_driver_is_asked_by_the_older_name() -> None:
    class Older(FakeGpu):
        def nvmlDeviceGetComputeRunningProcesses_v2(self, handle: str) -> Entries:  # noqa: N802
            return self.compute

    gpu = Older({"nvmlDeviceGetComputeRunningProcesses": NVMLLibraryMismatchError("newer")})
    gpu.compute = [SimpleNamespace(pid=pid) for pid in (OWN, STRANGER)]  # without instances
    here = Neighbourhood(gpu, "GPU-1")
    assert (here.failed, here.strangers()) == ({}, Strangers(1))


def test_this_process_and_what_it_starts_are_told_by_the_real_proc(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(strangers, "_PROC", Path("/proc"))
    assert strangers._belongs(OWN, {OWN})
    assert strangers._belongs(OWN, {os.getppid()})
    assert not strangers._belongs(os.getppid(), {OWN})
    assert OWN in set(strangers._pids())


@played_gpu
@pytest.mark.parametrize(
    ("compute", "count"), [(lambda: entries([OWN]), 0), (lambda: entries([OWN, STRANGER]), 1)]
)
def test_doctor_asks_a_worker_who_uses_a_gpu(
    compute: Callable[[], Entries], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = gpu_with(compute())
    made = ModuleType("pynvml")
    for name in dir(gpu):
        if name.lower().startswith("nvml"):
            setattr(made, name, getattr(gpu, name))
    monkeypatch.setitem(sys.modules, "pynvml", made)
    properties = SimpleNamespace(uuid="1")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: properties)
    with played():
        answer = serve.Worker().answer({"do": "strangers", "device": DEVICE})
    assert answer["ok"], answer
    assert answer["strangers"]["count"] == count
    assert answer["unseen"] == []
