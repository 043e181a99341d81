"""Put a defence into any network: for the time of a block, or for good.

>>> with sap(model, percent=100):
...     logits = model(images)             # pruned after every ReLU, anew in each pass
>>> attacked = Defended(model, "sap-100")  # the same as a module, and attacked.model is dense

A defence works in what a call of the model runs, not in calls of parts of it. It composes with
`semi_backward` in either order. One network has one defence at a time.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from adapters.base import UnsupportedSettings
from adapters.papers.sap import changes, methods, placing
from adapters.papers.sap.methods import Defence
from adapters.papers.sap.placing import Change


def sap(
    model: nn.Module,
    percent: float = 100,
    fast: bool = False,
    generator: torch.Generator | None = None,
) -> AbstractContextManager[nn.Module]:
    """Stochastic activation pruning after every ReLU of a model (Dhillon et al. 2018, section 3).

    A block, undone on its way out, also after an exception.

    Args:
        model: trained; it needs no tuning.
        percent: k of SAP-k, draws in percent of a map's entries, above 0.
        fast: by independent decisions with the same marginals, in place of draws.
        generator: that draws, of the model's device; None for the device's own.

    Raises:
        UnsupportedSettings: the percent makes no sense; and as `defended` has it.
        TypeError: the model is none.
    """
    return defended(model, methods.defence("sap", percent, fast=fast), generator)


@contextmanager
def defended(
    model: nn.Module, defence: Defence | str, generator: torch.Generator | None = None
) -> Iterator[nn.Module]:
    """Inside the block, every call of the model is defended. What is drawn is drawn anew in each.

    A copy of the model that is made inside stays defended.

    Args:
        model: any, which is changed in no other way.
        defence: or its name, as "sap-100".
        generator: that draws, of the model's device; None for the device's own.

    Raises:
        UnsupportedSettings: there is no such defence, or the model has one, or its operations can't
            be seen. In a call of the model: nothing ran that the defence changes.
        TypeError: the model is none.
    """
    run = _Run(model, defence, generator)
    before = model.__dict__.get("forward")

    def forward(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        own = functools.partial(type(self).forward, self) if before is None else before
        return run(self, own, *args, **kwargs)

    forward.__dict__["defence"] = run.defence
    model.__dict__["forward"] = types.MethodType(forward, model)
    try:
        yield model
    finally:
        del model.__dict__["forward"]
        if before is not None:
            model.__dict__["forward"] = before


class Defended(nn.Module):
    """A network with a defence, for good; its parameters are the network's own.

    Attributes:
        model: the network, dense.
        defence: what it is defended by.

    Raises:
        UnsupportedSettings, TypeError: as `defended` has them.
    """

    def __init__(
        self, model: nn.Module, defence: Defence | str, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self._run = _Run(model, defence, generator)
        self.model = model
        self.training = model.training

    @property
    def defence(self) -> Defence:
        return self._run.defence

    @property
    def relus(self) -> int:
        """Activation maps that the last pass changed; 0 where weights are, or nothing."""
        return self._run.maps

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self._run(self.model, self.model, *args, **kwargs)


class _Run:
    """Forward passes under a defence.

    Attributes:
        maps: activation maps that the last one changed.
    """

    def __init__(
        self, model: nn.Module, defence: Defence | str, generator: torch.Generator | None
    ) -> None:
        if not isinstance(model, nn.Module):
            raise TypeError(f"a defence changes torch.nn.Module objects, not {model!r:.100}")
        self.defence = methods.parse(defence) if isinstance(defence, str) else defence
        self.maps = 0
        self._change: Change | None = None
        for module in model.modules():
            if found := _defence_of(module):
                raise UnsupportedSettings(
                    f"the network has a defence, {found.spec}; leave its block, or give the dense"
                    " network"
                )
        if self.defence.method.place != "nothing":
            placing.check(model)
            self._change = changes.change(self.defence, generator)

    def __call__(
        self, model: nn.Module, forward: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        """What a forward pass of `model` returns, which `forward` runs."""
        if self._change is None:
            return forward(*args, **kwargs)
        if self.defence.method.place == "weights":
            with changed_weights(model, self._change):
                return forward(*args, **kwargs)
        with placing.after_relus(self._change) as mode:
            output = forward(*args, **kwargs)
        self.maps = mode.maps
        if not mode.maps:
            raise UnsupportedSettings(
                f"{type(model).__name__}: no ReLU ran in its forward pass, and"
                f" {self.defence.title} changes what ReLUs return; give a network with nn.ReLU or"
                " F.relu, or a defence of weights, as swp-100"
            )
        return output


def _defence_of(module: nn.Module) -> Defence | None:
    if isinstance(module, Defended):
        return module.defence
    forward = getattr(module.__dict__.get("forward"), "__func__", None)
    found: Defence | None = getattr(forward, "defence", None)
    return found


@contextmanager
def changed_weights(model: nn.Module, change: Change) -> Iterator[None]:
    """Inside the block, other tensors stand in the place of every weight of 2 or more dimensions.

    Biases and what normalises stay. A gradient goes through the change to the parameters; a weight
    that several modules share is changed once.

    Raises:
        UnsupportedSettings: there is no such weight.
    """
    places: dict[int, tuple[nn.Parameter, list[tuple[nn.Module, str]]]] = {}
    for module in model.modules():
        for name, weight in module._parameters.items():
            if weight is not None and weight.ndim >= 2 and weight.is_floating_point():
                places.setdefault(id(weight), (weight, []))[1].append((module, name))
    if not places:
        raise UnsupportedSettings(
            f"{type(model).__name__} has no weight of 2 or more dimensions to change"
        )
    try:
        for parameter, where in places.values():
            _put(where, change(parameter))
        yield
    finally:
        for parameter, where in places.values():
            _put(where, parameter)


def _put(where: list[tuple[nn.Module, str]], weight: Tensor) -> None:
    for module, name in where:
        module._parameters[name] = weight  # type: ignore[assignment]
        if isinstance(module, nn.RNNBase):  # it reads its weights from a list of its own
            module._flat_weights = [getattr(module, flat) for flat in module._flat_weights_names]
