"""The gate's levels: identical, different by rounding that was proved, different."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.cases import A_A, SEMI_BACKWARD, Comparison
from bench.kinds.images.building import AttackWorkload
from bench.worker import checks, proof
from bench.worker.checks import Gate
from bench.worker.proof import Step, Trail
from tests.cases import image_case
from tests.data import attacks
from tests.rounding_layers import Another, Scaled, ScaledNorm

pytestmark = pytest.mark.usefixtures("one_thread")


def network(*middle: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    found = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        *middle,
        nn.Conv2d(6, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.Flatten(),
        nn.Linear(6 * 8 * 8, 10),
    )
    return found.eval()


def workload(
    model: nn.Module,
    attack: Callable[[Tensor, Tensor], Tensor] | None = None,
    variant: str = SEMI_BACKWARD,
    dtype: torch.dtype = torch.float32,
) -> AttackWorkload:
    model = model.to(dtype)
    images = torch.rand(8, 3, 8, 8, generator=torch.Generator().manual_seed(1)).to(dtype)
    with torch.no_grad():
        labels = model(images).argmax(dim=1)
    made = attack or partial(attacks.along, model)
    case = image_case("reference", "pgd-backward", "own", 8, (3, 8, 8), 8)
    both = {"original": made, variant: made}
    return AttackWorkload(Comparison(case, variant), 0, model, None, images, labels, both)


def scaled(function: type[torch.autograd.Function] | None = None) -> Scaled:
    return Scaled(images=True) if function is None else Scaled(function=function, images=True)


def gate(*middle: nn.Module, **how: Any) -> Gate:
    return checks.gate(workload(network(*middle), **how))


def test_without_such_a_layer_the_outputs_are_identical() -> None:
    found = gate()
    assert found.equality.level == "identical"
    assert found.unequal is None
    assert found.equality.first_step_error is None, "nobody had to look"


def test_a_layer_that_rounds_otherwise_is_named() -> None:
    found = gate(scaled())
    equality = found.equality
    assert (equality.level, equality.equal, equality.bitwise) == ("rounding", True, False)
    assert found.unequal is None
    assert equality.layers == {"3": "Scaled"}
    assert equality.first_step_error is not None
    assert 0 < equality.first_step_error < 1e-6
    assert equality.rounding == 1e-5
    assert equality.elements == 8 * 3 * 8 * 8
    assert equality.differing is not None
    assert 0 < equality.differing < equality.elements
    assert equality.success is not None
    assert set(equality.success) == {"original", "semi-backward"}
    assert equality.flipped_signs is not None


def test_one_that_is_called_a_normalisation_is_named_and_its_like_are_not() -> None:
    found = gate(ScaledNorm(images=True))
    assert found.equality.layers == {"3": "ScaledNorm"}


def test_two_of_them_are_both_named() -> None:
    found = gate(scaled(), nn.ReLU(), ScaledNorm(images=True))
    assert found.equality.level == "rounding"
    assert found.equality.layers == {"3": "Scaled", "5": "ScaledNorm"}


@pytest.mark.parametrize(
    ("dtype", "most"), [(torch.float64, 1e-12), (torch.bfloat16, 1e-2), (torch.float16, 1e-2)]
)
def test_rounding_is_what_the_type_makes_it(dtype: torch.dtype, most: float) -> None:
    equality = gate(scaled(), dtype=dtype).equality
    assert (equality.level, equality.rounding) == ("rounding", most)


@pytest.mark.parametrize("middle", [(Another,), (None, Another)], ids=["alone", "beside rounding"])
def test_another_gradient_is_different(
    middle: tuple[type[torch.autograd.Function] | None, ...],
) -> None:
    found = gate(*map(scaled, middle))
    assert found.equality.level == "different"
    assert not found.equality.layers
    assert found.equality.first_step_error == pytest.approx(1e-3, rel=0.01)
    assert found.unequal is not None
    assert "its gradient differs by" in found.unequal
    assert "semi-backward gives other adversarial examples than original" in found.unequal


def test_an_attack_that_looks_at_the_flags_is_different() -> None:
    """Freezing every layer in both makes the outputs the same, and that proves nothing."""
    model = network()

    def flagged(images: Tensor, labels: Tensor) -> Tensor:
        found = attacks.along(model, images, labels)
        return found + 0.01 * any(parameter.requires_grad for parameter in model.parameters())

    found = checks.gate(workload(model, flagged))
    assert found.equality.level == "different"
    assert found.unequal is not None
    assert "its gradients are bit for bit the same" in found.unequal


def test_one_that_looks_at_the_flags_and_rounds_too_is_different() -> None:
    """The layer explains its gradients, and not its output."""
    model = network(scaled())

    def flagged(images: Tensor, labels: Tensor) -> Tensor:
        found = attacks.along(model, images, labels)
        return found + 0.01 * any(parameter.requires_grad for parameter in model.parameters())

    found = checks.gate(workload(model, flagged))
    assert found.equality.level == "different"
    assert not found.equality.layers
    assert found.unequal is not None
    assert "of the Scaled layer 3 frozen in both variants its gradients are" in found.unequal


class Late(Scaled):
    """Rounds otherwise from its second call on, by the number of the run's calls."""

    calls = 0

    def forward(self, images: Tensor) -> Tensor:
        if not images.requires_grad:
            return images * self.weight * self.scale
        self.calls += 1
        if self.calls % 2:
            return images * (self.weight * self.scale)
        return super().forward(images)


