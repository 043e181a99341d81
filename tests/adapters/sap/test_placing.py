"""Where a defence of activations goes: after every ReLU, however it is spelt, once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import timm
import torch
import torch.nn.functional as F  # noqa: N812 - as everybody calls it
from torch import Tensor, nn

from adapters.base import UnsupportedSettings
from adapters.papers.sap import sap
from adapters.papers.sap.defending import Defended
from adapters.papers.sap.placing import after_relus
from tests.adapters.sap.networks import Tiny, pictures

pytestmark = pytest.mark.usefixtures("one_thread")

X = torch.tensor([[-1.0, 0.5, 3.0, 7.0]])
SPELT: dict[str, Callable[[Tensor], Tensor]] = {
    "nn.ReLU": nn.ReLU(),
    "nn.ReLU in place": nn.ReLU(inplace=True),
    "F.relu": F.relu,
    "F.relu in place": lambda x: F.relu(x, inplace=True),
    "F.relu_": F.relu_,
    "torch.relu": torch.relu,
    "torch.relu_": torch.relu_,
    "Tensor.relu": Tensor.relu,
    "Tensor.relu_": Tensor.relu_,
    "nn.ReLU6": nn.ReLU6(),
    "nn.ReLU6 in place": nn.ReLU6(inplace=True),
    "F.relu6": F.relu6,
    "F.relu6 in place": lambda x: F.relu6(x, inplace=True),
    "torch.relu by name": lambda x: torch.relu(input=x),
}
OTHERS: dict[str, Callable[[Tensor], Tensor]] = {
    "nn.GELU": nn.GELU(),
    "nn.LeakyReLU": nn.LeakyReLU(),
    "nn.Hardtanh": nn.Hardtanh(),
    "clamp": lambda x: x.clamp(min=0),
}


def twice(h: Tensor) -> Tensor:
    return 2 * h


@pytest.mark.parametrize("name", SPELT)
def test_what_any_relu_returns_is_changed_once(name: str) -> None:
    cap = 6.0 if "6" in name else 7.0
    with after_relus(twice) as mode:
        found = SPELT[name](X.clone())
    assert torch.equal(found, torch.tensor([[0.0, 1.0, 6.0, 2 * cap]]))
    assert mode.maps == 1


@pytest.mark.parametrize("name", OTHERS)
def test_nothing_else_is(name: str) -> None:
    with after_relus(twice) as mode:
        found = OTHERS[name](X)
    assert torch.equal(found, OTHERS[name](X))
    assert mode.maps == 0


@pytest.mark.parametrize("name", [name for name in SPELT if "in place" in name or "_" in name])
def test_in_place_the_tensor_itself_is_changed_and_its_gradient_is_right(name: str) -> None:
    leaf = X.clone().requires_grad_(True)
    inside = leaf * 1
    with after_relus(twice):
        returned = SPELT[name](inside)
    assert returned is inside, "both may be read later"
    assert float(inside.detach()[0, 2]) == 6
    inside.sum().backward()
    last = 0.0 if "6" in name else 2.0
    assert leaf.grad is not None
    assert torch.equal(leaf.grad, torch.tensor([[0.0, 2.0, 2.0, last]]))


def test_code_after_the_block_and_other_models_are_left_alone() -> None:
    network, other = Tiny(), Tiny()
    with sap(network):
        assert torch.equal(other(pictures()), other(pictures()))
        assert torch.equal(F.relu(X), X.clamp(min=0))
    assert torch.equal(network(pictures()), other(pictures()))


def test_every_relu_of_a_model_of_timms_is_found() -> None:
    model = timm.create_model("resnet18", num_classes=4).eval()
    attacked = Defended(model, "sap-100-fast")
    images = pictures().repeat(1, 1, 4, 4).requires_grad_(True)
    attacked(images).sum().backward()
    assert attacked.relus == sum(isinstance(module, nn.ReLU) for module in model.modules()) == 17
    assert images.grad is not None
    assert bool(images.grad.isfinite().all())


def test_a_model_without_relus_is_one_line() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 4), nn.GELU())
    with (
        pytest.raises(UnsupportedSettings, match="Sequential: no ReLU ran in its") as refused,
        sap(model),
    ):
        model(pictures())
    assert "\n" not in str(refused.value)


class Checkpointed(Tiny):
    grad_checkpointing = True


class Compiled(Tiny):
    _compiled_call_impl: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.__dict__["_compiled_call_impl"] = self.forward


def halves() -> nn.Module:
    model = nn.DataParallel(Tiny())
    model.device_ids = [0, 1]
    return model


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: torch.jit.trace(Tiny(), pictures()), "is scripted"),
        (Compiled, "is compiled"),
        (Checkpointed, "gradient checkpointing off"),
        (halves, "give the module inside, as model.module"),
    ],
)
def test_a_model_that_hides_its_operations_is_one_line(
    build: Callable[[], nn.Module], said: str
) -> None:
    with pytest.raises(UnsupportedSettings, match=said) as refused, sap(build()):
        pass
    assert "\n" not in str(refused.value)
