"""Where our packages lie, so that they are found there and nowhere else.

`bench`, `adapters` and `reports` are names that a folder of anybody's may have, and Python looks
into the current folder, or into those that the user named in PYTHONPATH, before it looks where we
are installed. So we look for ours ourselves, and leave the path to what the user put on it.

Run as `python .../home.py MODULE WORDS`, this file calls the `main` of a module of ours in a
process that does not look into the current folder. It imports nothing but Python's own.
"""

import sys

if __name__ == "__main__" and not getattr(sys.flags, "safe_path", sys.flags.isolated):
    del sys.path[0]  # this file's folder, whose modules are called otherwise

import importlib
import importlib.util
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

PACKAGES = ("adapters", "bench", "reports", "semibackward", "semibackward_bench")
"""Ours, by their names."""
_FILE = Path(__file__).resolve()
_ROOT = str(_FILE.parent.parent)
_hidden: dict[str, ModuleType] = {}
"""Modules of ours whose names stand for others in `sys.modules`."""


class _Finder:
    """Python's import asks it for each module."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return PathFinder.find_spec(name, [_ROOT]) if path is None and name in PACKAGES else None


_finder = _Finder()


def command(module: str, *words: str, python: str = sys.executable) -> list[str]:
    """What starts a module of ours in a process of its own, wherever that is.

    Args:
        module: whose `main` is called with the words.
        words: strings.
        python: the interpreter.
    """
    return [python, str(_FILE), module, *words]


def stand_first() -> None:
    """From now on our packages are found before any others of the same names."""
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def load(name: str) -> ModuleType:
    """A module of ours, imported in a process that may know others by our packages' names.

    What the names stood for, or would have stood for, they stand for again once it is imported. So
    what is loaded this way must import all that it needs at once.
    """
    theirs = _taken_out({top for top in PACKAGES if not _is_ours(sys.modules.get(top))})
    for each, module in _hidden.items():
        sys.modules.setdefault(each, module)
    sys.meta_path.insert(0, _finder)
    try:
        return importlib.import_module(name)
    finally:
        sys.meta_path.remove(_finder)
        ours = _taken_out(set(PACKAGES))
        meant = {top for top in PACKAGES if top not in theirs and _would_be_ours(top)}
        for each, module in ours.items():
            if _top(each) in meant:
                sys.modules[each] = module
            else:
                _hide(each, module)
        sys.modules.update(theirs)


def modules() -> dict[str, ModuleType]:
    """Our modules that have been imported, by their names, whatever these stand for elsewhere."""
    shown = {top for top in PACKAGES if _is_ours(sys.modules.get(top))}
    return {**_hidden, **{n: each for n, each in list(sys.modules.items()) if _top(n) in shown}}


def _hide(name: str, module: ModuleType) -> None:
    """Keep a module whose name stands for another, under one by which its code can be imported:
    `torch.compile` does that with what it reads."""
    _hidden[name] = module
    module.__name__ = f"{PACKAGES[-1]}.{name}"
    sys.modules[module.__name__] = module


def _is_ours(package: ModuleType | None) -> bool:
    return _at_home(getattr(package, "__spec__", None))


def _would_be_ours(top: str) -> bool:
    """Whether an import finds our package, if nothing is done about it."""
    try:
        return _at_home(importlib.util.find_spec(top))
    except (ImportError, ValueError):
        return False


def _at_home(spec: ModuleSpec | None) -> bool:
    if spec is None or spec.origin is None:
        return False
    return Path(spec.origin).resolve().parent.parent == Path(_ROOT)


def _top(name: str) -> str:
    return name.partition(".")[0]


def _taken_out(tops: set[str]) -> dict[str, ModuleType]:
    """The modules under these names, which no longer stand in `sys.modules`."""
    found = {name: one for name, one in list(sys.modules.items()) if _top(name) in tops}
    for name in found:
        del sys.modules[name]
    return found


def _start(module: str, *words: str) -> None:
    stand_first()
    del sys.argv[1:]
    importlib.import_module(module).main(*words)


if __name__ in ("__main__", "__mp_main__"):
    stand_first()  # also in what `multiprocessing` starts from a process of ours
if __name__ == "__main__":
    _start(*sys.argv[1:])
