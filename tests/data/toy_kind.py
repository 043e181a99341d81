"""A kind of workload in one file: the gradient of a small network's output by its input."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from bench.cases import Case, Comparison, Options
from bench.kinds.base import Kind
from bench.kinds.group import Group
from bench.kinds.request import Request


@dataclass(frozen=True, kw_only=True)
class ToyOptions(Options):
    building: ClassVar[str] = "toy_kind:build"

    width: int
    kind: Literal["toy"] = "toy"

    def sentence(self, case: Case) -> str:
        return f"{case.what} of {case.batch} rows of {self.width}, {case.dtype}, {case.device}"


@dataclass(frozen=True, kw_only=True)
class ToyGroup(Group):
    width: tuple[int, ...]
    kind: str = "toy"


class Toy(Kind):
    name = "toy"
    options = ToyOptions
    group = ToyGroup
    own = ("width",)
    hint = "toys; add --suite toys.toml"

    def add_arguments(self, what: argparse._ArgumentGroup) -> None:
        what.add_argument("--width", nargs="+", type=int, metavar="N", help="of toys")

    def libraries(self) -> Iterable[str]:
        return ("toys",)

    def attacks(self, libraries: Iterable[str]) -> list[str]:
        return ["slope"]

    def cases(self, group: Group, request: Request, device: str) -> Iterable[Case]:
        assert isinstance(group, ToyGroup)
        for name, batch, width in itertools.product(group.attacks, group.batch, group.width):
            options = ToyOptions(width=width)
            yield Case("toys", name, group.models[0], batch, group.dtype, device, options)


def build(comparison: Comparison, seed: int) -> Any:
    """The building side, which alone imports torch."""
    import torch

    from bench.worker import state
    from bench.worker.variants import applied
    from bench.worker.workload import Workload

    width = ToyOptions.of(comparison.case).width
    torch.manual_seed(seed)
    rows = torch.rand(comparison.case.batch, width)

    class Slope(Workload):
        makes = "slopes"

        def run(
            self, variant: str, around: Callable[[Callable[[], Any]], Any], part: int = 0
        ) -> Any:
            with applied(variant, self.model):
                state.reset(self.model, self.seed)
                leaf = rows.clone().requires_grad_()
                return around(lambda: (self.model(leaf).sum().backward(), leaf.grad)[1])

        def output(self, variant: str) -> torch.Tensor:
            slope: torch.Tensor = self.run(variant, lambda run: run())
            return slope

        def doubts(self, output: Any) -> list[str]:
            return [] if output.isfinite().all() else ["not all slopes are finite"]

    model = torch.nn.Sequential(torch.nn.Linear(width, width), torch.nn.Linear(width, width))
    return Slope(comparison, seed, model, None)
