"""What SECURITY.md promises of our code."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.places import ROOT

PACKAGES = ("adapters", "bench", "reports", "semibackward", "semibackward_bench")
RUNS = ("eval", "exec", "compile")
"""Built-in functions that make code of text."""
READS = {"pickle", "cPickle", "dill", "joblib", "marshal", "shelve", "cloudpickle"}
"""Modules that run what a file tells them."""


def dangers(text: str) -> list[str]:
    """What in a module's code reads pickles, loads weights unsafely, or runs text."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [name for name in names if name.partition(".")[0] in READS]
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        given = {word.arg: ast.unparse(word.value) for word in node.keywords}
        if called == "torch.load" and given.get("weights_only") != "True":
            found.append(f"{called} without weights_only")
        if called in RUNS or given.get("trust_remote_code", "False") != "False":
            found.append(called)
        if given.get("allow_pickle", "False") != "False" or given.get("shell", "False") != "False":
            found.append(called)
    return found


def test_nothing_unpickles_but_the_reader_of_tables_and_nothing_runs_text() -> None:
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    assert len(paths) > 200
    found = {name(path): told for path in paths if (told := dangers(path.read_text("utf-8")))}
    assert found == {"adapters/text/resources.py": ["pickle"]}


def test_each_of_them_would_be_found() -> None:
    for text in (
        "import pickle as p",
        "from joblib import load",
        "torch.load(file)",
        "torch.load(file, weights_only=False)",
        "numpy.load(file, allow_pickle=True)",
        "eval(text)",
        "model(name, trust_remote_code=True)",
        "subprocess.run(text, shell=True)",
    ):
        assert dangers(text), text
    assert not dangers("model.eval(); torch.load(file, weights_only=True); re.compile(text)")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
