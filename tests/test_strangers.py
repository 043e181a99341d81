"""A user's folder may have a `bench/` or a `random.py`: ours and Python's are found anyway."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from adapters import custom
from adapters.base import AdapterError
from bench.running import templates
from bench.running.process import WorkerProcess, environment, spawn
from bench.running.templates import Template
from semibackward_bench import home, pytest_plugin
from tests.places import ROOT

pytest_plugins = ["pytester"]

PYTHONS = ("json", "logging", "queue", "random", "statistics", "subprocess", "tempfile")
"""Modules of Python's that we import, and no `python -m` before us."""
STRANGER = "raise RuntimeError('a stranger')\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, of a user who has modules of all these names."""
    for name in (*home.PACKAGES[:-1], *PYTHONS[::2]):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(STRANGER)
    for name in PYTHONS[1::2]:
        (tmp_path / f"{name}.py").write_text(STRANGER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path


def printed(command: list[str], **variables: str) -> str:
    done = subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.usefixtures("folder")
def test_the_program_does_not_look_into_the_current_folder() -> None:
    assert "semi-backward" in printed([sys.executable, "-m", "semibackward_bench", "list"])


def test_python_m_bench_takes_its_folder_off_the_path_before_it_looks_there(folder: Path) -> None:
    (folder / "bench").rename(folder / "theirs")  # which `-m bench` would run
    assert "semi-backward" in printed([sys.executable, "-m", "bench", "list", "variants"])


@pytest.mark.usefixtures("folder")
def test_the_programs_script_begins_where_no_folder_can_hide_it() -> None:
    script = "from semibackward_bench.__main__ import main; main()"
    command = [sys.executable, "-c", f"import sys; del sys.path[0]; {script}", "list", "variants"]
    assert "semi-backward" in printed(command)


def test_a_path_with_a_bench_on_it_hides_no_module_of_ours(folder: Path) -> None:
    for name in PYTHONS[::2]:
        (folder / name).rename(folder / f"{name}_")  # what the user puts on the path goes first
    for name in PYTHONS[1::2]:
        (folder / f"{name}.py").unlink()
    found = printed(home.command("bench.worker.allocator"), PYTHONPATH=str(folder))
    assert "keeps" in json.loads(found)


def test_what_the_user_put_on_the_path_goes_before_what_is_installed(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    checkout = tmp_path_factory.mktemp("checkout")
    for name in ("torchattacks", "bench", "adapters"):
        (checkout / name).mkdir()
        (checkout / name / "__init__.py").write_text("raise ImportError('the checkout')\n")
    assert environment((), {})["PYTHONPATH"] == str(ROOT)
    assert environment([folder], {})["PYTHONPATH"] == os.pathsep.join([str(folder), str(ROOT)])
    worker = WorkerProcess(lambda log: spawn(log, variables={"PYTHONPATH": str(checkout)}))
    try:
        assert worker.facts["ok"], worker.facts
        loaded = worker.ask({"do": "load", "library": "torchattacks"}, timeout=120)
        assert "the checkout" in loaded["reason"]
    finally:
        worker.close()


@pytest.mark.skipif(not templates.possible(), reason="processes are not forked here")
@pytest.mark.usefixtures("folder")
def test_a_template_does_not_look_into_the_current_folder() -> None:
    template = Template.start({})
    try:
        worker = WorkerProcess(template.fork)
        assert worker.facts["ok"], worker.facts
        worker.close()
    finally:
        template.close()


def test_an_attack_of_the_users_own_bench_is_found(folder: Path) -> None:
    (folder / "bench" / "attacks.py").write_text("def pgd(model, images, labels): ...\n")
    assert custom.parse("bench.attacks:pgd").place == "bench.attacks"
    with pytest.raises(AdapterError, match="there is no module bench"):
        custom.parse("bench.defences:pgd")


PROJECT = """
import bench, reports
import importlib, pytest, torch

@pytest.fixture
def model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 3))

def attack_on(model):
    def attack(images, labels):
        import bench.late, semibackward, adapters
        assert bench.late.WHOSE == adapters.WHOSE == semibackward.WHOSE == "the project's"
        loss = torch.nn.functional.cross_entropy(model(images.requires_grad_()), labels)
        loss.backward()
        return (images + 0.1 * images.grad.sign()).detach()
    return attack

def test_ours(semibackward, model):
    batch, attack = (torch.rand(2, 3, 2, 2), torch.tensor([0, 1])), attack_on(model)
    semibackward.assert_same(attack, semibackward.frozen(attack, model), *batch)
    with pytest.raises(AssertionError, match="2 of 2 parameters"):
        semibackward.assert_no_parameter_gradients(attack, model, *batch)
    assert importlib.import_module(semibackward.__name__) is semibackward

def test_theirs():
    import adapters
    assert bench.WHOSE == reports.WHOSE == adapters.WHOSE == "the project's"
"""


def test_a_project_with_packages_of_our_names_has_the_fixture_and_keeps_its_own(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name in home.PACKAGES[:-1]:
        package = pytester.mkpydir(name)
        (package / "__init__.py").write_text('WHOSE = "the project\'s"\n')
    (pytester.path / "bench" / "late.py").write_text('WHOSE = "the project\'s"\n')
    pytester.makepyfile(PROJECT)
    result = pytester.runpytest_subprocess("-p", pytest_plugin.__name__, "-p", "no:cacheprovider")
    result.assert_outcomes(passed=2)
