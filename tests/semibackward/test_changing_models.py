"""Models that change inside a `semi_backward` block, or whose weights are computed."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import nn

from semibackward import semi_backward
from tests.semibackward.frozen_models import (
    LOST,
    attack,
    equal,
    flags,
    gradients,
    since,
)


def test_lazy_parameters_made_inside_are_trainable_after() -> None:
    model = nn.Sequential(nn.LazyLinear(3), nn.Linear(3, 2))
    lazy = model[0].weight
    with semi_backward(model):
        attack(model, torch.rand(2, 5))
        assert model[0].weight is lazy
        assert not any(flags(model))
    assert flags(model) == [True] * 4
    assert lazy.shape == (3, 5)


def test_integer_parameters_are_left_alone(model: nn.Sequential) -> None:
    model.table = nn.Parameter(torch.arange(3, dtype=torch.int8), requires_grad=False)
    with semi_backward(model):
        assert not any(flags(model))
    assert flags(model) == [False, True, True, True, True]


def test_a_dynamically_quantised_layer_may_stand_among_others(model: nn.Sequential) -> None:
    quantisation = pytest.importorskip("torch.ao.quantization")
    quantised = quantisation.quantize_dynamic(copy.deepcopy(model), {nn.Linear})
    with torch.no_grad():
        expected = quantised(torch.ones(1, 6))
        with semi_backward(quantised):
            assert torch.equal(quantised(torch.ones(1, 6)), expected)


def test_modules_added_inside_are_not_frozen(model: nn.Sequential) -> None:
    with semi_backward(model):
        model.append(nn.Linear(4, 4))
        assert flags(model) == [False] * 4 + [True] * 2
    assert all(flags(model))


@pytest.mark.parametrize("overwrite", [True, False])
def test_moving_the_model_inside(model: nn.Sequential, overwrite: bool) -> None:
    torch.__future__.set_overwrite_module_params_on_conversion(overwrite)
    try:
        with semi_backward(model), semi_backward(model[0]):
            model.double()
            assert not any(flags(model))
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(False)
    assert flags(model) == [True] * 4
    assert model[0].weight.dtype == torch.float64


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="copied"),
        pytest.param({"assign": True}, id="assigned", marks=since(2, 1)),
    ],
)
def test_loading_a_state_dict_inside(model: nn.Sequential, options: dict[str, bool]) -> None:
    state = {name: torch.zeros_like(value) for name, value in model.state_dict().items()}
    with semi_backward(model):
        model.load_state_dict(state, **options)
        assert not any(flags(model))
    assert flags(model) == [True] * 4
    assert not model.state_dict()["0.weight"].any()


def test_a_copy_made_inside_is_frozen_and_its_embedding_hook_does_nothing() -> None:
    model, ids = nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 2)), torch.tensor([1, 2])
    with semi_backward(model):
        twin = copy.deepcopy(model)
        loaded = pickle.loads(pickle.dumps(model))
        assert model(ids).requires_grad
    for made in (twin, loaded):
        assert not any(flags(made))
        assert not made(ids).requires_grad
        made.requires_grad_(True)
        with semi_backward(made):
            assert made(ids).requires_grad


# Parametrised weights


@pytest.mark.filterwarnings("ignore:.*weight_norm.*deprecated")
@pytest.mark.parametrize(
    "norm",
    [
        pytest.param(torch.nn.utils.weight_norm, id="hook"),
        pytest.param(
            getattr(torch.nn.utils.parametrizations, "weight_norm", None),
            id="parametrisation",
            marks=since(2, 1),
        ),
    ],
)
def test_weight_norm(norm: Callable[[nn.Module], nn.Module]) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(norm(nn.Linear(3, 3)), nn.Tanh())
    images = torch.rand(2, 3)
    expected = attack(model, images)
    assert len(gradients(model)) == 3
    with semi_backward(model):
        assert torch.equal(attack(model, images), expected)
    assert not gradients(model)
    attack(model, images)
    assert len(gradients(model)) == 3


def test_freezing_a_parametrised_embedding_computes_nothing() -> None:
    """In training mode a look at a spectrally normed weight moves its buffers."""
    model = torch.nn.utils.parametrizations.spectral_norm(nn.Embedding(5, 3))
    before = [buffer.clone() for buffer in model.buffers()]
    with semi_backward(model):
        assert equal(before, list(model.buffers()))
        assert model(torch.tensor([1])).requires_grad


def test_cached_weights_are_refused(model: nn.Sequential) -> None:
    from torch.nn.utils import parametrizations, parametrize

    parametrizations.orthogonal(model[0])
    images = torch.rand(2, 6)
    with (
        parametrize.cached(),
        pytest.raises(RuntimeError, match="inside the block, and another"),
        semi_backward(model),
    ):
        raise AssertionError
    expected = attack(model, images)
    gradients(model)
    with semi_backward(model), parametrize.cached():
        assert torch.equal(attack(model, images), expected)
    assert not gradients(model)
    model[0].requires_grad_(False)
    with parametrize.cached(), semi_backward(model):
        assert torch.equal(attack(model, images), expected)


def test_a_tensor_made_of_parameters_before_the_block_is_refused(model: nn.Sequential) -> None:
    scale = next(model.parameters()).norm()
    with semi_backward(model), pytest.raises(RuntimeError, match=LOST):
        attack(lambda images: model(images * scale), torch.rand(2, 6))
