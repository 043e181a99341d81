"""One run of an attack, looked at: what it called and asked autograd for, and what that computed.

Not every run shows what a test wants to know: an attack that never calls the model computes no
gradient of its parameters, and two attacks that swallow an error are the same. `unmet` and `idle`
say so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from bench.worker import compilers, gradients, passes
from bench.worker.gradients import GradientTrace
from bench.worker.passes import Passes
from semibackward_bench.grammar import counted, form

Attack = Callable[[Tensor, Tensor], Tensor]

LONGEST_LIST = 3
"""Operations, or networks, that a message names."""
LONGEST_ERROR = 200
"""Letters of an error that a message repeats."""


@dataclass(frozen=True)
class Look:
    """What was seen of one run.

    Attributes:
        output: of the attack.
        images: that it was given.
        parameters: how many the model has.
        trace: of its gradients.
        passes: of the model, forward and backward.
    """

    output: object
    images: Tensor
    parameters: int
    trace: GradientTrace
    passes: Passes

    @property
    def calls(self) -> int:
        """How often the model was called, by itself or by its parts."""
        return self.trace.observed.model_calls or self.passes.forward_calls

    @property
    def asked(self) -> bool:
        """Whether a gradient was asked for through the model, and came."""
        through = self.passes.backward_images or self.trace.observed.reached
        came = len(self.trace.refused) < self.trace.observed.calls
        return bool(self.trace.operations or (through and came))

    @property
    def unchanged(self) -> bool:
        """Whether the images came back as they were."""
        return isinstance(self.output, Tensor) and torch.equal(self.output.detach(), self.images)


class _Nobody(nn.Module):
    """Stands for the model where none is known: nobody calls it."""


def look(
    attack: Attack,
    model: nn.Module | None,
    images: Tensor,
    labels: Tensor,
    start: Callable[[], object] = lambda: None,
) -> Look:
    """Run an attack once, and look.

    Code that the model was compiled into, with what surrounds it, never calls it: where no call was
    seen and anything is compiled, it is run again with what is compiled as it was written.

    Args:
        attack: on copies of the images and labels.
        model: whose calls and parameters are looked for; None for nobody's.
        images, labels: to run it on.
        start: called before each run.
    """
    observed = _Nobody() if model is None else model

    def once() -> Look:
        start()
        with gradients.observed(observed) as trace, passes.counted(observed) as made:
            output = attack(images.clone(), labels.clone())
        return Look(output, images, len(list(observed.parameters())), trace, made)

    with _gradients_kept(observed):
        seen = once()
        if seen.calls or model is None or not compilers.loaded():
            return seen
        with compilers.as_written():
            again = once()
    calls = again.trace.observed.model_calls
    seen.trace.observed = replace(seen.trace.observed, model_calls=calls)
    return replace(seen, passes=again.passes)


def unmet(seen: Look, who: str, so: str, *, black_box: bool) -> str | None:
    """Why a run tells nothing of the model's parameter gradients, and the mend; None where it does.

    Args:
        seen: the run.
        who: the attack, in words.
        so: what that means for the test.
        black_box: whether it need ask for no gradient.
    """
    observed, refused = seen.trace.observed, seen.trace.refused
    if seen.asked:
        return None
    if not seen.calls:
        return (
            f"{who} never called the model it was given{_instead(seen)}{_hidden()}, so {so}; give"
            " the very model that the attack calls"
        )
    if black_box and not refused:
        return None
    if refused:
        found = f"no gradient came of it: {_refused(seen)}"
        mend = "let the error out, and mend it"
    elif not observed.calls:
        graphless = observed.graphless
        under = f" ({graphless} of these calls recorded no graph, as under torch.no_grad())"
        found = f"asked for no gradient{under if graphless else ''}"
        mend = "give labels that the model predicts, should it pass over images that are"
        mend += " misclassified already; of a black-box attack say black_box=True"
    else:
        led = (
            "the one gradient call it made leads"
            if observed.calls == 1
            else (f"all {observed.calls} gradient calls it made lead")
        )
        found = f"{led} elsewhere{_instead(seen)}"
        mend = "give the very model that it differentiates, or, if it only asks this one for its"
        mend += " answers, say black_box=True"
    return f"{who} called the model {_times(seen.calls)}, but {found}, so {so}; {mend}"


def idle(seen: Look, who: str) -> str | None:
    """Why a run is none of an attack: it changed nothing, and called no network or failed; None
    where it may be one."""
    if not seen.unchanged:
        return None
    if seen.trace.refused:
        return f"{who} returned the images unchanged: {_refused(seen)}"
    if not (seen.calls or seen.trace.others or seen.trace.observed.calls):
        return f"{who} called no model and returned the images unchanged"
    return None


def blame(seen: Look) -> str | None:
    """Whose parameters' gradients a run computed, by which calls, and the mend; None: nobody's."""
    trace = seen.trace
    found, freezes = [], []
    if trace.operations:
        operations = _listed([f"{name} {count}" for name, count in trace.by_operation.items()])
        reads = [read for read in trace.observed.reads if not read.clears]
        read = f"of which it reads some ({reads[0]})" if reads else "and reads none of them"
        found.append(
            f"{len(trace.operations)} of {counted(seen.parameters, 'parameter')} {read}"
            f" ({operations})"
        )
        freezes.append("semi_backward(model)")
    for each in trace.observed.foreign:
        found.append(
            f"{counted(each.leaves, 'parameter that is', 'parameters that are')} not the model's"
            f" ({each.owner}) and reads {form(each.leaves, 'it nowhere', 'none of them')}"
        )
        freezes.append(each.freeze)
    if not found:
        return None
    calls = ", ".join(f"{count} × {call}" for call, count in sorted(trace.calls.items()))
    used = seen.calls or trace.operations
    missed = "" if used else "; it never called the model it was given"
    freeze = max(freezes, key=len)
    mend = f": with {freeze}: ..." if freeze.startswith("semi_backward") else ""
    return (
        f"the attack computes the gradients of {' and of '.join(found)}; gradient calls: {calls}"
        f"{missed}. Ask for the images' alone, torch.autograd.grad(loss, images), or freeze the"
        f" parameters{mend}"
    )


def _instead(seen: Look) -> str:
    others = seen.trace.others
    return f": it called {_listed(others)}" if others else ""


def _hidden() -> str:
    """That compiled code may have called it unseen."""
    if not compilers.loaded() or compilers.can_run_as_written():
        return ""
    return (
        " (what torch.compile made of more than the model is not seen to call it before torch 2.6)"
    )


def _listed(found: list[str]) -> str:
    return ", ".join(found[:LONGEST_LIST]) + (", ..." if len(found) > LONGEST_LIST else "")


def _refused(seen: Look) -> str:
    first = seen.trace.refused[0]
    said = first if len(first) <= LONGEST_ERROR else f"{first[:LONGEST_ERROR]} ..."
    return f"autograd raised, and the attack went on: {said}"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


@contextlib.contextmanager
def _gradients_kept(model: nn.Module) -> Iterator[None]:
    """What lies in `.grad` before the block lies there after it."""
    kept = [(parameter, parameter.grad) for parameter in model.parameters()]
    for parameter, _ in kept:
        parameter.grad = None
    try:
        yield
    finally:
        for parameter, gradient in kept:
            parameter.grad = gradient
