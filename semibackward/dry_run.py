"""One pass forward and backward with frozen parameters, held against one as the model is."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from semibackward import rounding
from semibackward.embeddings import EMBEDDINGS
from semibackward.findings import Finding, fine, mend, note
from semibackward.freeze import own_parameters_frozen, semi_backward
from semibackward.rounding import Layers

ACCUMULATE = "AccumulateGrad"


@dataclass(frozen=True)
class _Pass:
    """What one pass forward and backward gave."""

    gradients: list[Tensor | None]  # of the inputs, then of the outputs of embeddings
    parameters: int  # how many got a gradient
    at_parameters: set[tuple[str, int]]  # functions, and inputs of theirs that are parameters
    unread: set[tuple[str, int]]  # functions, and inputs whose gradient nobody asked for


def try_out(model: nn.Module, inputs: Any) -> list[Finding]:
    """Whether a frozen pass gives the same gradients, and how much it leaves out."""
    parameters = list(model.parameters())
    with _restored(model) as begin_again:
        try:
            begin_again()
            full = _run(model, inputs)
        except Exception as error:
            return [note("dry run", f"left out: {_words(error)}")]
        try:
            begin_again()
            with semi_backward(model):
                frozen = _run(model, inputs)
        except Exception as error:
            return [mend("dry run", f"works, but not with frozen parameters: {_words(error)}")]
        difference = _difference(full.gradients, frozen.gradients)

        def differs(layers: Layers) -> bool:
            begin_again()
            with own_parameters_frozen(layers.values()):
                now = _run(model, inputs)
            return _difference(now.gradients, frozen.gradients) != 0.0

        repeats, layers = True, None
        if difference:
            begin_again()
            repeats = not _difference(full.gradients, _run(model, inputs).gradients)
            if repeats and _by_rounding(full.gradients, frozen.gradients):
                layers = rounding.at_fault(model, lambda some: not differs(some))
    every = len(parameters)
    found = [
        (mend if frozen.parameters else fine)(
            "gradients",
            f"of {every} parameters, {full.parameters} get a gradient as the model is,"
            f" {frozen.parameters} when frozen",
        ),
        _compared(full, difference, repeats, layers),
    ]
    for name in sorted({name for name, _ in full.at_parameters & frozen.unread}):
        found.append(
            note(
                "wasted work",
                f"{name.replace('Backward', '')} computes gradients of frozen parameters; let its"
                " backward() look at ctx.needs_input_grad",
            )
        )
    return found


def _compared(
    full: _Pass, difference: float | None, repeats: bool, layers: Layers | None
) -> Finding:
    what = "perturbation"
    if not any(gradient is not None for gradient in full.gradients):
        return mend(what, "no input and no embedding gets a gradient: an attack can't follow one")
    if difference is None:
        return mend(what, "frozen, some inputs or embeddings get a gradient that others do not")
    if difference == 0.0:
        return fine(what, "its gradient is bit for bit the same when frozen")
    said = f"its gradient differs by up to {difference:.1e} when frozen"
    if layers is not None:
        kinds = {path: type(layer).__name__ for path, layer in layers.items()}
        return note(
            what,
            f"{said}, which is rounding: it is bit for bit the same once the parameters of"
            f" {rounding.named(kinds)} are frozen both times; an attack's images may differ",
        )
    if repeats:
        return mend(what, f"{said}, while the unfrozen one repeats itself: please report it")
    return note(what, f"{said}, and so it does from one unfrozen pass to the next")


def _difference(some: list[Tensor | None], others: list[Tensor | None]) -> float | None:
    """The largest difference (0.0: bit for bit equal); None if they can't be held together."""
    if [one is None for one in some] != [other is None for other in others]:
        return None
    pairs = [(a, b) for a, b in zip(some, others, strict=True) if a is not None and b is not None]
    if any(a.shape != b.shape for a, b in pairs):
        return None
    if all(torch.equal(a, b) for a, b in pairs):
        return 0.0
    return max(float((a - b).abs().max()) for a, b in pairs if a.numel())


def _by_rounding(some: list[Tensor | None], others: list[Tensor | None]) -> bool:
    """Whether each pair lies as near as its type's rounding puts it."""
    pairs = [(a, b) for a, b in zip(some, others, strict=True) if a is not None and b is not None]
    return all(rounding.relative_error(a, b) <= rounding.tolerance(a) for a, b in pairs)


