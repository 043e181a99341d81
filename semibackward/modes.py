"""Evaluation mode for the length of a block, each module's own mode back after."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator

from torch import nn

from semibackward.holding import Undo, hold


def hold_modes(modules: Iterable[nn.Module]) -> Iterator[Undo]:
    """Switch every module to evaluation mode, without calling its `train()`.

    A recurrent layer is switched to training mode without dropout, which computes the same: cuDNN
    has no backward for one in evaluation mode. A module's own `train()` is not called, since it
    may do more than switch (merge weights, say), and not undo it bit for bit.
    """
    for module in modules:
        undo = hold("mode", module, _switch(module))
        if undo is not None:
            yield undo


def _switch(module: nn.Module) -> Undo:
    found = module.training
    if isinstance(module, nn.RNNBase):
        revert = functools.partial(_set_recurrent, module, found, module.dropout)
        _set_recurrent(module, True, 0.0)
        return revert
    if found:
        module.training = False
    return functools.partial(_set, module, found)


def _set(module: nn.Module, training: bool) -> None:
    if module.training != training:
        module.training = training


def _set_recurrent(module: nn.RNNBase, training: bool, dropout: float) -> None:
    module.training, module.dropout = training, dropout
