"""Text models under frozen parameters: integer inputs carry no gradient, so embeddings must."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any, cast

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from semibackward.holding import Undo, hold, holds

EMBEDDINGS = (nn.Embedding, nn.EmbeddingBag)


def hold_embeddings(modules: Iterable[nn.Module]) -> Iterator[Undo]:
    """Make the outputs of trainable embeddings require a gradient while they are frozen."""
    for module in modules:
        if not isinstance(module, EMBEDDINGS):
            continue
        # Not module.weight: where it is parametrised, a look computes it, and may change buffers.
        trained = any(p.requires_grad or holds("parameter", p) for p in module.parameters())
        first = trained and not holds("embedding", module)
        undo = hold("embedding", module, _hook_first(module).remove if first else None)
        if undo is not None:
            yield undo


def _hook_first(module: nn.Module) -> RemovableHandle:
    """Register the output hook before every other, which may call `retain_grad()`."""
    handle = module.register_forward_hook(_require_gradient)
    hooks = cast("OrderedDict[int, Any]", module._forward_hooks)
    hooks.move_to_end(handle.id, last=False)  # prepend=True needs torch 2.0
    return handle


def _require_gradient(module: nn.Module, inputs: Any, output: torch.Tensor) -> torch.Tensor | None:
    if not holds("embedding", module):  # a copy, made inside the block, carries this hook along
        return None
    if output.requires_grad or not torch.is_grad_enabled() or _inside_a_transform():
        return None
    if type(module).forward not in _FORWARDS:
        output = output.clone()  # it may be a tensor that the module keeps
    # Not detached, which would drop a tangent. The clone is no leaf, so a model may still change
    # its embeddings in place.
    return output.requires_grad_().clone()


_FORWARDS = tuple(kind.forward for kind in EMBEDDINGS)


_compiling = getattr(getattr(torch, "compiler", None), "is_compiling", None)


def _inside_a_transform() -> bool:
    """Whether torch.func is at work, which needs no flag and forbids to set one."""
    if _compiling is not None and _compiling():
        return False  # the compiler's own tracing looks like a transform
    functorch = getattr(torch._C, "_functorch", None)
    look = getattr(functorch, "peek_interpreter_stack", None)
    return look is not None and look() is not None
