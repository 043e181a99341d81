"""Look a model over before its attack is frozen: what applies to it, and what is to mend.

Looking costs nothing. Given inputs, `examine` also runs the model forward and backward, with its
parameters as they are and frozen, and holds one against the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parameter import is_lazy
from torch.nn.utils import parametrize

from semibackward import unregistered, wrapped
from semibackward.dry_run import try_out
from semibackward.embeddings import EMBEDDINGS
from semibackward.findings import Finding, fine, mend, note
from semibackward.grammar import counted, form

WRAPPERS = {
    "DataParallel": "its replicas follow the flags of what it wraps",
    "FullyShardedDataParallel": "it follows the flags in each forward pass; attack it as it is",
    "OptimizedModule": "torch compiles it once more for frozen parameters, and keeps both",
}
_CHECKPOINTING = ("gradient_checkpointing", "grad_checkpointing", "is_gradient_checkpointing")


def examine(model: nn.Module, inputs: Any = None) -> list[Finding]:
    """What `semi_backward(model)` meets in this model.

    Args:
        model: looked at as it is; buffers, gradients, modes, attributes and random states are the
            same after. Of a DataParallel or a compiled module, what it wraps is looked at and run.
        inputs: what the model is called with: a tensor, a tuple of arguments, or a dictionary of
            keyword arguments. With them, one forward and backward pass is made unfrozen (a second,
            if its gradients differ from the frozen ones) and one frozen.

    Returns:
        findings, most general first; their severity is "mend" where something has to be done.

    Raises:
        TypeError: it is no `nn.Module`.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(
            f"examine() looks at torch.nn.Module objects, got {type(model).__name__};"
            " pass the module inside the wrapper, for instance classifier.model"
        )
    inner, path = wrapped.inner(model)
    found = [finding for look in _LOOKS for finding in look(inner)]
    if inner is not model:
        found.append(note("looked into", f"{path}, which it wraps: the model of what is said here"))
    found += _wrapping(model)
    if inputs is not None:
        reason = _not_to_be_run(inner)
        found += [mend("dry run", f"left out: {reason}")] if reason else try_out(inner, inputs)
    return found


def _parameters(model: nn.Module) -> Iterator[Finding]:
    every = list(model.parameters())
    trainable = sum(parameter.requires_grad for parameter in every)
    if not every:
        yield mend("parameters", "it has none, so there is nothing to freeze")
        return
    if not trainable:
        yield mend(
            "parameters",
            f"none of {len(every)} requires a gradient, so there is nothing to freeze: an attack on"
            " it computes no parameter gradient as it is",
        )
        return
    does = form(trainable, "requires a gradient and is", "require a gradient and are")
    said = f"{trainable} of {len(every)} {does} frozen inside the block"
    if left := len(every) - trainable:
        does = form(left, "does not, and is left as it is", "do not, and are left as they are")
        said += f"; {left} {does}"
    yield fine("parameters", said)
    if whole := sum(not is_lazy(p) and not _is_real(p) for p in every):
        hold = counted(whole, "parameter holds", "parameters hold")
        yield fine("integer", f"{hold} integers and never {form(whole, 'gets', 'get')} a gradient")
    if lazy := sum(map(is_lazy, every)):
        have = counted(lazy, "parameter has", "parameters have")
        yield note("uninitialised", f"{have} no shape yet; run one forward pass")
    names = Counter(id(p) for m in model.modules() for p in m._parameters.values() if p is not None)
    if shared := sum(count > 1 for count in names.values()):
        have = counted(shared, "parameter has", "parameters have")
        are = form(shared, "is", "are")
        yield fine("shared", f"{have} several names, and {are} frozen once")
    made = sum(not is_lazy(p) and p.is_inference() and p.requires_grad for p in every)
    if made:
        were = counted(made, "parameter was", "parameters were")
        them = form(made, "it", "them")
        yield mend("inference", f"{were} made in torch.inference_mode(); make {them} outside")


def _unregistered(model: nn.Module) -> Iterator[Finding]:
    for held in unregistered.look([model], model.modules()):
        yield mend("unregistered", str(held))


def _text(model: nn.Module) -> Iterator[Finding]:
    embeddings = [module for module in model.modules() if isinstance(module, EMBEDDINGS)]
    if embeddings:
        require = form(len(embeddings), "output still requires", "outputs still require")
        yield fine(
            "embeddings",
            f"{len(embeddings)}, whose {require} a gradient inside the block; that of"
            " F.embedding(ids, weight) would not",
        )


