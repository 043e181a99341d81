"""Trainings: by their recipe, and the same weights however often they stop."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from adapters import data
from adapters.base import AdapterError
from adapters.models import weights
from adapters.models.dynamic.base import Gated
from adapters.models.trained import adversarial, building, cache
from adapters.models.trained.recipes import Recipe, Stage
from adapters.models.trained.training import Trainee
from adapters.schedules import share_of_rate
from tests.adapters.trained import toy

pytestmark = pytest.mark.usefixtures("one_thread")

Start = Callable[..., Trainee]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Trainings of the toy on a tenth of the digits."""
    toy.register(monkeypatch)
    read = data.load("digits")
    few = replace(
        read,
        images=read.images[:150],
        labels=read.labels[:150],
        test_images=read.test_images[:36],
        test_labels=read.test_labels[:36],
    )
    monkeypatch.setattr(data, "load", lambda where: few)

    def begin(name: str = "x", seed: int = 0, adversarial: float | None = None) -> Trainee:
        file = tmp_path / f"{name}.safetensors"
        return Trainee("toy", "digits", seed, file, adversarial=adversarial)

    return begin


def trained(trainee: Trainee) -> Path:
    """Its file, once it is over."""
    while not trainee.done:
        trainee.epoch()
    return trainee._file


def test_an_interruption_after_any_epoch_changes_no_weight(start: Start) -> None:
    """Of batch norm's statistics, momentum and Adam's state, and of what dropout draws."""
    whole = weights.read(trained(start("whole")))
    for epoch in range(1, 4):
        resumed = start("parts")
        assert (resumed.epochs_done, resumed.done) == (epoch - 1, False)
        resumed.epoch()
    parts = weights.read(trained(start("parts")))
    assert parts.keys() == whole.keys()
    assert all(torch.equal(value, parts[name]) for name, value in whole.items())


def test_what_is_trained_is_told_and_its_checkpoint_goes(start: Start) -> None:
    trainee = start()
    assert (trainee.epochs_done, trainee.epochs, trainee.stage, trainee.loss) == (
        0,
        4,
        "first",
        None,
    )
    trainee.epoch()
    trainee.epoch()
    assert (trainee.epochs_done, trainee.stage) == (2, "second")
    assert trainee.loss is not None
    assert trainee.checkpoint.exists()
    file = trained(trainee)
    assert (trainee.epochs_done, trainee.stage) == (4, "second")
    assert list(file.parent.iterdir()) == [file]
    found = cache.facts(file)
    assert (found.network, found.data, found.classes, found.seed) == ("toy", "digits", 10, 0)
    assert found.accuracy > 0.2
    assert found.share is not None
    assert 0.5 <= found.share <= 1
    assert found.seconds > 0


def test_how_good_it_is_was_counted_on_the_test_images(start: Start) -> None:
    file = trained(start())
    network = building.build("toy", 10, seed=5, weights=file)
    assert isinstance(network, toy.Toy)
    read = data.load("digits")
    with torch.no_grad():
        made: Gated = network(read.test_images)
    shares = made.flops / network.static_flops
    found = cache.facts(file)
    assert found.accuracy == float((made.logits.argmax(1) == read.test_labels).double().mean())
    assert found.share == pytest.approx(float(shares.mean()))
    assert found.spread == pytest.approx(float(shares.std(unbiased=False)))


def test_the_loss_is_told_its_stages_settings_and_how_far_it_is(start: Start) -> None:
    trainee = start()
    network = trainee._network
    assert isinstance(network, toy.Toy)
    trained(trainee)
    a_stage = [round(update / 12, 6) for update in range(12)]  # 150 images are 6 times 24
    assert [round(told["share"], 6) for told in network.seen] == a_stage * 2
    assert [told["penalty"] for told in network.seen] == [0.1] * 12 + [0.2] * 12


def test_the_rate_rises_to_the_stages_and_falls(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[float] = []
    step = torch.optim.SGD.step

    def watched(self: torch.optim.SGD, *given: object) -> object:
        rates.append(self.param_groups[0]["lr"])
        return step(self, *given)

    monkeypatch.setattr(torch.optim.SGD, "step", watched)
    trained(start())
    assert rates == [0.1 * share_of_rate(update, 12) for update in range(12)]
    assert max(rates) == pytest.approx(0.1, rel=0.2)
    assert rates[-1] < rates[0] < max(rates)


def test_adversarial_images_lie_in_the_ball_and_their_attack_leaves_no_gradient(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean, attacked = start("clean"), start("attacked", adversarial=0.1)
    images = torch.rand(24, 3, 32, 32)
    made = adversarial.attacked(attacked._network, images, torch.zeros(24, dtype=torch.long), 0.1)
    assert 0.09 < float((made - images).abs().max()) <= 0.1 + 1e-6
    assert adversarial.STEPS > 1
    assert all(p.grad is None and p.requires_grad for p in attacked._network.parameters())
    both = [weights.read(trained(one)) for one in (clean, attacked)]
    assert not torch.equal(both[0]["head.weight"], both[1]["head.weight"])
    assert cache.facts(clean._file).recipe != cache.facts(attacked._file).recipe


def test_what_is_trained_already_is_taken(start: Start) -> None:
    trained(start())
    again = start()
    assert (again.done, again.epochs_done, again.remarks) == (True, 4, [])


def test_another_trainings_files_are_left_alone(start: Start) -> None:
    start("half").epoch()
    with pytest.raises(AdapterError, match=r"is of toy on digits, seed 0.*remove it, or name"):
        start("half", seed=1)
    trained(start("whole"))
    with pytest.raises(AdapterError, match=r"has toy on digits, seed 0.*remove it, or name"):
        start("whole", seed=1)
    assert start("half").epochs_done == 1
    assert start("whole").done


@pytest.mark.parametrize("damaged", ["a checkpoint", "a network"])
def test_a_damaged_file_is_told_and_trained_again(start: Start, damaged: str) -> None:
    trainee = start()
    if damaged == "a checkpoint":
        trainee.epoch()
        file = trainee.checkpoint
    else:
        file = trained(trainee)
    file.write_bytes(file.read_bytes()[:-8])
    again = start()
    assert (again.done, again.epochs_done) == (False, 0)
    (said,) = again.remarks
    assert str(file) in said
    assert "damaged" in said
    assert cache.ready(trained(again))


def test_a_training_that_diverges_says_so_and_keeps_what_it_has(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start().epoch()
    trainee = start()
    assert isinstance(trainee._network, toy.Toy)
    trainee._network.diverging = True
    with pytest.raises(ArithmeticError, match=r"loss of toy is not finite in epoch 2 \(first\)"):
        trainee.epoch()
    assert start().epochs_done == 1
    assert not math.isnan(start().loss or math.nan)


def test_fewer_images_than_a_minibatch_are_refused(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.register(monkeypatch, Recipe((Stage("only", 1, 0.1),), batch=151))
    with pytest.raises(
        AdapterError, match=r"has 150 images to train on, where toy .* 151 at a time"
    ):
        start()
