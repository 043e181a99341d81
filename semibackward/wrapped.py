"""Models that are wrapped or compiled: what can't be frozen safely is refused, with the mend.

- DistributedDataParallel averages parameter gradients in each backward pass and counts on which
  parameters get one. Frozen under `static_graph=True`, it stops averaging for good, in silence.
- Older versions of torch use code that was compiled for frozen parameters when they no longer
  are, and lose their gradients, in silence (compare pytorch issue 139476).
- FSDP follows the flags anew in each forward pass, if its version is not too old. FSDP1 changes
  gradients that were there before.

Imports torch only, and works in builds without `torch.distributed` and before `torch.compile`:
of what has not been imported, no model can be an instance.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

Undo = Callable[[], None]
_apart: ContextVar[bool] = ContextVar("compiled for frozen parameters alone", default=False)


@dataclass(frozen=True)
class Place:
    """Where torch has a class, and since which version freezing was shown to be right."""

    module: str
    name: str
    since: tuple[int, int] = (0, 0)

    def made(self, module: nn.Module) -> bool:
        """Whether the class, which may be missing or not yet imported, is the module's."""
        return isinstance(module, getattr(sys.modules.get(self.module), self.name, ()))


DDP = Place("torch.nn.parallel.distributed", "DistributedDataParallel")
FSDP1 = Place(
    "torch.distributed.fsdp.fully_sharded_data_parallel", "FullyShardedDataParallel", (2, 4)
)
FSDP2 = Place("torch.distributed.fsdp", "FSDPModule", (2, 7))
FSDP2_BEFORE = Place("torch.distributed._composable.fsdp.fully_shard", "FSDPModule", (2, 7))
_WRAPPED = {"DataParallel": "module", "OptimizedModule": "_orig_mod"}
COMPILED = Place("torch._dynamo.eval_frame", "OptimizedModule", (2, 12))


def guard(models: Sequence[nn.Module]) -> list[Undo]:
    """Refuse models that can't be frozen; watch for uses of the others that can't be.

    Returns:
        what ends the watch, to be called in reverse after the parameters are thawed.

    Raises:
        TypeError: a model is, or holds, a DistributedDataParallel, a compiled module or an FSDP
            module with which freezing would change or lose parameter gradients.
    """
    for model in models:
        for said in refusals(model):
            raise TypeError(f"semi_backward() can't freeze this model: {said}")
    return [*_watch_compiler(), *_watch_ddp(models)]


def refusals(model: nn.Module) -> Iterator[str]:
    """Why a model can't be frozen, each with the mend; nothing if it can."""
    for name, module in model.named_modules():
        said = _refusal(f"its {name!r}" if name else "it", module)
        if said is not None:
            yield said


def _refusal(what: str, module: nn.Module) -> str | None:
    if DDP.made(module):
        return (
            f"{what} is a DistributedDataParallel, which counts on the parameters that required a"
            " gradient when it was made; attack the inner module: semi_backward(model.module) and"
            " attack(model.module, ...), then train with model(adversarial) as before"
        )
    sharded = next((place for place in (FSDP1, FSDP2, FSDP2_BEFORE) if place.made(module)), None)
    if sharded and torch_version() < sharded.since:
        return (
            f"{what} is sharded by FSDP, which is known to follow frozen parameters from torch"
            f" {'.'.join(map(str, sharded.since))} on, and this is torch {torch.__version__};"
            " update torch, or attack without semi_backward()"
        )
    if sharded is FSDP1 and any(p.grad is not None for p in module.parameters()):
        return (
            f"{what} is a FullyShardedDataParallel with gradients, which it would lose; call"
            " optimizer.step() and optimizer.zero_grad(set_to_none=True) before the attack, or"
            " shard with fully_shard()"
        )
    if torch_version() < COMPILED.since and is_compiled(module):
        return (
            f"{what} is compiled, and torch {torch.__version__} may use code compiled for frozen"
            " parameters when they no longer are; attack the module that isn't compiled"
            " (model._orig_mod, if torch.compile(model) made it), or update to torch"
            f" {'.'.join(map(str, COMPILED.since))} or newer"
        )
    return None


