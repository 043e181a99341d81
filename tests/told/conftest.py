"""A desk on which everything lies that pages speak of."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.running import session
from tests.bench.compare.files import benchmarks
from tests.places import RESULTS, ROOT
from tests.told.planning import planned, started


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which everything lies that pages speak of, to be the current one."""
    here = tmp_path / "desk"
    for folder in (
        "out",
        "runs",
        "my_package",
        "my_photos",
        "my-fork",
        "before",
        "after",
        "shards",
    ):
        (here / folder).mkdir(parents=True)
    (tmp_path / "out").mkdir()
    for folder in ("results", "docs"):
        (here / folder).symlink_to(ROOT / folder)
    before, after = (RESULTS / "regressions" / f"run-{when}.jsonl" for when in ("before", "after"))
    for name in (
        "run",
        "old",
        "base",
        "monday",
        "out/base",
        "out/night",
        "out/fixed",
        "../out/base",
        "shards/shard-1-of-2",
    ):
        shutil.copy(before, here / f"{name}.jsonl")
    for name in ("new", "tuesday", "out/new", "../out/new"):
        shutil.copy(after, here / f"{name}.jsonl")
    for name in ("before", "after"):
        (here / "runs" / f"{name}.json").write_text(benchmarks())
        (here / name / "setup.py").touch()
    for name in ("my_attacks.py", "my_package/attacks.py", "copy_00.py"):
        (here / name).write_text("def pgd(model, images, labels): ...\nfgsm = attack = pgd\n")
    (here / "my_workload.py").write_text("def setup(batch=256, device='cpu'): ...\n")
    for name in ("my_models.py", "my_package/nets.py"):
        (here / name).write_text("def build(): ...\n")
    (here / "my_package" / "__init__.py").touch()
    (here / "my-fork" / "pyproject.toml").touch()
    (here / "labels.txt").write_text("3 1 4 1")
    for name in ("best.pt", "my_resnet18.pt"):
        (here / name).touch()
    (here / "my_photos" / "cat.jpg").touch()
    monkeypatch.chdir(here)
    monkeypatch.syspath_prepend(here)
    monkeypatch.setattr(session, "opened", planned)
    monkeypatch.setattr("bench.duel.installing.install", started)
    monkeypatch.setattr("bench.layering.make", started)
    monkeypatch.setattr("bench.slurm.submitting.check", lambda: None)
    monkeypatch.setattr("bench.slurm.submitting.submit", started)
    monkeypatch.setattr("bench.slurm.estimating.tried", started)
    monkeypatch.setattr("bench.commands.machine_doctor.WorkerPool", started)
    monkeypatch.setattr("bench.commands.model_doctor.WorkerPool", started)
    monkeypatch.setattr("bench.commands.report._drawn", lambda *_: "", raising=False)
    monkeypatch.setattr("bench.commands.report._figures", lambda *_: None, raising=False)
    return here
