"""Bytes that operations read and write at least once, where they can be told by hand."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from bench.worker import flops
from semibackward import semi_backward

pytest.importorskip("torch.utils.flop_counter")

F32 = 4
N, IN, OUT = 5, 7, 3
X, W, Y = F32 * N * IN, F32 * IN * OUT, F32 * N * OUT
"""Bytes of a linear layer's input, weight and output."""


def moved(run: Callable[[], object]) -> int:
    with flops.counted() as found:
        run()
    assert found.moved is not None
    return found.moved


def test_a_linear_layer_forward_reads_its_input_and_parameters_and_writes_its_output() -> None:
    layer, x = nn.Linear(IN, OUT), torch.rand(N, IN)
    assert moved(lambda: layer(x)) == X + W + F32 * OUT + Y


def test_a_linear_layer_backward_is_two_products_and_freezing_leaves_one() -> None:
    layer, given = nn.Linear(IN, OUT, bias=False), torch.rand(N, OUT)
    by_input, by_weight = Y + W + X, Y + X + W

    def backward() -> int:
        y = layer(torch.rand(N, IN, requires_grad=True))
        return moved(lambda: y.backward(given))

    assert backward() == by_input + by_weight
    with semi_backward(layer):
        assert backward() == by_input


def test_accumulating_a_gradient_reads_it_and_the_new_one_and_writes() -> None:
    layer, x, given = nn.Linear(IN, OUT, bias=False), torch.rand(N, IN), torch.rand(N, OUT)
    layer(x).backward(given)
    y = layer(x)
    assert moved(lambda: y.backward(given)) == (Y + X + W) + 3 * W


def test_gradients_that_are_not_asked_for_leave_their_arguments_unread() -> None:
    images, maps, ones = torch.rand(2, 3, 8, 8), torch.rand(2, 4, 6, 6), torch.ones(2, 4, 6, 6)
    big, small, weight = F32 * images.numel(), F32 * maps.numel(), F32 * 4 * 3 * 3 * 3

    def backward(layer: nn.Module, given: Tensor, wanted: bool) -> int:
        y = layer(given.clone().requires_grad_(wanted))
        return moved(lambda: y.backward(ones))

    convolution = nn.Conv2d(3, 4, 3, bias=False)
    assert backward(convolution, images, True) == small + big + weight + big + weight
    convolution.weight.grad = None
    assert backward(convolution, images, False) == small + big + weight
    with semi_backward(convolution):
        assert backward(convolution, images, True) == small + weight + big

    norm, four = nn.BatchNorm2d(4).eval(), F32 * 4
    assert backward(norm, maps, True) == 2 * small + 3 * four + small + 2 * four
    with semi_backward(norm):
        assert backward(norm, maps, True) == small + 2 * four + small
        # In training mode the statistics are the batch's, so the input matters all the same.
        norm.train()
        assert backward(norm, maps, True) >= 3 * small


SQUARE, ROW, NOTHING = torch.rand(8, 8), torch.rand(1, 8), torch.rand(0, 8)
TWO = torch.tensor([1, 2])


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (lambda: SQUARE.view(64), 0),
        (lambda: SQUARE.t()[2:].unsqueeze(0).detach(), 0),
        (lambda: torch.ops.aten._unsafe_view(SQUARE, [64]), 0),
        (lambda: torch.empty(8, 8), 0),
        (lambda: torch.empty_like(SQUARE), 0),
        (lambda: torch.zeros(8, 8), 256),
        (lambda: torch.zeros_like(SQUARE), 256),
        (lambda: SQUARE + SQUARE.T, 2 * 256),
        (lambda: SQUARE * SQUARE, 2 * 256),
        (lambda: SQUARE + ROW.expand(8, 8), 256 + 32 + 256),
        (lambda: SQUARE.clone(), 2 * 256),
        (lambda: torch.empty(8, 8).copy_(SQUARE), 2 * 256),
        (lambda: torch.empty(8, 8).fill_(1.0), 256),
        (lambda: torch.cat([SQUARE, ROW]), 256 + 32 + 288),
        (lambda: SQUARE.double(), 256 + 512),
        (lambda: nn.functional.embedding(TWO, SQUARE), 16 + 64 + 64),
        (lambda: torch.sum(SQUARE), 256 + 4),
        (lambda: NOTHING + 1, 0),
    ],
)
def test_one_operation(run: Callable[[], object], expected: int) -> None:
    assert moved(run) == expected


def test_without_torchs_counter_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.flop_counter", None)
    with flops.counted() as found:
        nn.Linear(IN, OUT)(torch.rand(N, IN))
    assert (found.moved, found.total) == (None, None)
