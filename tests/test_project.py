"""Suites, the house's rules, and what the Makefile's tools do without a network."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from bench.choosing import selection, suites
from bench.choosing.suites import Limits
from bench.errors import UsageError
from bench.kinds import registry
from bench.kinds.images.kind import ImageGroup
from bench.running.pool import WorkerPool
from bench.running.runner import Runner
from bench.words import closest, unknown
from tests.commands import request
from tests.places import ROOT
from tools import bench_gpu, wheelhouse
from tools.wheelhouse import Target

PAGES = [f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")]
GROUP = """
[[cases]]
libs = ["foolbox"]
attacks = ["pgd"]
models = ["resnet18"]
batch = [4]
image_size = 32
steps = 2
"""


@pytest.mark.parametrize("name", suites.names())
def test_every_suite_that_ships_can_be_read(name: str) -> None:
    suite = suites.load(name)
    assert suite.description
    assert suite.groups


def test_the_paper_suite_is_as_published() -> None:
    (group,) = suites.load("paper-libraries").groups
    assert isinstance(group, ImageGroup)
    assert (group.models, group.batch, group.image_size, group.steps) == (
        ("resnet50",),
        (16,),
        224,
        (40,),
    )
    assert len(group.libs) == 6


def test_what_is_given_goes_before_what_the_suite_says(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[run]\nprecision = 0.1\n" + GROUP + GROUP.replace("[4]", "[8]"))
    assert suites.load(str(path)).limits.precision == 0.1
    asked = request("--suite", str(path), "--batch", "1", "2", "--precision", "0.5")
    changed = selection.choose_suite(asked, "cpu")
    assert changed.limits.precision == 0.5
    assert len(changed.groups) == 1, "two groups that became the same are one"
    assert (changed.groups[0].batch, changed.groups[0].libs) == ((1, 2), ("foolbox",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cases = 1", "of the wrong type"),
        ("", r"names no \[\[cases\]\]"),
        ("= no toml", "no TOML"),
        (GROUP + "stepz = 3", "unknown key 'stepz'; did you mean steps?"),
        (GROUP.replace("steps = 2", ""), "lacks steps"),
        (GROUP.replace("[4]", '["4"]'), "batch must be a list of int"),
        (GROUP.replace("[4]", "[]"), "batch must be a list of int"),
        (GROUP.replace('["pgd"]', '"pgd"'), "of the wrong type"),
        ("[run]\nprecision = true\n" + GROUP, "of the wrong type"),
        ("[run]\nprocesses = 0\n" + GROUP, "processes = 0 must be above 0"),
        ("[run]\nmax_seconds = nan\n" + GROUP, "must be above 0"),
    ],
)
def test_a_wrong_suite_is_told(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        suites.load(str(path))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('kind = "nope"', "unknown kind 'nope'; there are images, text, training"),
        ("kind = 3", "unknown kind 3"),
        ('kind = "training"', "lacks training"),
        ('kind = "text"', "unknown key 'image_size'"),
        ('kind = "images"\nqueries = 3', "unknown key 'queries'"),
    ],
)
def test_a_suite_may_name_the_kind(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GROUP + text)
    with pytest.raises(UsageError, match=said):
        suites.load(str(path))
    path.write_text(GROUP + 'kind = "images"')
    assert suites.load(str(path)).groups[0].kind == "images"


def test_libraries_of_a_suite_attack_what_its_kind_is_of(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text((GROUP + 'kind = "images"').replace("foolbox", "openattack"))
    with pytest.raises(UsageError, match="openattack attacks text"):
        selection.choose_suite(request("--suite", str(path)), "cpu")


def test_what_is_suggested_is_suggested_once() -> None:
    with pytest.raises(UsageError, match=r"did you mean pgd or upgd\?"):
        unknown("attack", ["pgdd"], ["pgd", "upgd", "pgd", "cw"])


def test_a_case_is_given_more_time_than_it_may_measure() -> None:
    assert Limits(max_seconds=10).patience == 600
    assert Limits(max_seconds=1000).patience > 4 * 1000
    assert Limits(timeout=5).patience == 5


@pytest.mark.parametrize(
    ("name", "said"),
    [("folbox", "; did you mean foolbox?"), ("zzz", "; there are art, foolbox")],
)
def test_close_matches(name: str, said: str) -> None:
    assert closest(name, ["art", "foolbox"]) == said


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", *sorted(PAGES)])
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:\w+/)+[\w.-]*)`", text))
    roots = {"adapters", "bench", "docs", "reports", "results", "semibackward", "tests", "tools"}
    ours = {name for name in named if name.partition("/")[0] in roots}
    assert {name for name in ours if not (ROOT / name).exists()} == set()


def test_the_map_names_every_package() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for folder in (*(ROOT / "bench").iterdir(), *(ROOT / "reports").iterdir()):
        if (folder / "__init__.py").is_file():
            assert f"{folder.name}/`" in text, folder.name


LONGEST = 350
"""Lines of a module that is no declared table of data."""


def modules() -> dict[str, str]:
    """The source of every module in the checkout, by its path."""
    listed = subprocess.run(
        ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    paths = [ROOT / name for name in listed.stdout.split()]
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in paths
        if path.is_file()
    }


def test_no_module_is_long() -> None:
    lengths = {name: text.count("\n") for name, text in modules().items()}
    assert len(lengths) > 200
    long = {name for name, length in lengths.items() if length > LONGEST}
    assert {name for name in long if not name.startswith("adapters/libraries/declared/")} == set()


def asks_for_a_kind(text: str) -> list[str]:
    """Where a module compares something with a kind's name, or looks for a type of one kind's."""
    types = {
        found.__name__
        for kind in registry.every()
        for found in (kind.options, kind.group, kind.findings, *kind.lines.values())
        if found is not None
    }
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            kinds = {
                constant.value
                for side in sides
                for constant in ast.walk(side)
                if isinstance(constant, ast.Constant) and constant.value in registry.OURS
            }
            if kinds:
                found.append(f"line {node.lineno}: compares with {kinds}")
        if isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            if name in types:
                found.append(f"line {node.lineno}: {name}")
    return found


def test_nobody_but_a_kind_asks_which_kind_it_has_in_hand() -> None:
    others = {
        name: text
        for name, text in modules().items()
        if name.startswith(("bench/", "reports/"))
        and not name.startswith(("bench/kinds/", "reports/kinds/"))
        and name != "bench/duel/pair.py"  # its control is an attack on images of ours
    }
    assert len(others) > 80
    asked = {name: where for name, text in others.items() if (where := asks_for_a_kind(text))}
    assert asked == {}


def test_such_a_question_would_be_found() -> None:
    assert asks_for_a_kind('if case.kind == "text": ...')
    assert asks_for_a_kind('if kind in ("images", "training"): ...')
    assert asks_for_a_kind("isinstance(case.options, TextOptions)")
    assert not asks_for_a_kind('told = {"text": 1}')


def test_a_worker_needs_nothing_that_only_the_controlling_process_uses() -> None:
    """So that it can run in another environment, beside an old torch."""
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['psutil', 'pydantic', 'rich', 'scipy']));"
        "import bench.worker.serve, bench.worker.workload, bench.kinds.text.building;"
        "import bench.kinds.images.building, bench.kinds.training.learning;"
        "import bench.worker.checks, bench.worker.environment, bench.worker.timer;"
        "import bench.worker.failures, bench.worker.nvml, bench.worker.memory_limit"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-uv.lock"])
def test_locks_pin_by_hash_and_name_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^--", text, re.MULTILINE)
    pins = re.split(r"\n(?=\S)", text.strip())
    assert all("==" in pin and "--hash=sha256:" in pin for pin in pins if not pin.startswith("#"))


def test_the_wheelhouse_leaves_the_torch_stack_out() -> None:
    target = Target("3.12", "x86_64")
    lacking = wheelhouse.wanted(target) - wheelhouse.torch_stack(target)
    assert {"torchattacks", "foolbox", "advertorch", "timm", "pydantic"} <= lacking
    assert not lacking & {"torch", "torchvision", "numpy", "pillow", "sympy", "ruff", "mypy"}
    kernels = [name for name in lacking if name.startswith(("nvidia", "cuda"))]
    assert kernels == ["nvidia-ml-py"], "what watches the GPU, and none of what runs on it"
    pinned = {pin.name for pin in wheelhouse.locked(target)}
    assert lacking <= {canonicalize_name(name) for name in pinned}
    with_text = wheelhouse.wanted(target, text=True) - wheelhouse.torch_stack(target)
    assert {"openattack", "transformers"} <= with_text - lacking


def test_the_wheelhouse_reads_both_lists_of_pip() -> None:
    text = (
        "Package    Version\n---------- -------\nnumpy      2.1\nPillow==12.0\ntimm @ file:///x\n"
    )
    assert {"numpy", "pillow", "timm"} <= wheelhouse.names_in(text)


def test_the_lock_pins_one_version_of_each_on_every_python() -> None:
    for python in ("3.10", "3.11", "3.12", "3.13"):
        names = [pin.name for pin in wheelhouse.locked(Target(python, "x86_64"))]
        assert len(names) == len(set(names)), python


@pytest.mark.parametrize(
    ("name", "folder"),
    [("NVIDIA H200", "nvidia-h200"), ("NVIDIA A100-SXM4-80GB", "nvidia-a100-sxm4-80gb")],
)
def test_a_gpus_results_lie_under_its_name(name: str, folder: str) -> None:
    assert bench_gpu.folder_name(name) == folder


def test_the_reference_suite_is_written_case_by_case_and_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def measure(words: list[str]) -> int:
        asked.append(words)
        file = tmp_path / "nvidia-h200" / "reference.jsonl"
        file.parent.mkdir(exist_ok=True)
        file.touch()
        return 5

    monkeypatch.setattr(bench_gpu, "RESULTS", tmp_path)
    monkeypatch.setattr(bench_gpu, "gpu_name", lambda: "NVIDIA H200")
    monkeypatch.setattr("bench.cli.main", measure)
    assert bench_gpu.main() == 5, "the run's code, not the report's"
    run, report = asked
    assert run[-3:] == ["--out", str(tmp_path / "nvidia-h200" / "reference.jsonl"), "--resume"]
    assert report == ["report", run[-2], "--out", str(tmp_path / "nvidia-h200")]


def test_where_the_time_went_adds_up() -> None:
    from bench.commands.run import where_the_time_went
    from bench.running.progress import PlainProgress

    runner = Runner(WorkerPool(), Limits(), seed=0, progress=PlainProgress())
    runner.workers.start_seconds = 20.0
    runner.spent.building, runner.spent.checks = 10.0, 5.0
    runner.spent.warmup, runner.spent.measured = 5.0, 58.0
    said = where_the_time_went(runner, total=100.0)
    assert "worker start and building 30.0" in said
    assert said.endswith("everything else 2.0 s (2.0 %)")
