"""Energy attacks on a tiny network: what they cost, what they return, and what they refuse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from adapters import registry
from adapters.base import Settings, UnsupportedSettings
from adapters.models.dynamic.base import Gated
from adapters.papers.energy import metrics
from adapters.papers.energy.adapter import Papers
from adapters.papers.energy.attack import Seen
from adapters.papers.energy.methods import METHODS, backwards, ceiling
from adapters.papers.energy.spaces import SPACES
from semibackward import semi_backward
from tests.adapters import asked
from tests.adapters.energy.networks import COSTS, KNOWN, Tiny, apart, as_told, pictures, settings

pytestmark = pytest.mark.usefixtures("one_thread")

DESCENTS = [name for name, method in METHODS.items() if not method.early_exits]
LABELS = torch.tensor([0, 1, 2])
SIX = LABELS.repeat(2)
TOLD: list[dict[str, Any]] = [
    {},
    {"space": "projection"},
    {"norm": "linf"},
    {"keep_label": True},
    {"alpha": 0.0, "power": 1.0},
]


def perturbed(
    attack: str,
    network: nn.Module,
    images: Tensor,
    labels: Tensor = LABELS,
    watch: list[Seen] | None = None,
    **changes: Any,
) -> Tensor:
    torch.manual_seed(0)
    run = Papers().build_energy_attack(
        attack, network, KNOWN, settings(**changes), None if watch is None else watch.append
    )
    return run(images, labels)


@pytest.mark.parametrize("attack", METHODS)
def test_what_is_returned_is_images_and_those_given_stay(attack: str) -> None:
    images = pictures()
    before = images.clone()
    found = perturbed(attack, Tiny(), images)
    assert found.shape == images.shape
    assert found.dtype == images.dtype
    assert not found.requires_grad
    assert 0 <= float(found.min()) <= float(found.max()) <= 1
    assert not torch.equal(found, before)
    assert torch.equal(images, before)


@pytest.mark.parametrize("told", TOLD, ids=str)
@pytest.mark.parametrize("attack", METHODS)
def test_frozen_parameters_change_nothing_to_the_bit(attack: str, told: dict[str, Any]) -> None:
    if METHODS[attack].early_exits and told:
        pytest.skip("it is told nothing")
    network, frozen = Tiny(), Tiny()
    found = perturbed(attack, network, pictures(), **told)
    with semi_backward(frozen):
        assert torch.equal(perturbed(attack, frozen, pictures(), **told), found)
    assert all(parameter.grad is None for parameter in frozen.parameters())
    assert all(parameter.requires_grad for parameter in frozen.parameters())
    assert network.stem.weight.grad is not None, "as `.backward()` leaves it"


@pytest.mark.parametrize("keep_label", [False, True])
@pytest.mark.parametrize("attack", DESCENTS)
def test_a_step_is_one_forward_pass_and_as_many_backward_passes_as_are_told(
    attack: str, keep_label: bool
) -> None:
    network = Tiny()
    perturbed(attack, network, pictures(), steps=7, keep_label=keep_label)
    assert network.forwards == 7
    assert network.backwards == 7 * backwards(attack, keep_label=keep_label)


def test_deepsloth_goes_back_once_a_step() -> None:
    network = Tiny()
    perturbed("deepsloth", network, pictures(), steps=7)
    assert (network.forwards, network.backwards) == (7, 7)


def test_the_ceiling_follows_from_the_passes() -> None:
    assert {name: METHODS[name].backwards() for name in ("ilfo", "masking", "gradmdm")} == {
        "ilfo": 1,
        "masking": 2,
        "gradmdm": 2,
    }
    assert ceiling("ilfo") == pytest.approx(3 / 2)
    assert ceiling("gradmdm") == pytest.approx(5 / 3)
    assert ceiling("gradmdm", keep_label=True) == pytest.approx(7 / 4)


@pytest.mark.parametrize("attack", METHODS)
def test_more_gates_are_on_after_it(attack: str) -> None:
    network, images = Tiny(), pictures(6)
    found = perturbed(attack, network, images, SIX, steps=40, alpha=1.0)
    with torch.no_grad():
        clean, after = network(images), network(found)
    if METHODS[attack].early_exits:
        unsure = [-told.exits[:, 0].log_softmax(1).mean(1) for told in (after, clean)]
        assert bool((unsure[0] < unsure[1]).all())
        return
    recovery = metrics.recovery(clean.flops, after.flops, 1 + float(COSTS.sum()))
    assert float(recovery.nanmean()) > 10


@pytest.mark.parametrize("attack", ["ilfo", "gradmdm"])
def test_a_larger_alpha_leaves_images_more_alike(attack: str) -> None:
    images, errors = pictures(), []
    for alpha in (0.0, 1e4, 1e7):
        found = perturbed(attack, Tiny(bias=-0.5), images, steps=12, alpha=alpha)
        errors.append(float(metrics.mse(images, found).mean()))
    assert errors[0] > errors[1] > errors[2]


@pytest.mark.parametrize("attack", DESCENTS)
def test_images_of_a_batch_fare_as_they_would_alone(attack: str) -> None:
    network, images = Tiny(dtype=torch.float64), pictures().double()
    told: dict[str, Any] = {"dtype": "float64", "keep_label": True}
    together = perturbed(attack, network, images, **told)
    for image in range(len(images)):
        one = slice(image, image + 1)
        alone = perturbed(attack, network, images[one], LABELS[one], **told)
        assert apart(together[one], alone) < 1e-6


@pytest.mark.parametrize("bias", [-20.0, 20.0])
@pytest.mark.parametrize("attack", DESCENTS)
def test_with_no_gate_on_or_all_of_them_it_goes_on(attack: str, bias: float) -> None:
    found = perturbed(attack, Tiny(bias), pictures())
    assert bool(torch.isfinite(found).all())


def test_with_no_gate_on_masking_is_the_plain_attack_to_the_bit() -> None:
    plain, masked = (perturbed(name, Tiny(-9.0), pictures()) for name in ("ilfo", "masking"))
    assert torch.equal(plain, masked)
    assert not torch.equal(plain, pictures())


def test_power_with_an_exponent_of_1_is_the_plain_attack_to_the_bit() -> None:
    plain, power = (perturbed(name, Tiny(), pictures(), power=1.0) for name in ("ilfo", "power"))
    assert torch.equal(plain, power)


@pytest.mark.parametrize("attack", ["power", "masking", "gradmdm", "in-turn"])
def test_the_first_fifth_of_the_steps_is_by_the_complexity_loss(attack: str) -> None:
    seen: dict[str, list[Seen]] = {name: [] for name in ("ilfo", attack)}
    for name, steps in seen.items():
        perturbed(name, Tiny(), pictures(6), SIX, watch=steps, steps=20)
    alike = [torch.equal(a.images, b.images) for a, b in zip(*seen.values(), strict=True)]
    assert alike[:5] == [True] * 5, "four updates of 20, seen before the fifth"
    assert not all(alike)


def test_losses_that_take_turns_are_the_finished_one_in_every_second_step() -> None:
    network = Tiny(bias=-9.0)  # no gate is on, so a turn of the finished loss does nothing
    seen: list[Seen] = []
    settled = METHODS["in-turn"].warm_up(4)
    perturbed("in-turn", network, pictures(), watch=seen, steps=4, alpha=0.0)
    perturbed("power", network, pictures(), watch=seen, steps=4, alpha=0.0)
    assert settled == 0
    assert torch.equal(seen[1].images, seen[5].images), "the first step is the power loss's"
    assert not torch.equal(seen[2].images, seen[6].images)


def test_who_watches_sees_each_iteration_before_its_update() -> None:
    seen: list[Seen] = []
    images, network = pictures(6), Tiny()
    perturbed("masking", network, images, SIX, watch=seen, steps=10)
    assert [one.iteration for one in seen] == list(range(10))
    assert apart(seen[0].images, images) < 1e-6
    for one in seen:
        assert one.angle is not None
        assert one.masked_angle is not None
        assert torch.equal(one.gated.gates, network(one.images).gates)
        if one.iteration < 2:
            assert torch.equal(one.angle, one.masked_angle), "nothing is masked while warming up"
        else:
            assert float(one.masked_angle.nan_to_num(0).max()) < 90.01
    assert any(float(one.angle.nan_to_num(0).max()) > 91 for one in seen if one.angle is not None)


def test_watching_changes_nothing() -> None:
    watched = perturbed("gradmdm", Tiny(), pictures(), watch=[])
    assert torch.equal(watched, perturbed("gradmdm", Tiny(), pictures()))


def test_an_attack_without_masking_has_no_angles() -> None:
    seen: list[Seen] = []
    perturbed("ilfo", Tiny(), pictures(), watch=seen)
    perturbed("deepsloth", Tiny(), pictures(), watch=seen)
    assert {(one.angle, one.masked_angle) for one in seen} == {(None, None)}


def test_it_works_where_gradients_are_switched_off_around_it() -> None:
    with torch.no_grad():
        found = perturbed("gradmdm", Tiny(), pictures())
    assert torch.equal(found, perturbed("gradmdm", Tiny(), pictures()))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_images_of_half_precision_come_back_as_such(dtype: torch.dtype) -> None:
    class Half(nn.Module):
        inner = Tiny()

        def forward(self, images: Tensor) -> Gated:
            assert images.dtype == dtype
            told: Gated = self.inner(images.float())
            return told._replace(gates=told.gates.to(dtype), logits=told.logits.to(dtype))

    images = pictures().to(dtype)
    found = perturbed("gradmdm", Half(), images, keep_label=True)
    assert found.dtype == dtype
    assert bool(torch.isfinite(found).all())
    assert not torch.equal(found, images)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_unperturbed_image_is_the_image_to_rounding(space: str, dtype: torch.dtype) -> None:
    images = torch.tensor([0.0, 1e-6, 0.25, 0.5, 0.75, 1 - 1e-6, 1.0], dtype=dtype)
    made = SPACES[space](images.view(1, 1, 1, 7))
    assert bool(torch.isfinite(made.free).all())
    assert apart(made.perturbed().view(7), images) < 6e-7


def test_through_tanh_no_step_leaves_the_images() -> None:
    made = SPACES["tanh"](pictures())
    for step in (-50.0, 100.0):
        with torch.no_grad():
            made.free += step
        images = made.perturbed().detach()
        assert 0 <= float(images.min()) <= float(images.max()) <= 1


def test_deepsloth_stays_in_its_ball() -> None:
    images = pictures()
    found = perturbed("deepsloth", Tiny(), images, steps=60)
    assert float((found - images).abs().max()) == pytest.approx(0.03125, abs=1e-6)


BAD: list[tuple[str, Mapping[str, object], str]] = [
    ("gradmdm", {"alpha": -1.0}, "alpha is -1;"),
    ("ilfo", {"alpha": float("nan")}, "alpha is nan;"),
    ("gradmdm", {"power": 0.5}, "p is 0.5;"),
    ("gradmdm", {"steps": 0}, "steps is 0;"),
    ("gradmdm", {"space": "sphere"}, "space is 'sphere'; give tanh or projection"),
    ("gradmdm", {"norm": "l1"}, "norm is 'l1'; give l2 or linf"),
    ("deepsloth", {"keep_label": True}, "deepsloth has no classification loss"),
    ("gradmdm", {"device": "xpu"}, "papers works on cpu, cuda, mps only, not xpu"),
]


@pytest.mark.parametrize(("attack", "told", "said"), BAD)
def test_what_an_attack_can_not_be_told_is_one_line(
    attack: str, told: Mapping[str, object], said: str
) -> None:
    with pytest.raises(UnsupportedSettings) as refused:
        Papers().build_energy_attack(attack, Tiny(), KNOWN, settings(**told))
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("attack", METHODS)
@pytest.mark.parametrize("value", [1.5, -0.25, float("nan"), float("inf")])
def test_images_that_are_none_are_one_line(attack: str, value: float) -> None:
    images = pictures()
    images[1, 0, 0, 0] = value
    with pytest.raises(UnsupportedSettings, match=rf"1 of 324 values .* as {value:g}; give") as no:
        perturbed(attack, Tiny(), images)
    assert "\n" not in str(no.value)


class Deaf(Tiny):
    """Its gates are the same for all images."""

    def forward(self, images: Tensor) -> Gated:
        told = super().forward(images)
        return told._replace(gates=self.stem.weight.sum().sigmoid().expand(len(images), 5))


def test_gates_that_do_not_depend_on_the_images_are_one_line() -> None:
    said = "the network's gating values have no gradient with respect to its images"
    network = Deaf()
    with pytest.raises(UnsupportedSettings, match=said):
        perturbed("gradmdm", network, pictures())
    with semi_backward(network), pytest.raises(UnsupportedSettings, match=said):
        perturbed("gradmdm", network, pictures())


def test_deepsloth_refuses_a_network_without_early_exits() -> None:
    class Plain(Tiny):
        def forward(self, images: Tensor) -> Gated:
            return super().forward(images)._replace(exits=None)

    with pytest.raises(UnsupportedSettings, match="for networks with early exits, and this one"):
        perturbed("deepsloth", Plain(), pictures())


@pytest.mark.parametrize(
    ("costs", "said"),
    [([], "has no gates"), ([0.0, 0.0], "adds up to 0 FLOPs"), ([2.0, -1.0], "the least is -1")],
)
def test_a_network_whose_gates_cost_nothing_is_one_line(costs: list[float], said: str) -> None:
    known = replace(KNOWN, gate_flops=torch.tensor(costs, dtype=torch.float64))
    with pytest.raises(UnsupportedSettings, match=said):
        Papers().build_energy_attack("ilfo", Tiny(), known, settings())


def test_other_outputs_are_read_as_is_told() -> None:
    class Named(nn.Module):
        inner = Tiny()

        def forward(self, images: Tensor) -> dict[str, Gated]:
            return {"told": self.inner(images)}

    known = replace(KNOWN, read=lambda output: as_told(output["told"]))  # type: ignore[index]
    run = Papers().build_energy_attack("gradmdm", Named(), known, settings())
    assert torch.equal(run(pictures(), LABELS), perturbed("gradmdm", Tiny(), pictures()))


def test_it_attacks_dynamic_networks_alone() -> None:
    adapter = registry.get("papers")
    adapter.load()
    plain: Settings = asked.settings()
    with pytest.raises(UnsupportedSettings, match="papers attacks dynamic networks"):
        adapter.build("gradmdm", nn.Identity(), plain)
    with pytest.raises(KeyError):
        Papers().build_energy_attack("nonsense", Tiny(), KNOWN, settings())
