"""What a frozen model would lose in silence, and so is refused.

torch says nothing when a graph hands a gradient to a parameter that no longer requires one, nor
when an optimizer steps over parameters without gradients. While a block is open, both are errors.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from semibackward.grammar import form
from semibackward.holding import Undo, holds

_CAN_COUNT = hasattr(torch.Tensor, "_use_count")

_open_blocks = 0
_optimizer_hook: Any = None


def accumulator(parameter: torch.Tensor) -> Any:
    """The graph node that adds to this parameter's `.grad`; None if no graph has one.

    Needs gradients enabled.
    """
    # Only Python holds the parameter, so no graph does. (torch 1.12 can't tell.)
    if _CAN_COUNT and parameter._use_count() == 1:  # type: ignore[attr-defined]
        return None
    view = parameter.view_as(parameter).grad_fn
    return None if view is None else view.next_functions[0][0]


def refuse_lost_gradients(parameter: torch.Tensor, node: Any) -> Undo:
    """Raise, instead of dropping it, when `node` is handed a gradient for a frozen parameter.

    Returns:
        what ends the watch.
    """
    # Runs after the node, which has done nothing; a hook before it needs torch 2.0.
    handle = node.register_hook(functools.partial(_refuse_backward, parameter))
    return handle.remove  # type: ignore[no-any-return]


def _refuse_backward(parameter: torch.Tensor, *gradients: Any) -> None:
    if parameter.requires_grad:  # switched on again inside the block
        return
    raise RuntimeError(
        "backward() inside semi_backward(...) of a graph that was built before the block: the"
        f" gradient of a frozen parameter of shape {tuple(parameter.shape)} would be lost; call"
        " backward() before the block or after it, or detach() what the attack takes from outside"
    )


def open_block() -> Undo:
    """Watch every optimizer's step while a block is open.

    Returns:
        what closes the block.
    """
    global _open_blocks, _optimizer_hook
    if _open_blocks == 0:
        _optimizer_hook = _watch_optimizers()
    _open_blocks += 1
    return _close_block


def _close_block() -> None:
    global _open_blocks
    _open_blocks -= 1
    if _open_blocks == 0 and _optimizer_hook is not None:
        _optimizer_hook.remove()


def _watch_optimizers() -> Any:
    """Register for every optimizer's step; None before torch 2.0, which has no such hook."""
    optimizers = importlib.import_module("torch.optim.optimizer")  # torch.optim hides its name
    register = getattr(optimizers, "register_optimizer_step_pre_hook", None)
    return None if register is None else register(_refuse_step)


def _refuse_step(optimizer: torch.optim.Optimizer, *arguments: Any) -> None:
    parameters = (p for group in optimizer.param_groups for p in group["params"])
    frozen = sum(holds("parameter", p) and not p.requires_grad for p in parameters)
    if frozen:
        raise RuntimeError(
            f"{type(optimizer).__name__}.step() inside semi_backward(...): {frozen} of its"
            f" parameters {form(frozen, 'is frozen', 'are frozen')}, so nothing would train"
            f" {form(frozen, 'it', 'them')}; step after the block, or give"
            " the attack an optimizer of its own without the model's parameters"
        )


def refuse_cached_weights(models: Iterable[nn.Module]) -> None:
    """Refuse to freeze parametrised weights inside `parametrize.cached()`.

    Raises:
        RuntimeError: a weight cached before the block, or in it, would outlive the block's ends.
    """
    if not getattr(parametrize, "_cache_enabled", 0):
        return
    for module in (module for model in models for module in model.modules()):
        if not parametrize.is_parametrized(module):
            continue
        originals = module.parametrizations.parameters()  # type: ignore[union-attr]
        if any(p.requires_grad or holds("parameter", p) for p in originals):
            raise RuntimeError(
                "semi_backward() inside parametrize.cached(): the weights cached outside the block"
                f" and inside it can't be told apart ({type(module).__name__}); open cached()"
                " inside the block, and another after it"
            )
