"""How many samples a pass takes: what pays, what fits, and what is asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from adapters.papers.sap.defending import Defended
from adapters.papers.sap.fitting import (
    ENOUGH,
    Chunk,
    bytes_of_one_sample,
    chunk_that_fits,
    is_out_of_memory,
)
from tests.adapters.sap.networks import LABELS, Tiny, pictures

pytestmark = pytest.mark.usefixtures("one_thread")

PLENTY = 2**40


def chosen(
    samples: int,
    free: int = PLENTY,
    asked: int | None = None,
    attempt: Callable[[int], object] | None = None,
    model: nn.Module | None = None,
) -> Chunk:
    return chunk_that_fits(
        Tiny() if model is None else model,
        pictures(),
        LABELS,
        samples=samples,
        free=free,
        asked=asked,
        attempt=attempt,
    )


def need() -> int:
    return bytes_of_one_sample(Tiny(), pictures(), LABELS)


def test_no_more_than_there_are_samples() -> None:
    assert chosen(3) == Chunk(3, "all samples")
    assert chosen(3, asked=8, attempt=int) == Chunk(3, "all samples")


def test_no_more_images_than_pay_on_a_cpu() -> None:
    assert ENOUGH == 32
    assert chosen(100) == Chunk(10, "30 images in a pass, enough for a CPU")


def test_no_more_than_fit_into_half_of_the_free_memory_and_one_at_least() -> None:
    said = "as many as fit into half of the free memory"
    assert chosen(100, free=9 * need()) == Chunk(4, said)
    assert chosen(100, free=1) == Chunk(1, said)


def test_what_is_asked_for_is_taken_where_it_fits() -> None:
    tried: list[int] = []
    assert chosen(1000, asked=64, attempt=tried.append) == Chunk(64, "as asked")
    assert tried == [64]


def test_what_half_of_a_cpu_s_memory_does_not_hold_is_halved_before_it_is_tried() -> None:
    """Its memory is never refused, so nothing would tell."""
    tried: list[int] = []
    found = chosen(1000, free=80 * need(), asked=64, attempt=tried.append)
    assert found == Chunk(32, "64 samples do not fit, halved to 32")
    assert tried == [32]


@pytest.mark.parametrize(
    "error",
    [
        getattr(torch.cuda, "OutOfMemoryError", RuntimeError)(
            "CUDA out of memory. Tried to allocate 2.00 GiB"
        ),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        MemoryError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_runs_out_of_memory_is_halved_until_it_fits(error: Exception) -> None:
    def attempt(size: int) -> None:
        if size > 10:
            raise error

    found = chosen(1000, asked=64, attempt=attempt)
    assert found == Chunk(8, "64 samples do not fit, halved to 8")
    assert is_out_of_memory(error)


def test_another_error_or_a_single_sample_that_does_not_fit_is_told() -> None:
    def broken(size: int) -> None:
        raise RuntimeError("size mismatch")

    def full(size: int) -> None:
        raise MemoryError

    with pytest.raises(RuntimeError, match="size mismatch"):
        chosen(8, asked=4, attempt=broken)
    with pytest.raises(MemoryError):
        chosen(8, asked=4, attempt=full)


def test_a_look_leaves_random_states_and_gradients_as_they_were() -> None:
    model = Tiny()
    model.head.bias.grad = torch.ones(4)
    state = torch.get_rng_state()
    assert chosen(9, asked=2, model=Defended(model, "sap-100")) == Chunk(2, "as asked")
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(model.head.bias.grad, torch.ones(4))
    assert model.stem.weight.grad is None


def test_bytes_of_a_sample_are_what_its_graph_keeps_and_grow_with_images() -> None:
    one = bytes_of_one_sample(Tiny(), pictures(1), LABELS[:1])
    three = bytes_of_one_sample(Tiny(), pictures(), LABELS)
    maps = 8 * 6 * 6 * 4  # of 8 channels in float32; batch norm's input and ReLU's result
    assert one > 2 * maps
    assert three == pytest.approx(3 * one, rel=0.1)
    assert bytes_of_one_sample(Defended(Tiny(), "sap-100"), pictures(1), LABELS[:1]) > one
