"""What a run leaves behind: put back before the next one, and told.

Every run finds the model, the process's settings and the globals of the user's modules as the one
before it did. Only what the very first run put into globals stays: caches are warm from then on,
and what changes with every run is put back from there. `.grad` and the random numbers of python,
numpy and torch are `bench.worker.state`'s.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import PurePath
from typing import Any, TypeVar

import numpy
import torch
from torch import nn

from adapters import custom
from bench.worker.rewinding import Change, Rewind, Values

T = TypeVar("T")

MOST_NAMED = 3
"""Names that a sentence has of one sort."""
BACK = "put back after each run"
MODEL = "model"
_INSIDE = ("_modules", "_parameters", "_buffers")
"""Where a module keeps what its layers are called by."""


class Leftovers:
    """Looks after runs of one workload.

    Args:
        model: whose state is put back.
        more: other networks of the workload.
        values: whether the numbers in its tensors are, too; else somebody else does it.
        functions: whether the globals of the user's modules are.
    """

    def __init__(
        self,
        model: nn.Module,
        more: Iterable[nn.Module] = (),
        *,
        values: bool = True,
        functions: bool = False,
    ) -> None:
        self._networks = {MODEL: model, **{f"network {n}": one for n, one in enumerate(more, 2)}}
        self._values = Values() if values else None
        self._functions = functions
        self._warm = not functions
        self._said: dict[str, dict[str, None]] = defaultdict(dict)
        self._tensors: dict[str, dict[str, None]] = defaultdict(dict)
        self.stuck: dict[str, None] = {}
        """What could not be put back, in words."""

    def around(self, run: Callable[[], T]) -> T:
        """Do a run, and put back what it leaves behind.

        The first run of a user's function is done twice if it changed globals: what it filled is a
        cache, or a state that the others start from.
        """
        if not self._warm:
            self._warm = True
            found = self._done(run, first=True)
            if found is not None:
                return found[0]
        done = self._done(run)
        assert done is not None
        return done[0]

    def _done(self, run: Callable[[], T], *, first: bool = False) -> tuple[T] | None:
        """What a run returned; None if it was the first, and another one is to count."""
        model = Rewind(self._networks, self._values)
        modules = custom.modules() if self._functions else []
        roots = {module.__name__: module for module in modules}
        user = Rewind(roots, Values() if first else self._values, modules, beside=model)
        settings = {name: get() for name, get, _ in SETTINGS}
        try:
            returned = run()
        finally:
            self._of_model(model.back())
            self._of_process(settings)
            changed = user.back(put=not first)
            if not first:
                self._of_globals(changed)
        if first and (changed or len(custom.modules()) > len(modules)):
            return None
        return (returned,)

    def warnings(self) -> list[str]:
        """What the runs so far left behind, in a sentence; and in another what can't be put back.

        Empty where they leave nothing.
        """
        told = [sort.format(_listed(list(names))) for sort, names in self._said.items()]
        for name, layers in self._moved().items():
            told.insert(0, f"moves {name} of {layers}")
        said = [f"the attack {_listed(told, len(told))}: {BACK}"] if told else []
        if self.stuck:
            said.append(
                f"the attack changes {_listed(list(self.stuck))}, which can't be put back between"
                " runs; make it anew in each run"
            )
        return said

    def _moved(self) -> dict[str, str]:
        """Names of tensors whose numbers changed, those of the same layers together."""
        together: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for name, layers in self._tensors.items():
            together[tuple(layers)].append(name)
        return {
            _listed(names): f"{len(layers)} layers" if len(layers) > 1 else layers[0]
            for layers, names in together.items()
        }

    def _of_model(self, changed: list[Change]) -> None:
        for change in changed:
            parts = [part for part in change.where if part not in _INSIDE]
            hooks = next((n for n, part in enumerate(parts) if part.endswith("_hooks")), None)
            *path, name = parts if hooks is None else parts[: hooks + 1]
            layer = ".".join(path[1:]) or "the model"
            if hooks is not None or change.what == "hook":
                self._said["leaves a hook on {}"][layer] = None
            elif change.what == "flag":
                flag = "trainable" if change.now else "frozen"
                self._said[f"leaves {{}} {flag}"][".".join(parts[1:])] = None
            elif change.what == "value" or set(change.where[-2:-1]) & set(_INSIDE[1:]):
                self._tensors[name][layer] = None
            elif name == "training":
                mode = "training" if change.now else "evaluation"
                self._said[f"leaves {{}} in {mode} mode"][layer] = None
            else:
                self._said["sets {}"][f"`{'.'.join(parts)}`"] = None

    def _of_process(self, before: dict[str, object]) -> None:
        for name, get, put in SETTINGS:
            was, now = before[name], get()
            if was == now:
                continue
            try:
                put(was)
            except (RuntimeError, ValueError, TypeError, OSError):
                self.stuck[name] = None
            else:
                short = f" to {now}" if isinstance(now, str | int | float | torch.dtype) else ""
                self._said["sets {}"][f"{name}{short}"] = None

    def _of_globals(self, changed: list[Change]) -> None:
        files = {
            module.__name__: PurePath(getattr(module, "__file__", None) or module.__name__).name
            for module in custom.modules()
        }
        for change in changed:
            module, *path = change.where
            name = f"`{path[0] if path else module}` of {files.get(module, module)}"
            if change.what == "state":
                self.stuck[f"the global {name}"] = None
            else:
                self._said["changes the global {}"][name] = None


def _listed(names: list[str], most: int = MOST_NAMED) -> str:
    shown, more = names[:most], len(names) - most
    if more > 0:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]


def _autocast(device: str) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
    """torch 2.4 has one function for every device; before it each had its own."""
    try:
        torch.is_autocast_enabled(device)
    except TypeError:
        get = {"cuda": "is_autocast_enabled", "cpu": "is_autocast_cpu_enabled"}[device]
        put = {"cuda": "set_autocast_enabled", "cpu": "set_autocast_cpu_enabled"}[device]
        return getattr(torch, get), getattr(torch, put)
    return (
        lambda: torch.is_autocast_enabled(device),
        lambda flag: torch.set_autocast_enabled(device, flag),
    )


def _flag(place: Any, name: str) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
    return lambda: getattr(place, name), lambda value: setattr(place, name, value)


def _deterministic(flags: tuple[bool, bool]) -> None:
    torch.use_deterministic_algorithms(flags[0], warn_only=flags[1])


def _environment(held: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(held)


def _filters(held: list[Any]) -> None:
    warnings.filters[:] = held  # type: ignore[index] # a list, which its stub does not say


def _hooks_of_all() -> dict[str, dict[Any, Any]]:
    """Hooks on every module there is."""
    found = vars(torch.nn.modules.module).items()
    return {name: dict(held) for name, held in found if _is_global_hook(name, held)}


def _put_hooks_of_all(held: dict[str, dict[Any, Any]]) -> None:
    for name, hooks in held.items():
        there = getattr(torch.nn.modules.module, name)
        there.clear()
        there.update(hooks)


def _is_global_hook(name: str, held: object) -> bool:
    return name.startswith("_global_") and name.endswith("_hooks") and isinstance(held, dict)


_cudnn, _precision = torch.backends.cudnn, getattr(torch, "get_float32_matmul_precision", None)
SETTINGS: list[tuple[str, Callable[[], Any], Callable[[Any], Any]]] = [
    ("torch.set_grad_enabled", torch.is_grad_enabled, torch._C._set_grad_enabled),
    ("torch.set_default_dtype", torch.get_default_dtype, torch.set_default_dtype),
    ("torch.set_num_threads", torch.get_num_threads, torch.set_num_threads),
    (
        "torch.use_deterministic_algorithms",
        lambda: (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        ),
        _deterministic,
    ),
    ("torch.autograd.set_detect_anomaly", torch.is_anomaly_enabled, torch.set_anomaly_enabled),
    ("torch.backends.cudnn.benchmark", *_flag(_cudnn, "benchmark")),
    ("torch.backends.cudnn.deterministic", *_flag(_cudnn, "deterministic")),
    ("torch.backends.cudnn.enabled", *_flag(_cudnn, "enabled")),
    ("torch's autocast on the CPU", *_autocast("cpu")),
    ("torch's autocast on CUDA", *_autocast("cuda")),
    ("hooks on all modules", _hooks_of_all, _put_hooks_of_all),
    ("numpy.seterr", numpy.geterr, lambda held: numpy.seterr(**held)),
    ("sys.setrecursionlimit", sys.getrecursionlimit, sys.setrecursionlimit),
    ("warnings.filters", lambda: list(warnings.filters), _filters),
    ("os.environ", lambda: dict(os.environ), _environment),
    ("the current folder", os.getcwd, os.chdir),
]
"""Of the process: what sets it, how to read it and how to write it."""
if _precision is not None:
    SETTINGS.append(
        ("torch.set_float32_matmul_precision", _precision, torch.set_float32_matmul_precision)
    )
if hasattr(torch, "get_default_device"):
    SETTINGS.append(("torch.set_default_device", torch.get_default_device, torch.set_default_device))