def inner(model: nn.Module) -> tuple[nn.Module, str]:
    """What a DataParallel or a compiled module wraps, and how it is reached from the model.

    Returns:
        the model itself and "model", if it wraps nothing.
    """
    path = "model"
    while name := _WRAPPED.get(type(model).__name__):
        within = getattr(model, name, None)
        if not isinstance(within, nn.Module):
            break
        model, path = within, f"{path}.{name}"
    return model, path


@contextlib.contextmanager
def uncompiled() -> Iterator[None]:
    """Run compiled modules as they were before, inside the block, where `can_run_uncompiled()`."""
    if "torch._dynamo" in sys.modules and can_run_uncompiled():
        with torch.compiler.set_stance("force_eager"):
            yield
    else:
        yield


def can_run_uncompiled() -> bool:
    """Whether this torch (2.6 or newer) can."""
    return hasattr(getattr(torch, "compiler", None), "set_stance")


def is_compiled(module: nn.Module) -> bool:
    """Whether torch.compile made it, or `module.compile()` was called."""
    if getattr(module, "_compiled_call_impl", None) is not None:  # model.compile()
        return True
    return COMPILED.made(module)


def torch_version() -> tuple[int, int]:
    major, minor = torch.__version__.split(".")[:2]
    return int(major), int(minor)


def _watch_ddp(models: Sequence[nn.Module]) -> Iterator[Undo]:
    """Refuse calls of the held modules that come from within a DistributedDataParallel.

    From a module one can't see who wraps it. Without a process group nobody does.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        refuse = functools.partial(_refuse_ddp, _active_ddp())
        for module in {module for model in models for module in model.modules()}:
            yield module.register_forward_pre_hook(refuse).remove


def _active_ddp() -> nn.Module | None:
    """The DistributedDataParallel that is being called; before torch 2.0 it can't be told."""
    return getattr(nn.parallel.DistributedDataParallel, "_active_ddp_module", None)


def _refuse_ddp(around: nn.Module | None, module: nn.Module, inputs: Any) -> None:
    """Raise if a DistributedDataParallel calls, unless the whole block is inside its forward."""
    if torch.is_grad_enabled() and _active_ddp() not in (None, around):
        raise RuntimeError(
            "a model frozen by semi_backward() was called through its DistributedDataParallel,"
            " which would lose count of the gradients to average; attack the inner module:"
            " attack(model.module, ...), and call model(...) itself after the block"
        )


@contextlib.contextmanager
def compiled_apart() -> Iterator[None]:
    """The block in which what is compiled is run for frozen parameters alone, as whoever enters it
    sees to: nothing that `semi_backward` must watch for."""
    before = _apart.set(True)
    try:
        yield
    finally:
        _apart.reset(before)


def _watch_compiler() -> Iterator[Undo]:
    """Before Dynamo guarded the flags, refuse to end a block in which Dynamo compiled something."""
    if not _apart.get() and (2, 0) <= torch_version() < COMPILED.since:
        yield functools.partial(_refuse_compiled_inside, _frames_compiled())


def _refuse_compiled_inside(before: int) -> None:
    if _frames_compiled() != before:
        raise RuntimeError(
            f"torch.compile compiled code inside semi_backward(), and torch {torch.__version__} may"
            " use it again when the parameters are no longer frozen, without their gradients; call"
            " torch._dynamo.reset() now, and then attack a model that isn't compiled, or update to"
            f" torch {'.'.join(map(str, COMPILED.since))} or newer"
        )


def _frames_compiled() -> int:
    counters = getattr(sys.modules.get("torch._dynamo.utils"), "counters", {})
    frames = counters.get("frames", {})
    return int(frames.get("ok", 0))