def test_layers_that_round_at_different_steps_are_all_named() -> None:
    found = gate(scaled(), nn.ReLU(), Late(images=True))
    assert found.equality.level == "rounding"
    assert found.equality.layers == {"3": "Scaled", "5": "Late"}


def test_one_without_a_gradient_is_different() -> None:
    model = network()

    def flagged(images: Tensor, labels: Tensor) -> Tensor:
        return images + 0.1 * next(model.parameters()).requires_grad

    found = checks.gate(workload(model, flagged))
    assert found.equality.level == "different"
    assert found.unequal is not None
    assert "no gradient reached the images, by which to tell" in found.unequal


@pytest.mark.parametrize("variant", [SEMI_BACKWARD, A_A])
def test_one_that_does_not_repeat_itself_is_different(variant: str) -> None:
    drawn = torch.Generator().manual_seed(0)
    found = checks.gate(
        workload(network(), lambda images, labels: images + torch.rand(1, generator=drawn), variant)
    )
    assert found.equality.level == "different"
    assert found.unequal is not None
    assert "does not repeat itself" in found.unequal


def test_success_is_told_image_by_image() -> None:
    made = workload(network())
    assert not made.succeeded(made.images).any()
    wrong = made.images.clone()
    outputs = {"original": wrong, "semi-backward": wrong.flip(0)}
    told = proof.told_apart(made, outputs, made.compare(*outputs.values()))
    expected = (made.labels != made.labels.flip(0)).nonzero().flatten().tolist()
    assert expected
    assert told.success_differs == expected
    assert told.success == {"original": 0, "semi-backward": len(expected)}


def by_grad(images: Tensor, logits: Tensor) -> Tensor:
    return torch.autograd.grad(logits.sum(), images)[0]


def by_backward(images: Tensor, logits: Tensor) -> Tensor:
    logits.sum().backward()
    assert images.grad is not None
    return images.grad


@pytest.mark.parametrize("ask", [by_grad, by_backward])
def test_the_gradients_are_the_attacks_own(ask: Callable[[Tensor, Tensor], Tensor]) -> None:
    model = network()
    seen: list[Tensor] = []

    def attack(images: Tensor, labels: Tensor) -> Tensor:
        with torch.no_grad():
            model(images)
        model(images.clone().requires_grad_())  # of which no gradient is asked for
        for scale in (1.0, 0.5):
            leaf = (scale * images).detach().requires_grad_()
            seen.append(ask(leaf, model(leaf)))
        return images

    made = workload(model, attack)
    steps = proof.trail(made, "original")
    assert list(steps) == [1, 2], "the call before has none"
    assert steps[1] != steps[2]
    seen.clear()
    found = [proof.gradient_at(made, "original", number) for number in steps]
    assert list(map(torch.equal, found, [seen[0], seen[3]])) == [True, True]
    assert steps == proof.trail(made, "semi-backward")
    assert not model._forward_pre_hooks


ONE, TWO, THREE = Step(1, 1), Step(2, 2), Step(3, 3)


@pytest.mark.parametrize(
    ("first", "second", "parted"),
    [
        ({0: ONE, 4: TWO}, {0: ONE, 4: Step(2, 3)}, 4),
        ({0: ONE, 4: TWO}, {0: Step(1, 5), 4: THREE}, 0),
        ({0: ONE, 4: TWO}, {0: ONE, 4: THREE}, None),
        ({0: ONE}, {0: ONE, 4: TWO}, None),
        ({0: ONE, 4: TWO}, {0: ONE, 3: Step(2, 3)}, None),
    ],
    ids=["late", "at once", "by other inputs", "never", "by other calls"],
)
def test_where_two_attacks_part(first: Trail, second: Trail, parted: int | None) -> None:
    assert proof.parting(first, second) == parted


def test_gradients_that_come_back_in_another_order_are_told_by_their_call() -> None:
    model = network()

    def attack(images: Tensor, labels: Tensor) -> Tensor:
        leaves = [(scale * images).detach().requires_grad_() for scale in (1.0, 0.5)]
        model(leaves[1]).square().sum().add(model(leaves[0]).sum()).backward()
        seen.extend(leaf.grad for leaf in leaves if leaf.grad is not None)
        return images

    seen: list[Tensor] = []
    made = workload(model, attack)
    found = [proof.gradient_at(made, "original", number) for number in (1, 0)]
    assert torch.equal(found[0], seen[0])
    assert torch.equal(found[1], seen[1])


def test_places_tell_in_a_digest() -> None:
    some = torch.rand(2, 3, 4)
    digests = {proof._digest(one) for one in (some, some.flip(2), some.flip(0), -some, 2 * some)}
    assert len(digests) == 5
    assert proof._digest(some) == proof._digest(some.clone())
