"""A user's own attack, `FILE.py:FUNCTION` or `package.module:FUNCTION`, measured as it stands.

The function is `FUNCTION(model, images, labels) -> adversarial images`. A user's own model, to be
examined, is named in the same way (`adapters.models.custom`).
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from adapters import folders, sources
from adapters.base import AdapterError
from adapters.folders import Folder

if TYPE_CHECKING:
    from torch import Tensor, nn

    from adapters.base import AttackFunction

LIBRARY = "user"
"""What stands for the library of such an attack in records and tables."""
SCRIPT = 'put what a script does under `if __name__ == "__main__":`'
"""The mend where importing a file does more than define things."""
ANY = "*"
"""A name that stands for all of them: a module's text does not tell which it binds."""
_imported: list[ModuleType] = []


@dataclass(frozen=True)
class AttackSpec:
    """Where a user's attack is: a file or a module, and the name of a function in it."""

    text: str
    place: str
    function: str

    @property
    def is_file(self) -> bool:
        return self.place.endswith(".py")


def parse(text: str, option: str = "--attack", example: str = "my_attacks.py:pgd") -> AttackSpec:
    """Read `FILE.py:FUNCTION` or `package.module:FUNCTION` and look whether it is there.

    The code is not run; a file is parsed for the name.

    Args:
        text: what the user wrote.
        option: where, for errors.
        example: what is right there, for errors.

    Raises:
        AdapterError: the form is wrong, or the file, module or function does not exist.
    """
    place, _, function = text.rpartition(":")
    if not place or not function.isidentifier():
        raise AdapterError(
            f"{option} {text}: give FILE.py:FUNCTION or package.module:FUNCTION,"
            f" for instance {example}"
        )
    spec = AttackSpec(text, place, function)
    if spec.is_file:
        _look_into_file(spec, option)
    elif not _module_exists(place):
        raise AdapterError(
            f"{option} {text}: there is no module {place}; run from the folder it is in,"
            " or install it"
        )
    return spec


def build(spec: AttackSpec, model: nn.Module) -> AttackFunction:
    """Import the user's function and bind the model to it.

    Raises:
        AdapterError: there is no such function, or it can't be called as one.
    """
    from adapters import calling  # needs torch, which the controlling process has not

    module = import_place(spec)
    function = getattr(module, spec.function, None)
    if not callable(function):
        raise AdapterError(f"--attack {spec.text}: {spec.place} has no function {spec.function}")
    calling.check(function, spec.function, spec.text, module)
    attack: Callable[..., Any] = function
    folder = _folder(spec)

    def bound(images: Tensor, labels: Tensor) -> Any:
        folder.show()
        return attack(model, images, labels)

    return bound


def import_place(spec: AttackSpec) -> ModuleType:
    """The module that a spec names, imported; what it imports from its folder is its own.

    Raises:
        AdapterError: it ends the program, as a script that parses arguments may.
    """
    folder = _folder(spec)
    try:
        module = folder.file(Path(spec.place)) if spec.is_file else folder.module(spec.place)
    except SystemExit as error:
        raise AdapterError(
            f"{spec.text}: importing {spec.place} ends the program{_where(folder, error)}: {SCRIPT}"
        ) from error
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        place = _where(folder, error)
        mend = f"; if that is no part of the function, {SCRIPT}" if place else ""
        raise AdapterError(
            f"{spec.text}: importing {spec.place} fails{place}: {said}{mend}"
        ) from error
    if module not in _imported:
        _imported.append(module)
    return module


def import_again(spec: AttackSpec) -> ModuleType:
    """The same, run once more though it was imported before; its neighbours are as they were."""
    module = import_place(spec)
    _folder(spec).forget(module)
    _imported.remove(module)
    return import_place(spec)


def modules() -> list[ModuleType]:
    """The user's modules that have been imported so far, their neighbours among them."""
    return list(dict.fromkeys([*_imported, *folders.loaded()]))


def _where(folder: Folder, error: BaseException) -> str:
    """The line of the user's at which an import broke off."""
    last = sources.line_of(error, folder.holds)
    if last is None:
        return ""
    return f" in {sources.spelt(last)}" + (f" (`{last.line}`)" if last.line else "")


def _folder(spec: AttackSpec) -> Folder:
    return folders.of(Path(spec.place).parent if spec.is_file else Path())


def _look_into_file(spec: AttackSpec, option: str) -> None:
    try:
        tree = ast.parse(Path(spec.place).read_bytes(), spec.place)
    except OSError as error:
        raise AdapterError(
            f"{option} {spec.text}: can't read {spec.place}: {error.strerror}"
        ) from error
    except (SyntaxError, ValueError) as error:
        raise AdapterError(f"{option} {spec.text}: {spec.place} is no Python: {error}") from error
    bound = _names_bound_in(tree)
    if spec.function not in bound and ANY not in bound:
        raise AdapterError(
            f"{option} {spec.text}: {spec.place} defines no {spec.function} at its top level"
        )


def _names_bound_in(tree: ast.Module) -> set[str]:
    """Every name a module may bind, or `ANY`; generous, since the import decides in the end."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name.partition(".")[0])  # "*" where it is that
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            names.add(node.name)
        elif _binds_any(node):
            names.add(ANY)
    return names | ({ANY} if "__getattr__" in names else set())


def _binds_any(node: ast.AST) -> bool:
    """Whether it binds what a module's text does not name: `globals()`, `exec(code)`, and
    `setattr(sys.modules[__name__], ...)`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return False
    name, arguments = node.func.id, [*node.args, *node.keywords]
    if name == "setattr":
        return bool(node.args) and isinstance(node.args[0], ast.Subscript)
    return (name, len(arguments)) in (("globals", 0), ("vars", 0), ("locals", 0), ("exec", 1))


def _module_exists(name: str) -> bool:
    """Whether there is such a module, in the current folder, whose own a worker takes first, or
    elsewhere; its packages are not imported to find out."""
    top, *rest = name.split(".")
    try:
        found = [PathFinder.find_spec(top, [str(Path.cwd())]), importlib.util.find_spec(top)]
    except (ImportError, ValueError):
        return False
    return any(spec is not None and _has_inside(spec, rest) for spec in found)


def _has_inside(package: ModuleSpec, rest: list[str]) -> bool:
    if not rest:
        return True
    inside = (Path(place, *rest) for place in package.submodule_search_locations or ())
    return any(path.is_dir() or any(path.parent.glob(f"{path.name}.*")) for path in inside)
