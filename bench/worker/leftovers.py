"""What a run leaves behind: put back before the next one, and told.

Every run finds the model, the process's settings and the globals of the user's modules as the one
before it did. Only what the very first run put into globals stays: caches are warm from then on,
and what changes with every run is put back from there. The model's `.grad` and the random numbers
of python, numpy and torch are `bench.worker.state`'s.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import PurePath
from types import ModuleType
from typing import TypeVar

from torch import nn

from adapters import custom
from bench.worker import settings
from bench.worker.rewinding import ATTRIBUTE, INSIDE, ITEM, STUCK, Change, Rewind, Root
from bench.worker.values import Values
from semibackward_bench.grammar import counted

T = TypeVar("T")

MOST_NAMED = 3
"""Names that a sentence has of one sort."""
BACK = "put back after each run"
_KEPT = {"_parameters": "changes {} of {}", "_buffers": "moves {} of {}"}
"""Where a module keeps its tensors, and what is said of them."""
_MODE = "training"
"""What torch calls a module's flag for it, whatever it is used for."""
_TORCHS = frozenset(vars(nn.Module()))
"""Attributes that every module has."""


class Leftovers:
    """Looks after runs of one workload.

    Args:
        networks: whose state is put back, the model first.
        numbers: whether those in their tensors are, too; else somebody else does it.
        functions: whether the globals of the user's modules are.
        whose: runs they are, in words.
    """

    def __init__(
        self,
        *networks: nn.Module,
        numbers: bool = True,
        functions: bool = False,
        whose: str = "the attack",
    ) -> None:
        self._whose = whose
        self._networks = [
            Root("the model" if n == 0 else f"network {n + 1}", one, numbers=numbers)
            for n, one in enumerate(dict.fromkeys(networks))
        ]
        self._values = Values()
        self._functions = functions
        self._warm = not functions
        self._said: dict[str, dict[str, None]] = defaultdict(dict)
        self._tensors: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        self._stuck: dict[str, None] = {}

    @property
    def stuck(self) -> list[str]:
        """What could not be put back, in words."""
        return list(self._stuck)

    @property
    def changed(self) -> list[str]:
        """What was put back, each in words."""
        moved = [sort.format(_listed(names), layers) for sort, names, layers in self._by_layers()]
        return moved + [sort.format(_listed(list(names))) for sort, names in self._said.items()]

    def warnings(self) -> list[str]:
        """What the runs so far left behind, in a sentence; and in another what can't be put back.

        Empty where they leave nothing.
        """
        told = self.changed
        said = [f"{self._whose} {_listed(told, len(told))}: {BACK}"] if told else []
        if self._stuck:
            said.append(
                f"{self._whose} changes {_listed(self.stuck)}, which can't be put back between"
                " runs; make it anew in each run"
            )
        return said

    def around(self, run: Callable[[], T]) -> T:
        """Do a run, and put back what it leaves behind.

        The first run of a user's function is done twice if it changed globals: what it filled is a
        cache, or a state that the others start from.
        """
        first, self._warm = not self._warm, True
        modules = custom.modules() if self._functions else []
        before = settings.read()
        rewind = Rewind(
            [*self._networks, *(_root(module) for module in modules)],
            self._values,
            [module.__name__ for module in modules],
        )
        changed: list[Change] = []
        try:
            returned = run()
        finally:
            sets, stuck = settings.put_back(before)
            changed = rewind.back(keep_own=first)
            self._tell(changed, sets, stuck, keep_own=first)
        if first and (
            any(change.root.own for change in changed) or len(custom.modules()) > len(modules)
        ):
            return self.around(run)
        return returned

    def _tell(
        self, changed: list[Change], sets: list[str], stuck: list[str], *, keep_own: bool
    ) -> None:
        for change in changed:
            if not change.root.own:
                self._of_network(change)
            elif not keep_own:
                self._of_global(change)
        for name in sets:
            self._said["sets {}"][name] = None
        self._stuck.update(dict.fromkeys(stuck))

    def _of_network(self, change: Change) -> None:
        layer, rest = _layer(change)
        here = ".".join(layer) or change.root.name
        place, name = rest[0][1] if rest else "", rest[-1][1] if rest else ""
        full = ".".join([*layer, *(part for _, part in rest if part not in _KEPT)])
        if change.what == STUCK:
            self._stuck[f"{name} of {here}"] = None
        elif "_hooks" in place:
            self._said["leaves a hook on {}"][here] = None
        elif change.what == "hook":
            self._said["leaves a hook on {}"][full] = None
        elif change.what == "flag":
            flag = "trainable" if change.now else "frozen"
            self._said[f"leaves {{}} {flag}"][full] = None
        elif change.what == "class":
            self._said["gives {} another class"][here] = None
        elif place in _KEPT and len(rest) == 2:
            self._tensors[_KEPT[place], name][here] = None
        elif place == _MODE:
            mode = "training" if change.now else "evaluation"
            self._said[f"leaves {{}} in {mode} mode"][here] = None
        elif place not in _TORCHS:
            self._said["sets {}"][f"`model.{full}`"] = None

    def _of_global(self, change: Change) -> None:
        steps = change.path
        inner = next((n for n, (step, _) in enumerate(steps) if step != ATTRIBUTE), len(steps))
        name = ".".join(part for _, part in steps[:inner])
        told = f"the global `{name}` of {change.root.name}"
        if steps[inner:] and steps[inner][0] == INSIDE:
            told = f"what `{name}` of {change.root.name} keeps"
        if change.what == STUCK:
            self._stuck[told] = None
        else:
            self._said["changes {}"][told] = None

    def _by_layers(self) -> list[tuple[str, list[str], str]]:
        """What is said, names of tensors and the layers that have all of them."""
        together: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
        for (sort, name), layers in self._tensors.items():
            together[sort, tuple(layers)].append(name)
        return [
            (sort, names, counted(len(layers), "layer") if len(layers) > 1 else layers[0])
            for (sort, layers), names in together.items()
        ]


def _root(module: ModuleType) -> Root:
    file = getattr(module, "__file__", None)
    return Root(PurePath(file).name if file else module.__name__, module, own=True)


def _layer(change: Change) -> tuple[list[str], list[tuple[str, str]]]:
    """The layer that was changed, or that holds what was, and the way on from there."""
    layer, rest = [], list(change.path)
    least = 2 if change.what == "class" else 3
    while len(rest) >= least and rest[0] == (ATTRIBUTE, "_modules") and rest[1][0] == ITEM:
        layer.append(rest[1][1])
        rest = rest[2:]
    if rest and rest[0] == (ATTRIBUTE, "_modules"):
        rest = rest[1:]  # a layer in the place of another one, or a new one
    return layer, rest


def _listed(names: list[str], most: int = MOST_NAMED) -> str:
    shown, more = names[:most], len(names) - most
    if more > 0:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]
