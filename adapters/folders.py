"""The folder of a user's file, whose modules are its own.

Two files may each import a neighbour `utils` that is not the other's. So each folder has its
modules to itself: an import statement in one of them looks into its folder first, wherever and
whenever it runs, and nobody else's looks there. What is imported by name at run time, as
`importlib.import_module` and pickle do, finds the modules of the folder that was shown last, after
everything that is installed.
"""

from __future__ import annotations

import builtins
import contextlib
import hashlib
import importlib
import importlib.util
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from adapters import sources

_lock = threading.RLock()
_folders: dict[Path, Folder] = {}
_shown: Folder | None = None


def of(place: Path) -> Folder:
    """The folder at a place; always the same object for the same place."""
    place = place.resolve()
    with _lock:
        if not _folders:
            sys.meta_path.insert(0, _Finder())
        if place not in _folders:
            _folders[place] = Folder(place)
        return _folders[place]


def loaded() -> list[ModuleType]:
    """The modules of every folder that have been imported so far."""
    return [module for folder in list(_folders.values()) for module in folder.modules()]


def hide() -> None:
    """Let what is imported by name find no folder's modules any more; `Folder.show` undoes it."""
    global _shown
    with _lock:
        if _shown is not None:
            _shown._hide()
        _shown = None


class Folder:
    """A folder of the user's; see `of`.

    A file in it is imported under its own name, as if it lay first on the path. Its relative
    imports work as well, whether the folder is a package or not.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        root, self._package = sources.package_of(place)
        self._path = [str(place)] if root is None else [str(place), str(root)]
        self._builtins = {**vars(builtins), "__import__": self._import}
        self._base = list(sys.path)
        self._added: list[str] = []
        self._own: dict[str, ModuleType] = {}
        self._tops: set[str] = set()
        self._covered: set[str] = set()
        self._open: set[str] = set()
        self._known: dict[str, bool] = {}
        self._known_with: list[str] = []

    def file(self, path: Path) -> ModuleType:
        """A file in it, imported; its own script's arguments are none."""
        path = path.resolve()
        self.show()
        name = path.stem.replace(".", "_")
        loaded = self._here().get(name)
        if loaded is not None and _origin(loaded) == str(path):
            return loaded
        if name in sys.modules or PathFinder.find_spec(name, self._elsewhere()) is not None:
            # A name that others look for, maybe the very library that the file imports.
            name = f"{name}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
            if name in self._here():
                return self._here()[name]
        spec = importlib.util.spec_from_file_location(
            name, path, loader=_Loader(self, name, str(path))
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        with self._visible(name), _arguments(str(path)):
            sys.modules[name] = module
            try:
                spec.loader.exec_module(module)
            except BaseException:
                sys.modules.pop(name, None)
                raise
            return sys.modules[name]

    def module(self, name: str) -> ModuleType:
        """A module in it, or else one that is installed, imported by its dotted name."""
        top = name.partition(".")[0]
        if not self._has(top):
            return importlib.import_module(name)
        with self._visible(top), _arguments(name):
            return importlib.import_module(name)

    def forget(self, module: ModuleType) -> None:
        """Let the next import of it run it again."""
        for known in (self._own, sys.modules):
            for name in [name for name, one in list(known.items()) if one is module]:
                del known[name]

    def show(self) -> None:
        """Let what is imported by name find its modules, and no other folder's."""
        global _shown
        if _shown is self:
            return
        with _lock:
            if _shown is not None:
                _shown._hide()
            _shown = self
            self._covered |= {top for top in self._tops if top in sys.modules}
            sys.modules.update(
                {name: own for name, own in self._own.items() if _top(name) not in self._covered}
            )
            self._base = list(sys.path)
            sys.path[:0] = self._added
            sys.path.append(str(self._place))

    def holds(self, file: str) -> bool:
        """Whether a file of code lies in it, and is not of a package that is installed there."""
        return sources.is_users(file) and Path(file).resolve().is_relative_to(self._place)

    def modules(self) -> list[ModuleType]:
        """Those that have been imported so far."""
        return list(self._here().values())

    def _here(self) -> dict[str, ModuleType]:
        """Its modules by name, those that stand in `sys.modules` now and those that do not."""
        if _shown is not self:
            return self._own
        tops = self._tops - (self._covered - self._open)
        return {**self._own, **_under(tops)}

    def _hide(self) -> None:
        self._own |= _taken_out(self._tops - self._covered)
        self._added = [p for p in sys.path if p not in self._base and p != str(self._place)]
        sys.path[:] = [place for place in sys.path if place in self._base]

    @contextlib.contextmanager
    def _visible(self, top: str) -> Iterator[None]:
        """Inside the block an import of this name, and of what is in it, finds its module."""
        self.show()
        if top in self._open:
            yield
            return
        with _lock:
            if top not in self._tops and top in sys.modules:
                self._covered.add(top)
            self._tops.add(top)
            self._open.add(top)
            others = _taken_out({top}) if top in self._covered else {}
            if others:
                sys.modules.update({n: own for n, own in self._own.items() if _top(n) == top})
        try:
            yield
        finally:
            with _lock:
                self._open.discard(top)
                if others:
                    self._own |= _taken_out({top})
                    sys.modules.update(others)

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 - the names of `__import__`
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """What an import statement in one of its modules calls."""
        importer = globals or {}
        package = importer.get("__package__") or ""
        if level and not package:
            name, level = self._absolute(name, level), 0
        top = _top(package if level else name)
        given = (name, globals, locals, fromlist or (), level)
        if not self._has(top) or (not level and self._itself(top, importer)):
            return builtins.__import__(*given)
        with self._visible(top):
            return builtins.__import__(*given)

    def _absolute(self, name: str, level: int) -> str:
        """What a relative import means in a file that is run as a script."""
        parts = self._package.split(".")
        if level > len(parts):
            raise ImportError(
                f"a relative import of {'.' * level}{name} leads out of {self._package}, the"
                f" package that {self._place} is in"
            )
        return ".".join([*parts[: len(parts) - level + 1], *([name] if name else [])])

    def _itself(self, top: str, importer: Mapping[str, Any]) -> bool:
        """Whether a file imports its own name: it means the library that is called so too."""
        if "__path__" in importer or importer.get("__file__") is None:
            return False
        spec = self._find_top(top)
        return spec is not None and spec.origin == importer["__file__"]

    def _has(self, top: str) -> bool:
        if self._known_with != sys.path:
            self._known, self._known_with = {}, list(sys.path)
        if top not in self._known:
            self._known[top] = self._look_for(top)
        return self._known[top]

    def _look_for(self, top: str) -> bool:
        """Whether it has a module of this name that an import in it means."""
        if top in self._tops:
            return True
        loaded = sys.modules.get(top)
        if top in sys.builtin_module_names:
            return False
        if loaded is not None and top in sys.stdlib_module_names:
            return False  # Python's own is what everybody here has been using
        spec = self._find_top(top)
        if spec is None:
            return False
        if loaded is not None and spec.origin is not None and _origin(loaded) == spec.origin:
            return False
        if spec.origin is None:  # a folder without __init__.py gives way to any module
            return loaded is None and PathFinder.find_spec(top, self._elsewhere()) is None
        return True

    def _elsewhere(self) -> list[str]:
        mine = {os.path.realpath(place) for place in self._places()}
        return [place for place in sys.path if os.path.realpath(place) not in mine]

    def _places(self) -> list[str]:
        """Where its modules lie: what its own code put on the path belongs to it."""
        added = [p for p in sys.path if p not in self._base] if _shown is self else self._added
        return [*self._path, *added]

    def _find_top(self, top: str) -> ModuleSpec | None:
        if top == _top(self._package):
            spec = PathFinder.find_spec(top, self._path[1:])
            if spec is None or spec.origin is None:
                spec = ModuleSpec(top, None, is_package=True)
                spec.submodule_search_locations = [str(self._place)]
            return spec
        return PathFinder.find_spec(top, self._places())

    def find(self, name: str, path: Sequence[str] | None) -> ModuleSpec | None:
        """What a module is loaded from, for Python's import; None if it is not its own."""
        top = _top(name)
        if path is not None:
            package = getattr(sys.modules.get(top), "__spec__", None)
            mine = top in self._tops and package is not None and self._supplies(package)
            spec = PathFinder.find_spec(name, path) if mine else None
        elif top in self._open:
            spec = self._find_top(top)
        else:
            spec = _found_by_others(name)
            if spec is None or not self._supplies(spec):
                return None
            self._tops.add(top)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _Loader(self, name, spec.loader.path)
        return spec

    def _supplies(self, spec: ModuleSpec) -> bool:
        file = [spec.origin] if spec.has_location and spec.origin else []
        found = list(spec.submodule_search_locations or ()) or file
        mine = {os.path.realpath(place) for place in self._places()}
        return any(os.path.realpath(Path(place).parent) in mine for place in found)

    def builtins(self) -> dict[str, Any]:
        """What its modules find as Python's builtins."""
        return self._builtins


class _Finder:
    """Python's import asks it first."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return None if _shown is None else _shown.find(name, path)


def _found_by_others(name: str) -> ModuleSpec | None:
    """What an import of a top-level module finds without our finder."""
    asked = [f for f in sys.meta_path if not isinstance(f, _Finder) and hasattr(f, "find_spec")]
    found = (finder.find_spec(name, None) for finder in asked)
    return next((spec for spec in found if spec is not None), None)


class _Loader(SourceFileLoader):
    """Loads a module of a folder: its import statements look there first."""

    def __init__(self, folder: Folder, name: str, path: str) -> None:
        super().__init__(name, path)
        self._folder = folder

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__builtins__"] = self._folder.builtins()
        super().exec_module(module)


@contextlib.contextmanager
def _arguments(script: str) -> Iterator[None]:
    """Inside the block a script finds its name among its arguments, and nothing else."""
    before = sys.argv
    sys.argv = [script]
    try:
        yield
    finally:
        sys.argv = before


def _top(name: str) -> str:
    return name.partition(".")[0]


def _under(tops: set[str]) -> dict[str, ModuleType]:
    """The modules that stand in `sys.modules` under these names."""
    return {name: module for name, module in list(sys.modules.items()) if _top(name) in tops}


def _taken_out(tops: set[str]) -> dict[str, ModuleType]:
    """The same, once they no longer stand there."""
    found = _under(tops)
    for name in found:
        del sys.modules[name]
    return found


def _origin(module: ModuleType) -> str | None:
    spec = getattr(module, "__spec__", None)
    return None if spec is None else spec.origin
