"""Instruments change nothing: programs give bit for bit what they give without."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import Variable

from bench.cases import FORWARD_ONLY
from bench.worker import counting, flops, gradients, memory, passes, proof
from bench.worker.dissecting import Clock, seams
from bench.worker.variants import applied
from tests import programs
from tests.programs import PROGRAMS, QUERIES, Program, available

pytestmark = pytest.mark.usefixtures("one_thread")

Run = Callable[[], Any]
Instrument = Callable[[nn.Module, Run], object]


def _inside(block: Callable[[nn.Module], contextlib.AbstractContextManager[Any]]) -> Instrument:
    def look(model: nn.Module, run: Run) -> None:
        with block(model):
            run()

    return look


def _proof(model: nn.Module, run: Run) -> None:
    work: Any = SimpleNamespace(model=model, several=False, probe=lambda _, around: around(run))
    proof.trail(work, "original")


def _kept(model: nn.Module, run: Run) -> None:
    with contextlib.suppress(memory.Unseen):
        memory.kept(run, model)


def _all_at_once(model: nn.Module) -> contextlib.AbstractContextManager[Any]:
    stack = contextlib.ExitStack()
    for block in (flops.counted(), passes.counted(model, 4), gradients.observed(model)):
        stack.enter_context(block)
    return stack


INSTRUMENTS: dict[str, Instrument] = {
    "gradient calls": _inside(gradients.observed),
    "the engine": _inside(lambda _: gradients.engine_watched()),
    "seams": _inside(lambda model: seams(model, Clock())),
    "seams of parts": _inside(lambda model: seams(model, Clock(), in_parts=True)),
    "passes": _inside(lambda model: passes.counted(model, 4)),
    "operations": _inside(lambda _: flops.counted()),
    "handed over": _inside(lambda _: counting._handed_over()),
    "peak": lambda _, run: memory.peak(run, "cpu"),
    "kept": _kept,
    "proof": _proof,
    "several": _inside(_all_at_once),
}


def output(
    program: Program,
    around: Instrument | None = None,
    made_by: Callable[[], nn.Module] = programs.network,
) -> Tensor:
    """What a program makes of a fresh model, looked at by an instrument or not."""
    model, images = made_by(), programs.images()
    torch.manual_seed(0)
    made: list[Tensor] = []

    def run() -> None:
        made.append(program(model, images))

    if around is None:
        run()
    else:
        with unmarked(model):
            around(model, run)
    return made[0]


@contextlib.contextmanager
def unmarked(model: nn.Module) -> Iterator[None]:
    """What is not the program's own is as it was."""
    classes = {type(module) for module in model.modules()} | {nn.Module, Tensor}
    before = {found: dict(vars(found)) for found in classes}
    engine = Variable._execution_engine
    yield
    assert {found: dict(vars(found)) for found in classes} == before
    assert Variable._execution_engine is engine
    for parameter in model.parameters():
        assert not parameter._backward_hooks


@pytest.mark.parametrize("name", PROGRAMS)
def test_instruments_change_no_result(name: str) -> None:
    program = available(name)
    plain = output(program)
    for instrument, around in INSTRUMENTS.items():
        seen = output(program, around)
        assert torch.equal(plain, seen), f"{instrument} changes {name}"


@pytest.mark.parametrize("name", QUERIES)
def test_forward_only_changes_no_result(name: str) -> None:
    plain = output(QUERIES[name])
    seen = output(QUERIES[name], _inside(lambda model: applied(FORWARD_ONLY, model)))
    assert torch.equal(plain, seen)


@pytest.mark.parametrize("name", ["three_steps", "by_keyword", "through_its_own_gradient"])
def test_instruments_change_no_result_of_a_model_that_is_compiled(name: str) -> None:
    available("compiled")

    def compiled() -> nn.Module:
        return cast("nn.Module", torch.compile(programs.network(), backend="eager"))

    program = available(name)
    plain = output(program, made_by=compiled)
    for instrument, around in INSTRUMENTS.items():
        seen = output(program, around, compiled)
        assert torch.equal(plain, seen), f"{instrument} changes {name}"


def test_torch_warns_of_no_instrument() -> None:
    program = available("compiled")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*hooks")
        output(program, INSTRUMENTS["gradient calls"])


@pytest.mark.parametrize("name", ["mapped_gradients", "jacobian"])
def test_what_nobody_can_see_is_not_told(name: str) -> None:
    program = available(name)
    made: list[Tensor] = []
    with pytest.raises(memory.Unseen, match=r"torch\.func lets no hook see"):
        memory.kept(
            lambda: made.append(program(programs.network(), programs.images())), programs.network()
        )
    assert len(made) == 1
