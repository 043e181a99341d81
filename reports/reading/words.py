"""How names are spelt for readers."""

from __future__ import annotations

from bench.cases import A_A

WITHIN = "within this process"
"""What the interval of a single process is called."""

_CALLS = {
    "backward": "loss.backward()",
    "backward(inputs)": "loss.backward(inputs=...)",
    "autograd.grad": "torch.autograd.grad",
}


def spelt(call: str) -> str:
    """A kind of gradient call, or several joined by " + ", as it is written in code."""
    return " and ".join(_CALLS.get(kind, kind) for kind in call.split(" + "))


def variant_spelt(variant: str) -> str:
    """A variant's name in a table."""
    return "original again" if variant == A_A else variant


def shortened(text: str, most: int) -> str:
    """A text of at most so many characters, its middle left out."""
    if len(text) <= most:
        return text
    head = most // 2
    return f"{text[:head]}…{text[len(text) - (most - head - 1) :]}"
