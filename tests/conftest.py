"""What any test may ask for, and how long a session with a GPU may take."""

from __future__ import annotations

import gc
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters import folders, layers

# As workers have it: cuBLAS reads it once, at its start, and some tests use it in this process.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

_ENDED = re.compile(r"^(\S+?::.+?) (?:PASSED|FAILED|ERROR)\b", re.MULTILINE)
"""A line of a log by `pytest -v`, of a test that came to its end."""
_UNTIL = pytest.StashKey[float]()


def pytest_addoption(parser: pytest.Parser) -> None:
    limits = parser.getgroup("a session with a GPU")
    limits.addoption(
        "--deadline",
        type=float,
        metavar="S",
        help="skip the tests that have not begun after S seconds",
    )
    limits.addoption(
        "--go-on",
        type=Path,
        metavar="LOG",
        help="leave out the tests that ended in an earlier session, by what -v told of it",
    )


def pytest_configure(config: pytest.Config) -> None:
    seconds = config.getoption("deadline")
    if seconds is not None:
        config.stash[_UNTIL] = time.monotonic() + seconds


def pytest_runtest_setup(item: pytest.Item) -> None:
    until = item.config.stash.get(_UNTIL, None)
    if until is not None and time.monotonic() > until:
        pytest.skip(f"not begun: the {item.config.getoption('deadline'):g} s are over")


def _layer(item: pytest.Item) -> str | None:
    """The library in whose layer a test must run; None for one that runs in no layer."""
    mark = item.get_closest_marker("layer")
    return None if mark is None else str(mark.args[0])


def pytest_itemcollected(item: pytest.Item) -> None:
    if _layer(item) is not None:
        item.add_marker("extras")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = os.environ.get(layers.VARIABLE)
    name = None if here is None else Path(here).name.rpartition("-")[0]
    elsewhere = [item for item in items if _layer(item) != name]
    if elsewhere:
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = [item for item in items if _layer(item) == name]
    log = config.getoption("go_on")
    if log is None or not log.exists():
        return
    ended = set(_ENDED.findall(log.read_text(encoding="utf-8", errors="replace")))
    again = [item for item in items if item.nodeid in ended]
    config.hook.pytest_deselected(items=again)
    items[:] = [item for item in items if item.nodeid not in ended]


@pytest.fixture(autouse=True)
def _no_folder_is_shown() -> Iterator[None]:
    """What one test imported of a user's folder is not found by the next."""
    yield
    folders.hide()


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Small tensors: a second thread costs more than it brings, above all beside other work."""
    import torch  # here, for the tests that need none

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def uncompiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dissecting runs no model compiled, which takes seconds."""
    from bench.kinds.images.building import AttackWorkload

    monkeypatch.setattr(AttackWorkload, "compiles", False)


@pytest.fixture(autouse=True, scope="module")
def what_is_there_stays() -> None:
    """Each run that a worker times begins with a collection of garbage, which need not look through
    whatever pytest, torch and other modules' tests hold."""
    gc.collect()
    gc.freeze()
