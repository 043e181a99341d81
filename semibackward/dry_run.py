"""One pass forward and backward with frozen parameters, held against one as the model is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from semibackward import rounding, wrapped
from semibackward.embeddings import EMBEDDINGS
from semibackward.findings import Finding, fine, mend, note
from semibackward.freeze import own_parameters_frozen, semi_backward
from semibackward.grammar import counted, form
from semibackward.restoring import restored
from semibackward.rounding import Layers

ACCUMULATE = "AccumulateGrad"


@dataclass(frozen=True)
class _Pass:
    """What one pass forward and backward gave."""

    gradients: list[Tensor | None]  # of the inputs, then of the outputs of embeddings
    outputs: int  # floating-point tensors
    parameters: int  # how many got a gradient
    at_parameters: set[tuple[str, int]]  # functions, and inputs of theirs that are parameters
    unread: set[tuple[str, int]]  # functions, and inputs whose gradient nobody asked for


def try_out(model: nn.Module, inputs: Any) -> list[Finding]:
    """Whether a frozen pass gives the same gradients, and how much it leaves out."""
    with restored(model) as begin_again, wrapped.uncompiled():

        def run() -> _Pass:
            begin_again()
            return _run(model, inputs)

        try:
            full = run()
        except (Exception, SystemExit) as error:
            return [mend("dry run", f"fails as the model is: {_words(error)}{_hint(model, error)}")]
        if lacking := _lacking(full):
            return [mend("perturbation", lacking)]
        if not any(parameter.requires_grad for parameter in model.parameters()):
            return [fine("perturbation", "it has a gradient that an attack can follow")]
        try:
            begin_again()  # not inside, where it would take the block's own hooks away
            with semi_backward(model):
                frozen = _run(model, inputs)
        except (Exception, SystemExit) as error:
            return [mend("dry run", _blame(error, run))]
        difference = _difference(full.gradients, frozen.gradients)

        def differs(layers: Layers) -> bool:
            begin_again()
            with own_parameters_frozen(layers.values()):
                now = _run(model, inputs)
            return _difference(now.gradients, frozen.gradients) != 0.0

        repeats, layers = True, None
        if difference:
            repeats = not _difference(full.gradients, run().gradients)
            if repeats and _by_rounding(full.gradients, frozen.gradients):
                layers = rounding.at_fault(model, lambda some: not differs(some))
    every = len(list(model.parameters()))
    found = [
        (mend if frozen.parameters else fine)(
            "gradients",
            f"of {counted(every, 'parameter')}, {full.parameters}"
            f" {form(full.parameters, 'gets', 'get')} a gradient as the model is,"
            f" {frozen.parameters} when frozen",
        ),
        _compared(difference, repeats, layers),
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


def _lacking(full: _Pass) -> str | None:
    """Why no attack can follow a gradient, frozen or not; None if one can."""
    gradients = [gradient for gradient in full.gradients if gradient is not None]
    if not full.outputs:
        return "its output holds no floating-point tensor, so there is no gradient to follow"
    if not full.gradients:
        return (
            "no input is a floating-point tensor, and no nn.Embedding has an output that requires a"
            " gradient: an attack can't follow one"
        )
    if not gradients:
        return (
            "no input and no embedding gets a gradient, frozen or not: an attack can't follow one;"
            " look for torch.no_grad(), detach(), .data, integers or numpy in forward()"
        )
    if not all(bool(torch.isfinite(gradient).all()) for gradient in gradients):
        return "its gradient is not finite, frozen or not: an attack can't follow it"
    if not any(bool(gradient.any()) for gradient in gradients):
        return (
            "its gradient is zero everywhere, frozen or not: an attack finds no direction; look for"
            " rounding, signs, thresholds or weights of zero"
        )
    return None


def _blame(error: BaseException, run: Callable[[], _Pass]) -> str:
    """Whether it is frozen parameters that a model fails with, or every second pass."""
    try:
        run()
    except (Exception, SystemExit) as other:
        return f"works once, and fails when it is run again, frozen or not: {_words(other)}"
    return f"works, but not with frozen parameters: {_words(error)}"


def _hint(model: nn.Module, error: BaseException) -> str:
    """What may be the matter, after an error."""
    takes_integers = any(word in str(error) for word in ("indices", "Long", "Int"))
    if takes_integers and any(isinstance(module, EMBEDDINGS) for module in model.modules()):
        return "; it has embeddings, which take integers: try it with examine(model, ids)"
    return ""


def _compared(difference: float | None, repeats: bool, layers: Layers | None) -> Finding:
    what = "perturbation"
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
            outputs = list(_tensors(output))
            losses = [_loss(output) for output in outputs if output.requires_grad]
            if not losses:
                return _Pass([None] * (len(leaves) + len(embedded)), len(outputs), 0, set(), set())
            at_parameters, unread = _watch(losses, model)
            torch.autograd.backward(losses, retain_graph=True)  # the model may keep a part of it
    finally:
        for hook in hooks:
            hook.remove()
    got = sum(parameter.grad is not None for parameter in model.parameters())
    gradients = [tensor.grad for tensor in [*leaves, *embedded]]
    return _Pass(gradients, len(outputs), got, at_parameters, unread)


def _loss(output: Tensor) -> Tensor:
    """One whose gradient is not zero where the output is zero, or sums to one."""
    numbers = torch.view_as_real(output) if output.is_complex() else output
    numbers = numbers.float().flatten()
    return (numbers + torch.linspace(1, 2, len(numbers), device=output.device)).square().mean()


def _watch(
    losses: list[Tensor], model: nn.Module
) -> tuple[set[tuple[str, int]], set[tuple[str, int]]]:
    """Which functions lead to parameters, and, filled in by backward, which compute what is not
    asked for. Only those written in Python can; torch's own look first."""
    ids = {id(parameter) for parameter in model.parameters()}
    at_parameters: set[tuple[str, int]] = set()
    unread: set[tuple[str, int]] = set()
    seen, waiting = set[Any](), [loss.grad_fn for loss in losses]
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


def _tensors(output: Any, depth: int = 4) -> Iterator[Tensor]:
    """The floating-point tensors in an output: in containers, dataclasses and plain objects too."""
    if isinstance(output, Tensor):
        if (output.is_floating_point() or output.is_complex()) and output.numel():
            yield output
        return
    held: Any = ()
    if isinstance(output, Mapping):
        held = output.values()
    elif isinstance(output, (tuple, list)):
        held = output
    elif dataclasses.is_dataclass(output):
        held = [getattr(output, field.name, None) for field in dataclasses.fields(output)]
    elif not isinstance(output, (type, nn.Module)):
        held = list(getattr(output, "__dict__", {}).values())
    for value in held if depth else ():
        yield from _tensors(value, depth - 1)


def _words(error: BaseException) -> str:
    """The first line of an error."""
    said = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {said[:200]}"
