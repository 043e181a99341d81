"""`semi-backward`: the paper's trick (Bu 2022)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from bench.cases import SEMI_BACKWARD
from bench.variants.base import Part, Way


class Frozen(Part):
    """No parameter requires a gradient, so that none is computed."""

    name = SEMI_BACKWARD
    told = "parameters frozen before the forward pass"
    turn = 0
    promises = True

    def shape(self, way: Way) -> None:
        from semibackward import semi_backward
        from semibackward.wrapped import compiled_apart

        @contextlib.contextmanager
        def frozen() -> Iterator[None]:
            apart = compiled_apart() if way.compiles else contextlib.nullcontext()
            with apart, semi_backward(way.model):
                yield

        way.inside(frozen)

    def lines(self, device: str) -> Sequence[str]:
        return ("model.requires_grad_(False)",)
