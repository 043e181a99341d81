"""A user's own model: built, its shape and its logits found, or refused with what was seen."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from adapters.base import AdapterError
from adapters.models import custom, outputs, probing
from adapters.models.outputs import Logits
from tests.data import own_models

FILE = "tests/data/own_models.py"


def images(*shape: int) -> Tensor:
    return torch.rand(2, *(shape or (3, 16, 16)), generator=torch.Generator().manual_seed(0))


def probed(name: str) -> probing.Probed:
    model = custom.build(f"{FILE}:{name}").eval()
    return probing.probe(model, images(), f"--models {name}")


@pytest.mark.parametrize("name", ["Small", "instance", "partly_frozen", "parallel", "prints"])
def test_each_build_has_the_same_weights(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    first = custom.build(f"{FILE}:{name}", seed=1)
    before = copy.deepcopy(first.state_dict())
    with torch.no_grad():
        for parameter in first.parameters():
            parameter.zero_()  # as a training would leave it
    again = custom.build(f"{FILE}:{name}", seed=1).state_dict()
    assert all(torch.equal(again[key], value) for key, value in before.items())
    assert not capsys.readouterr().out


@pytest.mark.parametrize("name", ["Small", "instance"])
def test_the_seed_decides_whatever_was_imported_before(name: str) -> None:
    found = [custom.build(f"{FILE}:{name}", seed=seed).state_dict() for seed in (1, 2, 1)]
    same = [all(torch.equal(other[k], found[0][k]) for k in other) for other in found]
    assert same == [True, False, True]


def test_what_the_user_froze_stays_frozen() -> None:
    flags = {
        n: p.requires_grad for n, p in custom.build(f"{FILE}:partly_frozen").named_parameters()
    }
    assert not flags["convolution.weight"]
    assert flags["head.weight"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("absent", "defines no absent at its top level"),
        ("falls_over", r"falls_over: ValueError: no weights here \(own_models.py, line"),
        ("exits", "exits: SystemExit: 3"),
        ("of_classes", "needs classes; name a function that makes the model without arguments"),
        ("a_class", r"returns the class Small; return Small\(\)"),
        ("FILE", "defines no FILE"),
    ],
)
def test_what_builds_no_model_is_told_in_one_line(name: str, said: str) -> None:
    with pytest.raises(AdapterError, match=said) as raised:
        custom.build(f"{FILE}:{name}")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("Grey", (1, 28, 28)),
        ("LikeTimm", (3, 40, 48)),
        ("LikeHuggingFace", (3, 32, 32)),
        ("Small", None),
        ("parallel", None),
    ],
)
def test_a_model_may_declare_the_shape_of_its_images(
    name: str, shape: tuple[int, int, int] | None
) -> None:
    assert custom.declared_shape(f"{FILE}:{name}") == shape


def test_what_is_declared_and_no_shape_is_shown() -> None:
    with pytest.raises(custom.NoShape, match=r"input_shape is \(28, 28\), not \(channels, height"):
        custom.declared_shape(f"{FILE}:Flat")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("LikeHuggingFace", "an ImageClassifierOutput: `logits` is taken"),
        (
            "WithFeatures",
            "a tuple: output[0] of 2×12 is taken as its logits, for it comes first: output[1] of"
            " 2×4 would do as well",
        ),
        ("InADict", "a dict: output['out'] of 2×12 is taken as its logits"),
        ("InADataclass", "a Scored: output.scores of 2×12 is taken as its logits"),
    ],
)
def test_an_output_that_is_more_than_logits_is_unwrapped(name: str, said: str) -> None:
    found = probed(name)
    assert found.classes == 12
    assert found.remarks == (f"the model's output is {said}",)
    inner: Any = found.model.model
    assert type(inner).__name__ == name
    assert set(map(id, found.model.parameters())) == set(map(id, inner.parameters()))
    given = images()
    assert torch.equal(found.model(given), inner.logits(given))
    assert torch.equal(copy.deepcopy(found.model)(given), inner.logits(given))


def test_a_tensor_needs_nothing_around_its_model() -> None:
    found = probed("Small")
    assert type(found.model) is not Logits
    assert (found.classes, found.remarks) == (12, ())


def test_no_logits_are_made_up() -> None:
    assert outputs.place({"maps": torch.rand(2, 3, 4), "loss": None}, 2) is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("WithoutGradients", r"turns gradients off where it calls Conv2d \(torch.no_grad\)"),
        ("Inferring", "its forward pass runs in inference mode"),
        ("Detached", "its logits come without a graph"),
        ("DetachedBefore", "on the way, though its logits have a graph"),
        ("ThroughNumpy", "it runs without gradients alone, and with them it raises RuntimeError"),
        ("OfIntegers", "it takes integers, and no gradient reaches those"),
        ("OneValue", "one value an image, where attacks need a logit for each class"),
        ("Decided", r"returns torch.int64, where attacks need logits"),
        ("Maps", r"returns 2×4×14×14 for 2 images, where attacks need logits, \(2, classes\)"),
        ("NotANumber", "logits that are not all finite"),
        ("Silent", "returns None; an attack needs logits"),
        ("Grey", "fails on 2 images of 3x16x16: RuntimeError: .*as --input 1x28x28"),
    ],
)
def test_a_model_that_can_not_be_attacked_is_refused_with_what_was_seen(
    name: str, said: str
) -> None:
    with pytest.raises(AdapterError, match=said) as raised:
        probed(name)
    assert str(raised.value).startswith(f"--models {name} ")
    assert "\n" not in str(raised.value)


def test_a_model_of_batches_of_one_length_is_looked_at_with_that() -> None:
    class OfFour(own_models.Small):
        def forward(self, given: Tensor) -> object:
            return self.logits(given.view(4, 3, 16, 16))

    four = torch.rand(4, 3, 16, 16)
    assert probing.probe(OfFour().eval(), four, "it").classes == 12
    assert not four.requires_grad


def test_a_gradient_of_zero_is_told() -> None:
    class Rounded(own_models.Small):
        def forward(self, given: Tensor) -> object:
            return self.logits((8 * given).round() / 8)

    (said,) = probing.probe(Rounded().eval(), images(), "it").remarks
    assert said.startswith("the gradient of the model's logits is zero")


def test_looking_leaves_no_hook() -> None:
    model = own_models.WithoutGradients().eval()
    with pytest.raises(AdapterError):
        probing.probe(model, images(), "it")
    assert not any(part._forward_pre_hooks for part in model.modules())
    assert isinstance(model, nn.Module)