def _modes(model: nn.Module) -> Iterator[Finding]:
    option = "semi_backward(model, evaluating=True) evaluates for the length of the block"
    for what, belongs, does in (
        ("batch norm", _is_batch_norm, "an attack moves the running statistics, frozen or not"),
        ("dropout", _drops, "an attack draws masks, frozen or not"),
    ):
        modules = [module for module in model.modules() if belongs(module)]
        training = sum(module.training for module in modules)
        if training:
            yield note(what, f"{training} of {len(modules)} in training mode: {does}; {option}")
        elif modules:
            yield fine(what, f"{len(modules)}, in evaluation mode")
    recurrent = [module for module in model.modules() if isinstance(module, nn.RNNBase)]
    if still := sum(not module.training for module in recurrent):
        yield note(
            "recurrent",
            f"{still} of {len(recurrent)} in evaluation mode, for which cuDNN has no backward: on a"
            " GPU use semi_backward(model, evaluating=True), or their training mode",
        )
    elif recurrent:
        yield fine("recurrent", f"{len(recurrent)}, in training mode, as cuDNN needs for backward")
    own = sorted({_name(m) for m in model.modules() if type(m).train is not nn.Module.train})
    if own:
        yield note(
            "own train()", f"of {', '.join(own)}: not called by evaluating=True, which sets flags"
        )


def _computed_weights(model: nn.Module) -> Iterator[Finding]:
    parametrised = [module for module in model.modules() if parametrize.is_parametrized(module)]
    if parametrised:
        compute = counted(
            len(parametrised), "module computes its weights", "modules compute their weights"
        )
        yield note(
            "parametrised",
            f"{compute}: open parametrize.cached() inside the block, not around it",
        )
    hooked = [
        hook
        for module in model.modules()
        for hook in module._forward_pre_hooks.values()
        if type(hook).__name__ in ("WeightNorm", "SpectralNorm")
    ]
    if hooked:
        are = counted(len(hooked), "weight is", "weights are")
        yield fine("weight norm", f"{are} computed anew in every forward pass")
    kept = [
        f"{path}.{name}".lstrip(".")
        for path, module in model.named_modules()
        for name, value in {**module._buffers, **vars(module)}.items()
        if isinstance(value, Tensor) and value.requires_grad and not _is_made_by(module, name)
    ]
    if kept:
        yield mend(
            "tensors",
            f"{', '.join(kept)}: no parameters, yet they require a gradient, and are not frozen;"
            " detach() them, make them parameters, or compute them in forward()",
        )


def _hooks(model: nn.Module) -> Iterator[Finding]:
    if hooked := sum(map(_has_hooks, model.parameters())):
        on = counted(hooked, "parameter")
        yield note("hooks", f"on {on}: they rest inside the block, and are back after it")


def _wrapping(model: nn.Module) -> Iterator[Finding]:
    if any(getattr(m, name, False) is True for m in model.modules() for name in _CHECKPOINTING):
        yield note(
            "checkpointing", "on: call backward() in the block in which the forward pass was made"
        )
    refused = list(wrapped.refusals(model))
    for said in refused:
        yield mend("wrapper", said)
    if not refused:
        for name in sorted({type(module).__name__ for module in model.modules()} & set(WRAPPERS)):
            yield note("wrapper", f"{name}: {WRAPPERS[name]}")


_LOOKS: tuple[Callable[[nn.Module], Iterator[Finding]], ...] = (
    _parameters,
    _unregistered,
    _text,
    _modes,
    _computed_weights,
    _hooks,
)


def _not_to_be_run(model: nn.Module) -> str | None:
    """Why a dry run would not leave the model as it was."""
    if any(map(is_lazy, [*model.parameters(), *model.buffers()])):
        return "some parameters have no shape yet, and would get one; run one forward pass before"
    names = {type(module).__name__ for module in model.modules()}
    wrappers = names & {"DistributedDataParallel", "FullyShardedDataParallel"}
    if any(map(wrapped.is_compiled, model.modules())) and not wrapped.can_run_uncompiled():
        wrappers.add("a compiled module")
    if wrappers:
        return f"{', '.join(sorted(wrappers))} does more than the model; examine what it wraps"
    return None


def _has_hooks(parameter: Tensor) -> bool:
    after = getattr(parameter, "_post_accumulate_grad_hooks", None)
    return bool(parameter._backward_hooks or after)


def _is_made_by(module: nn.Module, name: str) -> bool:
    """Whether a tensor is what old-style weight or spectral norm computes in each forward pass."""
    hooks = module._forward_pre_hooks.values()
    return any(getattr(hook, "name", None) == name for hook in hooks)


def _is_batch_norm(module: nn.Module) -> bool:
    return isinstance(module, _BatchNorm)


def _drops(module: nn.Module) -> bool:
    """Whether it draws in training mode: torch's dropout, or DropPath and the like, by name."""
    return "Drop" in type(module).__name__ and getattr(module, "p", None) != 0


def _is_real(parameter: Tensor) -> bool:
    return parameter.is_floating_point() or parameter.is_complex()


def _name(module: nn.Module) -> str:
    return type(module).__name__