def _run(model: nn.Module, inputs: Any) -> _Pass:
    """Forward and backward; the parameters' gradients are cleared before and after."""
    leaves: list[Tensor] = []
    embedded: list[Tensor] = []

    def ask(value: Any) -> Any:
        if not isinstance(value, Tensor) or not value.is_floating_point():
            return value
        leaves.append(value.detach().clone().requires_grad_())
        return leaves[-1]

    def keep(module: nn.Module, arguments: Any, output: Tensor) -> None:
        if output.requires_grad:
            output.retain_grad()
            embedded.append(output)

    hooks = [m.register_forward_hook(keep) for m in model.modules() if isinstance(m, EMBEDDINGS)]
    try:
        with torch.enable_grad():
            if isinstance(inputs, Mapping):
                output = model(**{name: ask(value) for name, value in inputs.items()})
            elif isinstance(inputs, (tuple, list)):
                output = model(*map(ask, inputs))
            else:
                output = model(ask(inputs))
            loss = sum(t.float().square().mean() for t in _tensors(output) if t.requires_grad)
            if not isinstance(loss, Tensor):
                raise TypeError("no output of the model depends on a parameter or an input")
            at_parameters, unread = _watch(loss, model)
            loss.backward(retain_graph=True)  # the model may keep a part of it
    finally:
        for hook in hooks:
            hook.remove()
    got = sum(parameter.grad is not None for parameter in model.parameters())
    gradients = [tensor.grad for tensor in [*leaves, *embedded]]
    return _Pass(gradients, got, at_parameters, unread)


def _watch(loss: Tensor, model: nn.Module) -> tuple[set[tuple[str, int]], set[tuple[str, int]]]:
    """Which functions lead to parameters, and, filled in by backward, which compute what is not
    asked for. Only those written in Python can; torch's own look first."""
    ids = {id(parameter) for parameter in model.parameters()}
    at_parameters: set[tuple[str, int]] = set()
    unread: set[tuple[str, int]] = set()
    seen, waiting = set(), [loss.grad_fn]
    while waiting:
        node: Any = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        name, edges = node.name(), [edge for edge, _ in node.next_functions]
        waiting += edges
        for place, edge in enumerate(edges):
            if edge is not None and edge.name().endswith(ACCUMULATE) and id(edge.variable) in ids:
                at_parameters.add((name, place))
        if isinstance(node, torch.autograd.function.BackwardCFunction):

            def look(given: Any, received: Any, name: str = name, to: Any = edges) -> None:
                pairs = zip(given, to, strict=True)
                unread.update((name, i) for i, (g, e) in enumerate(pairs) if e is None is not g)

            node.register_hook(look)
    return at_parameters, unread


def _tensors(output: Any) -> Iterator[Tensor]:
    if isinstance(output, Tensor):
        if output.is_floating_point():
            yield output
    elif isinstance(output, Mapping):
        for value in output.values():
            yield from _tensors(value)
    elif isinstance(output, (tuple, list)):
        for value in output:
            yield from _tensors(value)


@contextlib.contextmanager
def _restored(model: nn.Module) -> Iterator[Any]:
    """Give what a pass changes its old value back: gradients, buffers, random states.

    Yields a function that does so in between.
    """
    gradients = [(parameter, parameter.grad) for parameter in model.parameters()]
    buffers = [
        (module._buffers, name, buffer, buffer.detach().clone())
        for module in model.modules()
        for name, buffer in module._buffers.items()
        if buffer is not None
    ]
    python, torchs = random.getstate(), torch.get_rng_state()
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []

    def begin_again() -> None:
        for parameter, _ in gradients:
            parameter.grad = None
        with torch.no_grad():
            for place, name, buffer, value in buffers:
                buffer.detach().copy_(value)
                place[name] = buffer
        random.setstate(python)
        torch.set_rng_state(torchs)
        if gpus:
            torch.cuda.set_rng_state_all(gpus)

    try:
        yield begin_again
    finally:
        begin_again()
        for parameter, gradient in gradients:
            parameter.grad = gradient


def _words(error: Exception) -> str:
    """The first line of an error."""
    said = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {said[:200]}"
