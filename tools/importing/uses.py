"""What is tried: each library's attacks, this program itself, its tests for a GPU.

Every function imports what a run imports, and raises what is missing there.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
RECORDS = ROOT / "results" / "amd-epyc-2-cores" / "controls.jsonl"
TEXT = "openattack"
SMALLEST = {
    TEXT: ("--victim", "bert-tiny", "--queries", "3"),
    "papers": ("--models", f"{ROOT}/tests/data/gated.py:build", "--steps", "1"),
    "sap": ("--models", f"{ROOT}/tests/data/rectified.py:build", "--samples", "2"),
    "gcg": ("--victim", "llama-tiny", "--steps", "1"),
    "nanogcg": ("--victim", "llama-tiny", "--steps", "1"),
    "easyjailbreak": ("--victim", "llama-tiny", "--steps", "1"),
    "mad": ("--models", f"{ROOT}/tests/data/rectified.py:build", "--batch", "10"),
    "beyond": ("--attacks", "actor"),
}
"""What to attack, of libraries that attack no classifier of images."""
USES_OF_OURS = ("bench", "gpu", "tests")


class Failed(Exception):
    """A use came to nothing though its imports did not fail."""


def program() -> None:
    """The controlling side, a report, the probe, and what workers import; a step of training."""
    from bench.commands import arguments

    for words in (["list", "libs"], ["report", str(RECORDS)]):
        parsed = arguments.parse(words)
        with contextlib.redirect_stdout(io.StringIO()):
            parsed.run(parsed, words, 0.0)
    for module in (
        *("bench.cli", "bench.running.runner", "bench.running.session", "bench.worker.serve"),
        *("tools.bench_gpu.__main__", "tools.bench_gpu.probe"),
    ):
        importlib.import_module(module)
    importlib.import_module("bench.running.progress").RichProgress()  # as on a terminal
    case = _chosen("--training", "free", "--models", "resnet10t", "--batch", "4")
    importlib.import_module("bench.kinds.training.learning")
    _built(case)


def gpu() -> None:
    """What watches the GPU: without it a run goes on, and its clocks are unknown."""
    importlib.import_module("pynvml")


def tests() -> None:
    """The tests for a GPU, collected; what plugins import is their machine's affair."""
    import pytest

    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    with contextlib.redirect_stdout(io.StringIO()) as said:
        asked = ["-m", "gpu", "tests/test_gpu.py", "--collect-only", "-p", "no:cacheprovider"]
        code = pytest.main([*asked, f"--rootdir={ROOT}", f"--confcutdir={ROOT}"])
    if code:
        raise _missing_in(said.getvalue())


def library(name: str) -> None:
    """A library: every attack's module, and one attack, its PGD if it has one, through the gate."""
    from adapters import registry

    adapter = registry.get(name)
    adapter.load()
    attacks = adapter.attacks()
    for info in attacks.values():
        if info.broken is None and not info.lacks:
            info.imported()
    attack = "pgd" if "pgd" in attacks else next(iter(attacks))
    words = SMALLEST.get(name, ("--models", "resnet10t", "--image-size", "32", "--steps", "1"))
    _built(_chosen("--libs", name, "--attacks", attack, "--batch", "1", *words))


def every(*, text: bool) -> Mapping[str, Callable[[], None]]:
    """The uses by name: ours, and each library of ours that needs no layer of its own."""
    from adapters import registry

    here = [name for name in registry.OURS if not registry.get(name).apart]
    names = [name for name in here if text or name != TEXT]
    ours = dict(zip(USES_OF_OURS, (program, gpu, tests), strict=True))
    return {**ours, **{name: partial(library, name) for name in names}}


def _chosen(*words: str) -> object:
    from bench.choosing import selection
    from bench.commands import arguments, options

    request = options.request_of(arguments.parse(["run", *words]))
    suite = selection.choose_suite(request, "cpu")
    return selection.comparisons(request, suite, "cpu", lambda note: None)[0]


def _built(comparison: object) -> None:
    """Build it and run both variants once, as a worker does before anything is timed."""
    from bench.cases import Comparison
    from bench.worker import checks

    assert isinstance(comparison, Comparison)
    module, _, name = comparison.case.options.building.partition(":")
    found = importlib.import_module(module)
    checks.preload()
    getattr(found, "preload", lambda: None)()
    checks.gate(getattr(found, name)(comparison, seed=0))


def _missing_in(said: str) -> Exception:
    """What pytest could not import, from what it printed."""
    found = re.search(r"No module named '([\w.]+)'", said)
    if found:
        return ModuleNotFoundError(f"No module named {found[1]!r}", name=found[1])
    return Failed(said.strip()[-500:])
