"""A user's own attack, `FILE.py:FUNCTION` or `package.module:FUNCTION`, measured as it stands.

The function is `FUNCTION(model, images, labels) -> adversarial images`. A user's own model, to be
examined, is named in the same way (`adapters.models.custom`).
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.base import AdapterError

if TYPE_CHECKING:
    from torch import nn

    from adapters.base import AttackFunction

LIBRARY = "user"
"""What stands for the library of such an attack in records and tables."""


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
        AdapterError: the module has no such function.
    """
    function = getattr(import_place(spec), spec.function, None)
    if not callable(function):
        raise AdapterError(f"--attack {spec.text}: {spec.place} has no function {spec.function}")
    attack: Callable[..., Any] = function
    return functools.partial(attack, model)


def import_place(spec: AttackSpec) -> object:
    """The module that a spec names, imported."""
    if not spec.is_file:
        sys.path.insert(0, "")
        return importlib.import_module(spec.place)
    path = Path(spec.place).resolve()
    name = f"semibackward_attack_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    sys.path.insert(0, str(path.parent))  # so that its neighbours can be imported
    found = importlib.util.spec_from_file_location(name, path)
    assert found is not None  # it ends in .py
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    try:
        found.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _look_into_file(spec: AttackSpec, option: str) -> None:
    try:
        tree = ast.parse(Path(spec.place).read_bytes(), spec.place)
    except OSError as error:
        raise AdapterError(
            f"{option} {spec.text}: can't read {spec.place}: {error.strerror}"
        ) from error
    except (SyntaxError, ValueError) as error:
        raise AdapterError(f"{option} {spec.text}: {spec.place} is no Python: {error}") from error
    if spec.function not in _names_bound_in(tree):
        raise AdapterError(
            f"{option} {spec.text}: {spec.place} defines no {spec.function} at its top level"
        )


def _names_bound_in(tree: ast.Module) -> set[str]:
    """Every name a module may bind; generous, since the import decides in the end."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name.partition(".")[0])
    return names


def _module_exists(name: str) -> bool:
    """Whether there is such a module; its packages are not imported to find out."""
    top, *rest = name.split(".")
    sys.path.insert(0, "")
    try:
        found = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return False
    finally:
        sys.path.remove("")
    if found is None or not rest:
        return found is not None
    inside = (Path(place, *rest) for place in found.submodule_search_locations or ())
    return any(path.is_dir() or any(path.parent.glob(f"{path.name}.*")) for path in inside)
