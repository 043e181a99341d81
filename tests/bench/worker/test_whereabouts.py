"""Which machine, GPUs and cores a worker tells of, and that it stays on those it was given."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from bench.worker import cores, whereabouts
from tests.places import ROOT


def test_a_machine_is_called_by_its_own_name_or_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(whereabouts.HOST, raising=False)
    monkeypatch.setattr(platform, "node", lambda: "node7")
    assert whereabouts.host() == "node7"
    monkeypatch.setenv(whereabouts.HOST, "a GPU node")
    assert whereabouts.describe()["host"] == "a GPU node"
    monkeypatch.delenv(whereabouts.HOST)
    monkeypatch.setattr(platform, "node", lambda: "")
    assert whereabouts.host() == "unknown"


def _gpus(monkeypatch: pytest.MonkeyPatch, *found: Any) -> Any:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(found))
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda n: found[n])
    return whereabouts.gpus()


def test_each_gpu_has_its_name_and_its_uuid_as_the_driver_spells_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bare = SimpleNamespace(name="H200", uuid="3f0a-1")
    spelt = SimpleNamespace(name="A100", uuid="GPU-3f0a-2")
    old = SimpleNamespace(name="V100")
    assert _gpus(monkeypatch, bare, spelt, old) == [
        {"device": "cuda:0", "uuid": "GPU-3f0a-1", "name": "H200"},
        {"device": "cuda:1", "uuid": "GPU-3f0a-2", "name": "A100"},
        {"device": "cuda:2", "uuid": None, "name": "V100"},
    ]


def test_without_a_gpu_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert whereabouts.gpus() == []


def test_cores_come_by_physical_core(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"{number}").write_text(f"{number % 2},{number % 2 + 2}\n")
    monkeypatch.setattr(whereabouts, "_SIBLINGS", f"{tmp_path}/{{}}")
    monkeypatch.setattr(cores, "may_use", lambda: [0, 1, 2, 3, 9])
    assert whereabouts.describe()["cores"] == [[0, 2], [1, 3], [9]]


def test_cores_that_may_be_used_are_all_that_there_are_where_nobody_tells(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert cores.may_use() == [0, 1, 2]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux alone holds processes")
@pytest.mark.parametrize("named", ["", str(cores.may_use()[-1])])
def test_a_process_is_held_to_the_cores_that_are_named(named: str) -> None:
    code = "from bench.worker import cores; cores.hold(); print(cores.may_use())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, cores.CORES: named},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str([int(named)] if named else cores.may_use())
