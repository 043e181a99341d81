"""Passes are counted right, however a model is called."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.worker import compilers, passes
from bench.worker.dissecting import Clock, seams
from tests import programs
from tests.programs import available

pytestmark = pytest.mark.usefixtures("one_thread")


def counted(attack: Callable[[Any, Tensor], object], model: nn.Module | None = None) -> Any:
    """Forward passes, images in them, backward passes, and images in these."""
    model = programs.network() if model is None else model
    images = programs.images()

    def probe(_: str, look: Callable[[Callable[[], object]], passes.Passes]) -> passes.Passes:
        return look(lambda: attack(model, images))

    workload: Any = SimpleNamespace(model=model, dimensions=4, probe=probe)
    found = passes.of(workload, "original")
    return found.forward_calls, found.forward_images, found.backward_calls, found.backward_images


@pytest.mark.parametrize(
    ("name", "made"),
    {
        "three_steps": (3, 12, 3, 12),
        "by_keyword": (1, 4, 1, 4),
        "by_forward": (1, 4, 1, 4),
        "in_parts": (1, 4, 1, 4),
        "in_smaller_batches": (4, 4, 1, 4),
        "in_threads": (4, 4, 4, 4),
        "data_parallel": (1, 4, 1, 4),
        "random_transformations": (1, 12, 1, 12),
        "through_its_own_gradient": (1, 4, 2, 8),
        "checkpointed": (1, 4, 1, 4),
        "checkpointed_reentrantly": (1, 4, 1, 4),
        "functionally_called": (1, 4, 1, 4),
        "mapped_gradients": (1, 4, 1, 4),
        "jacobian": (1, 4, 1, 20),  # a row for each of the five classes
        "scripted": (1, 4, 1, 4),
        "compiled": (2, 8, 2, 8),
        "compiled_ahead_of_time": (1, 4, 1, 4),
        "compiled_in_place": (1, 4, 1, 4),
        "without_gradients": (2, 8, 0, 0),
        "in_inference_mode": (1, 4, 0, 0),
        "queries_a_noisy_copy": (1, 4, 0, 0),
        "pickled_copy": (0, 0, 1, 0),
        "learns_a_substitute": (2, 8, 3, 0),
    }.items(),
)
def test_passes_are_those_of_the_model(name: str, made: tuple[int, int, int, int]) -> None:
    assert counted(available(name)) == made


def test_what_is_compiled_with_the_model_runs_as_it_was_written() -> None:
    program = available("compiled_with_its_loss")
    if not hasattr(torch.compiler, "set_stance"):
        pytest.skip("this torch has no torch.compiler.set_stance")
    program(programs.network(), programs.images())  # from here on there is a compiler
    assert compilers.loaded()

    def and_looks_at_the_end(model: nn.Module, images: Tensor) -> None:
        model(program(model, images))

    assert counted(program) == (1, 4, 1, 4)
    assert counted(and_looks_at_the_end) == (2, 12, 1, 4)


class Named(nn.Module):
    """Takes its images by name, among other things."""

    def __init__(self) -> None:
        super().__init__()
        self.network = programs.network()

    def forward(self, given: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"logits": self.network(given["images"])}


def test_images_are_counted_in_what_a_model_takes_and_returns() -> None:
    def attack(model: nn.Module, images: Tensor) -> None:
        moved = images.clone().requires_grad_()
        made = model({"ids": torch.arange(7), "images": moved})
        made["logits"].sum().backward()

    assert counted(attack, Named()) == (1, 4, 1, 4)


def test_a_part_alone_is_a_pass_of_what_went_through_it() -> None:
    def attack(model: Any, images: Tensor) -> None:
        moved = images.clone().requires_grad_()
        model.stem(moved[:2]).sum().backward()

    assert counted(attack) == (1, 2, 1, 2)


def test_a_backward_pass_reaches_the_images_that_its_graph_leads_to() -> None:
    def attack(model: nn.Module, images: Tensor) -> None:
        moved = images.clone().requires_grad_()
        kept = model(moved[:1])
        model(moved)
        kept.sum().backward()

    assert counted(attack) == (2, 5, 1, 1)


@pytest.mark.parametrize(
    "name", ["by_keyword", "by_forward", "in_parts", "checkpointed_reentrantly", "compiled"]
)
def test_time_is_seen_at_the_seams(name: str) -> None:
    program, clock = available(name), Clock()
    model, images = programs.network(), programs.images()
    with seams(model, clock, in_parts=True):
        program(model, images)
    assert min(clock.forward, clock.backward) > 0
