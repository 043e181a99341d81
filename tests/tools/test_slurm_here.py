"""Where Slurm can't be had, `make test-slurm` says so; what it starts is its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.places import ROOT
from tools import slurm_here


def test_where_it_can_not_be_installed_it_says_so_and_runs_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(slurm_here, "started", None)
    assert slurm_here.main() == 0
    assert "(there is no apt-get); the tests of Slurm were NOT run." in capsys.readouterr().out


def test_nor_as_anybody_but_root(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(slurm_here, "started", None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(shutil, "which", lambda name, **_: f"/usr/bin/{name}")
    assert slurm_here.main() == 0
    assert "sudo make test-slurm" in capsys.readouterr().out
    found = {"apt-get": "/usr/bin/apt-get"}
    monkeypatch.setattr(shutil, "which", lambda name, **_: found.get(name))
    assert slurm_here.main() == 0
    assert "sudo apt-get install slurm-wlm munge" in capsys.readouterr().out


def test_all_that_belongs_to_it_is_in_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ports too are its own, so that another Slurm on the machine does not mind."""
    monkeypatch.setattr(os, "mknod", lambda path, *_: Path(path).touch())
    slurm_here._write(tmp_path)
    lines = (tmp_path / "slurm.conf").read_text().splitlines()
    told = dict(line.split("=", 1) for line in lines)
    for name in ("StateSaveLocation", "SlurmdSpoolDir", "SlurmctldPidFile", "SlurmdPidFile"):
        assert Path(told[name]).parent == tmp_path
    assert f"socket={tmp_path}/" in told["AuthInfo"]
    assert told["SlurmctldPort"] != told["SlurmdPort"]
    assert (tmp_path / "munge.key").stat().st_mode & 0o077 == 0


def test_it_is_part_of_ci_and_not_of_the_plain_tests() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    made = {word for line in lines if line.startswith("make ") for word in line.split()}
    assert {"test", "test-slurm", "test-ray", "check"} <= made
    assert "and not ray and not slurm" in (ROOT / "pyproject.toml").read_text()
