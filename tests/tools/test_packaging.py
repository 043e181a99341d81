"""What is built from here works where it is installed: from an unrelated folder, beside strangers.

One build and one installation serve all tests. What the program depends on is the environment's of
the tests, seen through a path file; nothing is downloaded.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.places import MACHINE, ROOT

PATIENCE = 200
BUILD = "import sys, setuptools.build_meta as made; getattr(made, sys.argv[1])(sys.argv[2])"
LEFT_BEHIND = shutil.ignore_patterns(
    ".venv", ".git", "runs", "report", "wheelhouse", "*.egg-info", "__pycache__", ".*_cache"
)


@dataclass(frozen=True)
class Installed:
    """The program where it was installed.

    Attributes:
        source: the sdist, unpacked.
        python: of the fresh environment.
        elsewhere: a folder that has nothing to do with it.
    """

    source: Path
    python: Path
    elsewhere: Path

    def run(self, *words: object, **variables: str) -> subprocess.CompletedProcess[str]:
        """A command of the fresh environment."""
        program, *rest = map(str, words)
        known = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYTEST"))}
        return subprocess.run(
            [str(self.python.with_name(program)), *rest],
            cwd=self.elsewhere,
            env={**known, "OMP_NUM_THREADS": "1", **variables},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def bench(self, *words: object) -> str:
        """What the installed program prints; it must end well."""
        done = self.run("semibackward-bench", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """An sdist of the checkout, a wheel of that, and an environment that has it."""
    here = tmp_path_factory.mktemp("packaging")
    shutil.copytree(ROOT, here / "checkout", ignore=LEFT_BEHIND, symlinks=True)
    _call(sys.executable, "-c", BUILD, "build_sdist", here / "dist", cwd=here / "checkout")
    (sdist,) = (here / "dist").glob("*.tar.gz")
    with tarfile.open(sdist) as packed:
        packed.extractall(here / "unpacked")
    (source,) = (here / "unpacked").iterdir()
    _call(sys.executable, "-c", BUILD, "build_wheel", here / "dist", cwd=source)
    (wheel,) = (here / "dist").glob("*.whl")
    _call(sys.executable, "-m", "venv", "--without-pip", here / "fresh", cwd=here)
    python = here / "fresh" / "bin" / "python"
    _call(
        *(sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"),
        *("--python", python, "install", "--no-deps", "--no-index", wheel),
        cwd=here,
    )
    # The editable installation of the checkout hangs on a path file of its own, which counts only
    # in a folder of packages, and not in one that is added so.
    (packages,) = (here / "fresh" / "lib").glob("python*/site-packages")
    (packages / "tests-environment.pth").write_text(sysconfig.get_path("purelib"))
    (here / "elsewhere").mkdir()
    return Installed(source, python, here / "elsewhere")


def _call(*words: object, cwd: Path) -> None:
    done = subprocess.run([str(w) for w in words], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_sdist_is_the_checkout_as_far_as_tests_read_it(installed: Installed) -> None:
    folders = ("adapters", "bench", "docs", "reports", "results", "semibackward", "tests", "tools")
    ours = {
        path.relative_to(ROOT)
        for folder in (*folders, ".ci", ".github")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    ours |= {
        path.relative_to(ROOT) for path in ROOT.iterdir() if path.suffix in (".cff", ".md", ".lock")
    }
    ours |= {Path("Makefile"), Path("pyproject.toml"), Path("LICENSE")}
    assert len(ours) > 500
    assert {path for path in ours if not (installed.source / path).is_file()} == set()


def test_what_runs_is_what_was_installed(installed: Installed) -> None:
    code = (
        "from importlib.util import find_spec as find;"
        "print(*(find(name).origin for name in ('adapters', 'bench', 'reports', 'semibackward')))"
    )
    said = installed.run("python", "-c", code).stdout
    assert said.count(str(installed.python.parents[1])) == 4


def test_it_calls_itself_as_it_is_called(installed: Installed) -> None:
    told = installed.bench("--help")
    assert told.startswith("usage: semibackward-bench ")
    assert "python -m bench" not in told
    assert "semibackward-bench run --help" in " ".join(told.split())
    wrong = installed.run("semibackward-bench", "counts", "--libs")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "see semibackward-bench counts --help" in wrong.stderr


def test_everything_can_be_listed(installed: Installed) -> None:
    told = installed.bench("list")
    assert "paper-libraries" in told
    assert "paper-text" in told
    assert "training" in told
    assert "semibackward-bench list models" in told


@pytest.mark.parametrize("form", ["md", "html", "json"])
def test_records_are_reported(installed: Installed, form: str) -> None:
    told = installed.bench("report", MACHINE / "paper-batch-sizes-small.jsonl", "--format", form)
    assert "python -m bench" not in told
    if form == "md":
        assert re.search(r"published speedup +\|.* 1\.4", told), "the paper's numbers are there"
        assert "arXiv" not in told
        assert "semibackward-bench --suite paper-batch-sizes-small" in told
    if form == "json":
        assert json.loads(told)


def test_text_finds_its_sentences_and_words(installed: Installed) -> None:
    code = (
        "from adapters.text import lexicon, sentences;"
        "from bench.records import reading; from importlib import resources as r;"
        "print(len(sentences.read(sentences.SHIPPED)));"
        "print(r.files('bench.records').joinpath('record.schema.json').is_file())"
    )
    done = installed.run("python", "-c", code)
    assert done.stdout.split() == ["50", "True"], done.stderr


def test_what_to_install_is_told_without_make(installed: Installed) -> None:
    """The commands that mend an installation that lacks torch."""
    (installed.elsewhere / "lacks" / "torch").mkdir(parents=True)
    (installed.elsewhere / "lacks" / "torch" / "__init__.py").write_text(
        "raise ImportError('none')"
    )
    sight = {"PYTHONPATH": str(installed.elsewhere / "lacks")}
    for words, code in ((["doctor"], 5), (["--libs", "foolbox"], 2)):
        done = installed.run("semibackward-bench", *words, **sight)
        said = done.stdout + done.stderr
        assert done.returncode == code, said
        assert "python -m pip install 'semibackward-bench[libraries]'" in said
        assert "make" not in said


def test_it_measures_and_tells_how_to_go_on(installed: Installed) -> None:
    (installed.elsewhere / "my attacks.py").write_text(
        "def fgsm(model, images, labels):\n"
        "    images = images.clone().requires_grad_()\n"
        "    model(images).logsumexp(1).sum().backward()\n"
        "    return (images + images.grad.sign() / 255).detach().clamp(0, 1)\n"
    )
    words = ["--attack", "my attacks.py:fgsm", "--models", "wrn_10_1", "--image-size", "32"]
    quickly = ["--batch", "2", "--max-seconds", "0.5", "--precision", "0.9", "--processes", "1"]
    quickly += ["--memory", "keep"]
    told = installed.bench("explain", *words, *quickly, "--format", "md", "--out", "a run.jsonl")
    assert "semibackward-bench explain --attack 'my attacks.py:fgsm'" in told
    first = json.loads((installed.elsewhere / "a run.jsonl").read_text().partition("\n")[0])
    assert first["command"][:3] == ["python", "-m", "bench"], "records spell it alike everywhere"
