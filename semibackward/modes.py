"""Evaluation mode for the length of a block, each module's own mode back after."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator

from torch import nn

from semibackward.holding import Undo, hold

NO_DROPOUT = 0.0


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


def _switch(module: nn.Module) -> Undo | None:
    if isinstance(module, nn.RNNBase):
        found = module.training, module.dropout
        if found == (True, NO_DROPOUT):
            return None
        _set_recurrent(module, True, NO_DROPOUT)
        return functools.partial(_set_recurrent, module, *found)
    if not module.training:
        return None
    module.training = False
    return functools.partial(setattr, module, "training", True)


def _set_recurrent(module: nn.RNNBase, training: bool, dropout: float) -> None:
    module.training = training
    module.dropout = dropout
