"""Every shipped workload: what it computes in vain, and what it makes with its networks frozen."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from adapters.workloads.adapter import Beyond
from adapters.workloads.shipped import WORKLOADS
from bench.kinds.function.kind import BEYOND
from semibackward import semi_backward
from tests.adapters.workloads.passed import GIVEN, Passing, by_backward, frozen_for_good
from tests.places import ROOT

pytestmark = pytest.mark.usefixtures("one_thread")

LARGE = ("grad-cam", "guidance")
"""Those whose libraries take seconds to import."""
PAGE = ROOT / "docs" / "beyond.md"
COMPUTED = {
    "sac": (12, 12),
    "gan": (11, 11),
    "grad-cam": (62, 62),
    "guidance": (173, 208),
    "forces": (0, 16),
    "style": (10, 10),
    "actor": (12, 12),
}
"""Parameters whose gradient is computed for nobody, and how many the networks have."""


def large(names: object) -> list[object]:
    assert isinstance(names, tuple | list)
    return [
        pytest.param(name, marks=pytest.mark.extras) if name in LARGE else name for name in names
    ]


def made(name: str) -> Passing:
    return Passing(Beyond().make(name, GIVEN))


def block(line: str) -> str:
    """The code on the page that begins with a line."""
    rest = PAGE.read_text(encoding="utf-8").partition(f"```python\n{line}")[2]
    return line + rest.partition("```")[0]


@pytest.mark.parametrize("name", large(list(WORKLOADS)))
def test_frozen_a_call_makes_the_same_and_computes_no_gradient_in_vain(name: str) -> None:
    passing = made(name)
    networks = passing.program.foreign
    original, computed = passing.called(frozen=False)
    again, _ = passing.called(frozen=False)
    frozen, left = passing.called(frozen=True)
    assert len(original) == len(again) == len(frozen) > 0
    assert all(map(torch.equal, original, again))
    assert all(map(torch.equal, original, frozen))
    assert all(value.isfinite().all() for value in original)
    assert (computed, sum(1 for one in networks for _ in one.parameters())) == COMPUTED[name]
    assert left == 0


@pytest.mark.parametrize("name", large(list(WORKLOADS)))
def test_what_is_made_depends_on_the_seed_and_on_nothing_else(name: str) -> None:
    found, again = (made(name).called(frozen=False)[0] for _ in range(2))
    assert all(map(torch.equal, found, again))
    other = Passing(Beyond().make(name, {**GIVEN, "seed": 1})).called(frozen=False)[0]
    assert not all(map(torch.equal, found, other))


def test_the_suite_names_every_part_of_a_library() -> None:
    from bench.choosing import suites

    named = {name for group in suites.load(BEYOND).groups for name in group.attacks}
    assert named == set(WORKLOADS) - {"actor"}


def test_the_actors_step_is_that_of_the_released_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """With critics that stand still, `SAC.train` leaves the same actor."""
    from adapters.workloads.shipped import sac

    released, ours = (sac.agent("cpu", 8, 0) for _ in range(2))
    monkeypatch.setattr(released.critic.optimizer, "step", lambda: None)
    for model in (released, ours):
        model.policy.set_training_mode(True)
    np.random.seed(5)
    torch.manual_seed(5)
    released.train(1, 8)
    np.random.seed(5)
    torch.manual_seed(5)
    assert ours.replay_buffer is not None
    sac.actor_step(ours, ours.replay_buffer.sample(8).observations)()
    fresh = sac.agent("cpu", 8, 0).actor.state_dict()
    for name, value in released.actor.state_dict().items():
        assert torch.equal(value, ours.actor.state_dict()[name])
    assert any(not torch.equal(fresh[name], v) for name, v in ours.actor.state_dict().items())


def test_released_training_computes_the_critics_gradients_of_the_actors_loss() -> None:
    """Three backward passes a step: the entropy's weight, the critics, the actor."""
    from adapters.workloads.shipped import sac

    model = sac.agent("cpu", 8, 0)
    with by_backward(list(model.critic.parameters())) as told:
        model.train(1, 8)
    assert told == [0, 12, 12]


@pytest.mark.extras
def test_released_dcgan_computes_the_discriminators_gradients_of_the_generators_loss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ray Tune's example has PyTorch's statements: two passes of the discriminator, then ours."""
    from ray.tune.examples.pbt_dcgan_mnist import common

    monkeypatch.setattr(common, "inception_score", lambda *_: (0.0, 0.0))
    judge, maker = common.Discriminator(), common.Generator()
    descents = [torch.optim.Adam(each.parameters()) for each in (maker, judge)]
    images = [(torch.rand(4, common.nc, common.image_size, common.image_size),)]
    with by_backward(list(judge.parameters())) as told:
        common.train_func(judge, maker, *descents, nn.BCELoss(), images, 1, "cpu", None)
    assert told == [8, 8, 8]
    assert sum(1 for _ in judge.parameters()) == 8


@pytest.mark.extras
def test_freezing_alone_breaks_grad_cam_and_a_gradient_to_ask_for_mends_it() -> None:
    from adapters.workloads.shipped import grad_cam

    cam, images, wanted = grad_cam.explainer("cpu", 2, 0)
    maps = cam(input_tensor=images, targets=wanted)
    with frozen_for_good(cam.model):
        with pytest.raises(RuntimeError) as raised:
            cam(input_tensor=images, targets=wanted)
        with grad_cam.requiring_gradient(cam.target_layers[0]):
            of_the_layer = cam(input_tensor=images, targets=wanted)
        of_the_images = cam(input_tensor=images.clone().requires_grad_(), targets=wanted)
    assert f"RuntimeError: {raised.value}\n" in PAGE.read_text(encoding="utf-8")
    shown = {"model": cam.model, "cam": cam, "images": images, "targets": wanted}
    exec(block("def ask"), shown | {"semi_backward": semi_backward}, shown)
    assert maps.max() > 0
    for found in (of_the_layer, of_the_images, shown["maps"]):
        assert np.array_equal(maps, found)


@pytest.mark.extras
def test_pix2pix_zero_thaws_what_its_caller_froze() -> None:
    program = Beyond().make("guidance", GIVEN)
    (unet,) = program.foreign
    assert program.frozen_call is not None

    def with_gradients() -> list[str]:
        return [name for name, each in unet.named_parameters() if each.grad is not None]

    with frozen_for_good(unet):
        program.call()
        thawed = with_gradients()
        unet.zero_grad()
        program.frozen_call()
        assert with_gradients() == []
        exec(block("def freeze"), {"pipeline": SimpleNamespace(unet=unet)})
        program.call()
        assert with_gradients() == []
    assert thawed
    assert all(".attn2." in name for name in thawed)
