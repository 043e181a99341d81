"""What a run leaves on the model and set for the process is put back, and told."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from bench.worker.leftovers import Leftovers
from tests.bench.worker.small_net import Net, assert_unchanged, images, small, state_of


def in_training_mode(model: Net) -> None:
    model.train()
    model(images())


def sets_flags(model: Net) -> None:
    model.head.weight.requires_grad_(False)


def hooks_a_layer(model: Net) -> None:
    model.layer[0].register_forward_hook(lambda *_: None)


def hooks_with_keywords(model: Net) -> None:
    model.norm.register_forward_pre_hook(lambda *_: None, with_kwargs=True)


def hooks_backward(model: Net) -> None:
    model.norm.register_full_backward_hook(lambda *_: None)


def hooks_a_parameter(model: Net) -> None:
    model.head.weight.register_hook(lambda gradient: gradient)


def sets_an_attribute(model: Net) -> None:
    model.norm.last = images()


def changes_weights(model: Net) -> None:
    with torch.no_grad():
        model.head.weight.mul_(2)


def replaces_data(model: Net) -> None:
    model.head.bias.data = torch.ones(5)


def replaces_a_buffer(model: Net) -> None:
    model.norm.running_mean = torch.ones(4)


def replaces_a_parameter(model: Net) -> None:
    model.head.weight = nn.Parameter(torch.ones(5, 4))


def replaces_a_layer(model: Net) -> None:
    model.head = nn.Linear(4, 5)


def parametrises(model: Net) -> None:
    parametrize.register_parametrization(model.head, "weight", nn.Identity())


@pytest.mark.parametrize(
    ("run", "told"),
    [
        (in_training_mode, "moves running_mean, running_var and num_batches_tracked of 2 layers"),
        (in_training_mode, "in training mode"),
        (sets_flags, "leaves head.weight frozen"),
        (hooks_a_layer, "leaves a hook on layer.0"),
        (hooks_with_keywords, "leaves a hook on norm"),
        (hooks_backward, "leaves a hook on norm"),
        (hooks_a_parameter, "leaves a hook on head.weight"),
        (sets_an_attribute, "sets `model.norm.last`"),
        (changes_weights, "changes weight of head"),
        (replaces_data, "changes bias of head"),
        (replaces_a_buffer, "moves running_mean of norm"),
        (replaces_a_parameter, "changes weight of head"),
        (replaces_a_layer, "sets `model.head`"),
        (parametrises, "gives head another class"),
    ],
)
def test_a_model_is_as_it_was(run: Callable[[Net], None], told: str) -> None:
    model, order = small(), [name for name, _ in small().named_parameters()]
    before, left = state_of(model), Leftovers(model)
    for _ in range(2):
        left.around(lambda: run(model))
        assert_unchanged(model, before)
    assert [name for name, _ in model.named_parameters()] == order
    (warning,) = left.warnings()
    assert told in warning
    assert warning.startswith("the attack ")
    assert warning.endswith(": put back after each run")


def test_a_run_that_leaves_nothing_is_told_nothing_of() -> None:
    model = small()
    left = Leftovers(model)
    left.around(lambda: model(images()).sum().backward())
    assert left.warnings() == []


def test_a_run_that_fails_is_put_back_too() -> None:
    model = small()
    before = state_of(model)

    def fails() -> None:
        in_training_mode(model)
        raise ValueError

    with pytest.raises(ValueError, match=""):
        Leftovers(model).around(fails)
    assert_unchanged(model, before)


@pytest.mark.parametrize(
    ("change", "read", "told"),
    [
        (lambda: torch.set_grad_enabled(False), torch.is_grad_enabled, "set_grad_enabled to False"),
        (
            lambda: torch.set_default_dtype(torch.float64),
            torch.get_default_dtype,
            "torch.set_default_dtype to torch.float64",
        ),
        (
            lambda: torch.set_num_threads(torch.get_num_threads() + 1),
            torch.get_num_threads,
            "torch.set_num_threads",
        ),
        (
            lambda: torch.autograd.set_detect_anomaly(True),
            torch.is_anomaly_enabled,
            "torch.autograd.set_detect_anomaly to True",
        ),
        (
            lambda: setattr(torch.backends.cudnn, "benchmark", True),
            lambda: torch.backends.cudnn.benchmark,
            "torch.backends.cudnn.benchmark to True",
        ),
        (lambda: numpy.seterr(all="raise"), numpy.geterr, "numpy.seterr"),
        (
            lambda: sys.setrecursionlimit(4321),
            sys.getrecursionlimit,
            "sys.setrecursionlimit to 4321",
        ),
    ],
)
def test_the_process_is_as_it_was(
    change: Callable[[], object], read: Callable[[], object], told: str
) -> None:
    before, left = read(), Leftovers(small())
    left.around(change)
    assert read() == before
    assert told in left.warnings()[0]


def test_the_default_device_is_as_it_was() -> None:
    if not hasattr(torch, "set_default_device"):
        pytest.skip("this torch has none")
    left = Leftovers(small())
    left.around(lambda: torch.set_default_device("meta"))
    assert torch.zeros(1).device.type == "cpu"
    assert left.warnings() == [
        "the attack sets torch.set_default_device to meta: put back after each run"
    ]
