"""The layers of a network that can be masked, scored and pruned, and those that are left dense.

A layer's parameters are seen as one matrix (rows, columns): a row for each output, a column for
each input of it (in_channels / groups × kernel) and, where there is a bias, one more for it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from adapters.base import UnsupportedSettings

SUPPORTED = (nn.Conv2d, nn.Linear)
_SHORTEST = 2
"""Dimensions of a parameter that is a weight, not a bias or a scale."""


@dataclass(frozen=True)
class Layer:
    """A layer that can be pruned.

    Attributes:
        name: of the module, as `named_modules` has it.
        module: a convolution or a linear layer that is called in every forward pass.
    """

    name: str
    module: nn.Conv2d | nn.Linear

    @property
    def linear(self) -> bool:
        return isinstance(self.module, nn.Linear)

    @property
    def groups(self) -> int:
        """Of a convolution; each has inputs of its own. 1 of a linear layer."""
        return 1 if isinstance(self.module, nn.Linear) else self.module.groups

    @property
    def parameters(self) -> Mapping[str, Tensor]:
        """Weight and, where there is one, bias, by their names in the network."""
        found: dict[str, Tensor | None] = {
            "weight": self.module.weight,
            "bias": self.module.bias,
        }
        return {
            f"{self.name}.{name}" if self.name else name: value
            for name, value in found.items()
            if value is not None
        }

    def matrix(self, values: Mapping[str, Tensor]) -> Tensor:
        """Values of its parameters as one matrix (rows, columns).

        Args:
            values: of each of `parameters`, in its shape.
        """
        weight, *bias = (values[name] for name in self.parameters)
        parts = [weight.flatten(1), *(one[:, None] for one in bias)]
        return torch.cat(parts, dim=1) if bias else parts[0]

    def parts(self, matrix: Tensor) -> dict[str, Tensor]:
        """A matrix (rows, columns) as values of `parameters`; the way back from `matrix`."""
        shapes = {name: value.shape for name, value in self.parameters.items()}
        (weight, shape), *bias = shapes.items()
        columns = matrix.shape[1] - len(bias)
        found = {weight: matrix[:, :columns].reshape(shape)}
        return found | {name: matrix[:, columns].clone() for name, _ in bias}

    def weights(self) -> Tensor:
        """What it holds, as a matrix (rows, columns), detached."""
        return self.matrix({name: value.detach() for name, value in self.parameters.items()})


@dataclass(frozen=True)
class Layers:
    """What of a network can be pruned.

    Attributes:
        every: in the order of their first call.
        dense: of the other parameters with two dimensions or more, by name, why they stay as they
            are.
    """

    every: tuple[Layer, ...]
    dense: Mapping[str, str]

    @property
    def last(self) -> Layer | None:
        """The last linear layer, which is pruned row by row; None where none is linear."""
        return next((layer for layer in reversed(self.every) if layer.linear), None)

    @property
    def parameters(self) -> Mapping[str, Tensor]:
        """Of all of them, by their names in the network."""
        return {name: value for layer in self.every for name, value in layer.parameters.items()}


def layers_of(network: nn.Module, images: Tensor) -> Layers:
    """Look at one forward pass.

    Args:
        network: images (N, C, H, W) to logits (N, classes), in eval mode.
        images: some, to look with.

    Raises:
        UnsupportedSettings: nothing can be pruned, or a layer holds only zeros.
    """
    named = dict(network.named_modules())
    odd = {name: why for name, module in named.items() if (why := _why_not(module))}
    calls = _calls(network, images, {n: m for n, m in named.items() if n not in odd})
    odd |= _why_not_here(named, calls, odd)
    every = tuple(
        Layer(name, module)
        for name in calls
        if name not in odd and isinstance(module := named[name], nn.Conv2d | nn.Linear)
    )
    kept = {id(layer.module.weight) for layer in every}
    dense = {}
    for name, parameter in network.named_parameters():
        if parameter.ndim >= _SHORTEST and id(parameter) not in kept:
            owner = name.rpartition(".")[0]
            dense[name] = _blamed(owner, odd) or f"is a parameter of {type(named[owner]).__name__}"
    found = Layers(every, dense)
    _check(found)
    return found


def _blamed(owner: str, odd: Mapping[str, str]) -> str | None:
    """Why a module or the nearest one around it can't be pruned: parametrisations stand inside
    what they are of."""
    while owner and owner not in odd:
        owner = owner.rpartition(".")[0]
    return odd.get(owner)


def _why_not_here(
    named: Mapping[str, nn.Module], calls: Mapping[str, bool], odd: Mapping[str, str]
) -> dict[str, str]:
    """Why others that look like ours can't be pruned in this network."""
    users: dict[int, list[str]] = {}
    for name, module in named.items():
        for parameter in module.parameters(recurse=False):
            users.setdefault(id(parameter), []).append(name)
    found: dict[str, str] = {}
    for name, module in named.items():
        if not isinstance(module, SUPPORTED) or name in odd:
            continue
        for what, parameter in module.named_parameters(recurse=False):
            shared = [user for user in users[id(parameter)] if user != name]
            if shared:
                found.setdefault(name, f"shares its {what} with {shared[0]}")
        if name in found:
            continue
        if name not in calls:
            found[name] = "is not called in a forward pass"
        elif not calls[name]:
            found[name] = "is called with something else than one tensor"
    return found


def _check(found: Layers) -> None:
    if not found.every:
        told = "; ".join(f"{name} {why}" for name, why in list(found.dense.items())[:2])
        raise UnsupportedSettings(
            "the network has no convolution or linear layer that can be pruned"
            + (f": {told}" if told else "")
        )
    for layer in found.every:
        if not bool(layer.module.weight.detach().any()):
            raise UnsupportedSettings(
                f"{layer.name or 'the network'} holds only zeros, so that none of its weights can"
                " be told from another: give --weights of a network that is trained"
            )


def _why_not(module: nn.Module) -> str:
    """Why a module that looks like one of ours can't be pruned; "" of the others too."""
    for kind in SUPPORTED:
        if not isinstance(module, kind):
            continue
        for what in ("weight", "bias"):
            if what not in module._parameters:
                return f"has a {what} that is computed, as by a parametrisation or a pruning"
        own = ("forward", "_conv_forward")
        if any(getattr(type(module), n, None) is not getattr(kind, n, None) for n in own):
            return f"is a {type(module).__name__}, which works in a way of its own"
    return ""


def _calls(network: nn.Module, images: Tensor, named: Mapping[str, nn.Module]) -> dict[str, bool]:
    """Of the layers that are called, in order, whether each call has one tensor alone."""
    found: dict[str, bool] = {}

    def seen(name: str) -> Callable[..., None]:
        def see(_: nn.Module, given: Sequence[Any], output: Any) -> None:
            sound = len(given) == 1 and isinstance(given[0], Tensor) and given[0].ndim > 1
            found[name] = found.get(name, True) and sound

        return see

    hooks: dict[nn.Module, Callable[..., None]]
    hooks = {m: seen(n) for n, m in named.items() if isinstance(m, SUPPORTED)}
    with hooked(hooks), torch.no_grad():
        network(images)
    return found


@contextlib.contextmanager
def hooked(hooks: Mapping[nn.Module, Callable[..., Any]]) -> Iterator[None]:
    """Inside the block each of these is called after its module's forward pass."""
    handles = [module.register_forward_hook(hook) for module, hook in hooks.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
