"""`forward-only`: no gradient at all, for attacks that read none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.cases import FORWARD_ONLY, SEMI_BACKWARD
from bench.variants.base import Part, Way
from bench.variants.outputs import mapped


class ForwardOnly(Part):
    """The model in inference mode, whoever calls it; what surrounds it is left alone, and so is a
    copy that an attack makes of it.

    The output is copied outside that mode, since attacks may work on it in place.
    """

    name = FORWARD_ONLY
    told = (
        "the model in inference mode wherever no gradient is read: black-box attacks, and queries"
        " of text"
    )
    turn = 5
    promises = True
    excludes = (SEMI_BACKWARD,)
    why_not = "in inference mode there is no gradient left to spare"

    def shape(self, way: Way) -> None:
        import torch

        forward = way.forward

        def infer(*args: Any, **kwargs: Any) -> Any:
            with torch.inference_mode():
                output = forward(*args, **kwargs)
            return mapped(output, lambda tensor: tensor.clone())

        way.forward = infer

    def lines(self, device: str) -> Sequence[str]:
        return (
            "def inferring(*args, forward=model.forward):",
            "    with torch.inference_mode():",
            "        output = forward(*args)",
            "    return output.clone()",
            "model.forward = inferring",
        )
