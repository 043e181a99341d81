"""The networks that a run calls, the model and others, and the leaves that belong to them.

Each call of a module is seen on its way there, and no module carries anything for it: a copy of the
model is told from the model, and behaves as it would.
"""

from __future__ import annotations

import contextlib
import sys
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn

from bench.worker import calls, holders
from bench.worker.calls import Call
from bench.worker.holders import Holder
from bench.worker.tensors import tensors_in


@dataclass(frozen=True)
class Owner:
    """Whose leaves they are that are none of the model's.

    Attributes:
        told: in words.
        freeze: the code that would freeze them too; "" where nobody can say.
        copied: whether they are a copy of the model's, or of a part of it.
    """

    told: str
    freeze: str = ""
    copied: bool = False


@dataclass
class Leaf:
    """One tensor that gradients are computed for.

    Attributes:
        tensor: as long as it lives.
        owner: whose.
        key: what tells it from the owner's others, in every copy alike.
        network: whether it is a module's.
        shape: of the tensor.
        read: whether the attack reads its gradient, or asks for it by name.
    """

    tensor: weakref.ref[Tensor]
    owner: Owner
    key: str
    network: bool
    shape: torch.Size
    read: bool = False


SUBSTITUTES = Owner("tensors in the place of the model's parameters")
LOOSE = Owner("tensors that are no module's parameters")
LEAST = 3
"""Parameters of a part of the model that tell a copy of it; fewer are alike in many networks."""


class Networks:
    """What is known of the networks of one run.

    Attributes:
        recomputing: whether calls are made for a backward pass, and count as no calls.
        graphless: calls of the model that recorded no graph.
        substituted: those in which other tensors stood in the place of its parameters.
        shapes: of the tensors that it was called with.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._inside = {id(part) for part in model.modules()}
        self._own = {id(parameter) for parameter in model.parameters()}
        self._known: dict[int, tuple[weakref.ref[nn.Module], bool]] = {}
        self._leaves: dict[int, Leaf] = {}
        self._whole = self._in_parts = 0
        self.recomputing = False
        self.graphless = 0
        self.substituted = 0
        self.shapes: set[torch.Size] = set()

    @property
    def calls(self) -> int:
        """Of the model; where only parts of it are called, or what contains it, of these."""
        return self._whole or self._in_parts

    @property
    def others(self) -> list[str]:
        """The networks that were called and are none of the model's, in words."""
        called = (leaf.owner.told for leaf in self._leaves.values() if leaf.network)
        return [told for told in dict.fromkeys(called) if told != SUBSTITUTES.told]

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """See the calls of modules inside the block."""
        with calls.intercepted(self._model, self._call), calls.seen(self._called):
            yield

    def leaf(self, tensor: Tensor) -> Leaf | None:
        """What is known of a tensor."""
        found = self._leaves.get(id(tensor))
        return found if found is not None and found.tensor() is tensor else None

    def loose(self, tensor: Tensor, frame: FrameType | None) -> Leaf:
        """What is known of one, that need be no module's parameter."""
        known = self.leaf(tensor)
        if known is not None:
            return known
        held = holders.holder(tensor, self._model, frame)
        if held is None:
            return self._know(tensor, LOOSE, str(tuple(tensor.shape)), network=False)
        one = held.value is tensor
        what = f"{'the tensor' if one else 'tensors in'} {held}"
        owner = Owner(what, f"{held.path}.requires_grad_(False)" if one else "")
        return self._know(tensor, owner, held.path, network=False)

    def _know(self, tensor: Tensor, owner: Owner, key: str, *, network: bool) -> Leaf:
        leaf = Leaf(weakref.ref(tensor), owner, key, network, tensor.shape)
        self._leaves[id(tensor)] = leaf
        return leaf

    def _call(self, _: Any, run: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The model is called, as a whole."""
        if not self.recomputing:
            self._whole += 1
            self.graphless += not torch.is_grad_enabled()
            self.shapes.update(each.shape for each in tensors_in((args, kwargs)))
            self.substituted += self._substitutes(self._model)
        return run(*args, **kwargs)

    def _called(self, module: nn.Module, _: tuple[Any, ...], __: dict[str, Any]) -> None:
        """Any module is."""
        if module is self._model:
            return
        if id(module) in self._inside:
            if not self.recomputing:
                self._in_parts += 1
                self.substituted += not self._whole and self._substitutes(module)
            return
        reference, around = self._known.get(id(module), (None, False))
        if reference is None or reference() is not module:
            around = self._get_to_know(module, sys._getframe(1))
        self._in_parts += around

    def _substitutes(self, module: nn.Module) -> bool:
        """Get to know what stands in the place of a parameter; whether anything does."""
        found = {
            name: held
            for path, part in module.named_modules()
            for name, held in ((f"{path}.{n}", p) for n, p in part._parameters.items())
            if held is not None and id(held) not in self._own
        }
        for name, held in found.items():
            if self.leaf(held) is None:
                self._know(held, SUBSTITUTES, name, network=True)
        return bool(found)

    def _get_to_know(self, module: nn.Module, frame: FrameType) -> bool:
        """Find out whose the parameters of another module are; whether it is around the model."""
        for part in module.modules():
            parts = {id(each) for each in part.modules()}
            self._known[id(part)] = weakref.ref(part), bool(parts & self._inside)
        named = dict(module.named_parameters())
        new = {name: found for name, found in named.items() if id(found) not in self._own}
        if new:
            held = holders.holder(module, self._model, frame)
            owner = self._owner(module, held)
            prefix = "" if held is None else f"{held.path}."
            for name, found in new.items():
                if self.leaf(found) is None:
                    self._know(found, owner, f"{prefix}{name}", network=True)
        return self._known[id(module)][1] or len(new) < len(named)

    def _owner(self, module: nn.Module, held: Holder | None) -> Owner:
        network = held.value if held is not None and isinstance(held.value, nn.Module) else module
        what, copied = self._kinship(network)
        if held is None:
            return Owner(what, copied=copied)
        freeze = f"semi_backward(model, {held.unpacked})"
        if not held.unregistered:
            return Owner(f"{what} ({held})", freeze, copied)
        if held.value is network:
            return Owner(f"the network {held}, which does not register it", freeze, copied)
        return Owner(f"the networks in {held}, which does not register them", freeze, copied)

    def _kinship(self, network: nn.Module) -> tuple[str, bool]:
        """What another network is to the model, in words, and whether it stands in for it."""
        model = self._model
        for part in network.modules():
            if _alike(part, model):
                if _equal(part, model):
                    return "a copy of the model", True
                return f"another {type(part).__name__} with the model's shapes", True
        for part in model.modules():
            if len(list(part.parameters())) >= LEAST and _alike(network, part):
                if _equal(network, part):
                    return "a copy of a part of the model", True
                break
        return f"a second network, {type(network).__name__}", False


def _alike(one: nn.Module, other: nn.Module) -> bool:
    """Whether they are of one class and have parameters of the same shapes."""
    if type(one) is not type(other):
        return False
    first = [(name, found.shape) for name, found in one.named_parameters()]
    return bool(first) and first == [(n, found.shape) for n, found in other.named_parameters()]


def _equal(one: nn.Module, other: nn.Module) -> bool:
    """Whether they have parameters of the same values."""
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(
        first.device == second.device and torch.equal(first.detach(), second.detach())
        for first, second in pairs
    )
