"""Compiling before anything is timed: how it is counted, what it is kept apart from, why not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from adapters.base import UnsupportedSettings
from bench.cases import Comparison
from bench.kinds.images.building import AttackWorkload
from bench.statistics.preparation import Preparation, pays_off
from bench.variants import compiling
from bench.worker import checks, counting, gradients
from bench.worker.preparing import Watch
from bench.worker.variants import Shaped
from semibackward import semi_backward, wrapped
from tests.bench.variants.eagerly import compiling_eagerly
from tests.cases import image_case

pytestmark = pytest.mark.usefixtures("one_thread")

COMPILED, BOTH = "compiled", "compiled+semi-backward"
GRAPHS, FROZEN_GRAPHS = "aot-eager", "aot-eager+semi-backward"


@pytest.fixture(autouse=True)
def eagerly() -> Iterator[None]:
    with compiling_eagerly():
        yield


class Network(nn.Module):
    def __init__(self) -> None:
        torch.manual_seed(0)
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)
        self.linear = nn.Linear(4, 5)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.convolution(images).relu().mean((2, 3)))
        return logits


class Breaking(Network):
    def forward(self, images: Tensor) -> Tensor:
        if images.sum().item() > 1e9:
            return images
        return super().forward(images)


class Changing(Network):
    """Depends on a text that is another one in each call."""

    said = ""

    def forward(self, images: Tensor) -> Tensor:
        self.said += "a"
        return super().forward(images) * len(self.said)


def descent(model: nn.Module, images: Tensor, labels: Tensor, steps: int = 2) -> Tensor:
    """By `loss.backward()`, from a random start."""
    found = images + 0.01 * torch.rand_like(images)
    for _ in range(steps):
        found = found.detach().requires_grad_(True)
        cross_entropy(model(found), labels).backward()
        assert found.grad is not None
        found = (found + 0.01 * found.grad.sign()).clamp(0, 1)
    return found.detach()


def asking(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """By `autograd.grad`."""
    found = images.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(cross_entropy(model(found), labels), found)
    return (images + 0.01 * gradient.sign()).clamp(0, 1)


def reshaping(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """With one image fewer in each step."""
    found = images.clone()
    for count in range(len(images), 0, -1):
        found[:count] = descent(model, found[:count], labels[:count], steps=1)
    return found


def built(
    variant: str,
    baseline: str = "original",
    model: nn.Module | None = None,
    attack: Callable[..., Tensor] = descent,
) -> AttackWorkload:
    model = (model or Network()).eval()
    images = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        labels = model(images).argmax(dim=1)
    asked = Comparison(image_case("reference", "pgd", "own", 4, (3, 8, 8)), variant, baseline)
    watch, ways = Watch(asked), {}
    for name in (baseline, variant):
        with watch.timing(name):
            ways[name] = Shaped(name, model, images)
    attacks = dict.fromkeys(ways, partial(attack, model))
    found = AttackWorkload(asked, 0, model, None, images, labels, attacks, ways=ways)
    return AttackWorkload(
        *(asked, 0, model, None, images, labels, attacks),
        ways=ways,
        preparation=watch.made_ready(found, ways),
    )


def counts(workload: AttackWorkload) -> list[int]:
    return [len(gradients.traced(workload, name).operations) for name in workload.variants]


def test_compiling_is_over_before_the_gate_and_told() -> None:
    made = built(BOTH)
    (told,) = made.preparation.values()
    assert told.runs >= 1
    assert told.compilations == 1
    assert told.breaks == []
    before = made.compilations
    found = checks.gate(made)
    assert made.compilations == before
    assert found.equality.level == "identical"


def test_a_variant_that_compiles_nothing_has_nothing_to_tell() -> None:
    assert built("channels-last+semi-backward").preparation == {}


@pytest.mark.parametrize("attack", [descent, asking])
@pytest.mark.parametrize(
    "ways", [(COMPILED, BOTH), (BOTH, COMPILED), (GRAPHS, FROZEN_GRAPHS), (FROZEN_GRAPHS, GRAPHS)]
)
def test_frozen_and_unfrozen_code_in_one_process_is_kept_apart(
    ways: tuple[str, str], attack: Callable[..., Tensor]
) -> None:
    """pytorch issue 139476: code compiled for one has been run for the other."""
    made = built(ways[1], ways[0], attack=attack)
    expected = {COMPILED: 4, BOTH: 0, GRAPHS: 4, FROZEN_GRAPHS: 0}
    for _ in range(2):  # whichever ran last
        assert counts(made) == [expected[name] for name in ways]
        assert counts(made)[::-1] == [
            len(gradients.traced(made, name).operations) for name in reversed(made.variants)
        ]
    assert checks.gate(made).equality.bitwise


def test_where_dynamo_has_no_guard_for_frozen_parameters_ours_is_not_in_the_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before torch 2.12 `semi_backward` refuses to end a block in which something was compiled."""
    monkeypatch.setattr(wrapped, "torch_version", lambda: (2, 11))
    assert counts(built(FROZEN_GRAPHS, GRAPHS)) == [4, 0]
    model, images = Network(), torch.rand(1, 3, 8, 8)
    with (
        pytest.raises(RuntimeError, match="compiled code inside semi_backward"),
        semi_backward(model),
    ):
        torch.compile(model.forward, backend="aot_eager")(images)


def test_eager_code_of_the_same_model_stays_eager() -> None:
    made = built(COMPILED, attack=asking)
    assert counts(made) == [0, 4]


def test_the_random_start_is_the_same_however_the_model_is_run() -> None:
    made = built(COMPILED, attack=partial(descent, steps=0))
    first, second = (made.output(name) for name in made.variants)
    assert torch.equal(first, second)
    assert not torch.equal(first, made.images)


def test_a_pass_in_pieces_tells_why() -> None:
    (told,) = built(COMPILED, model=Breaking()).preparation.values()
    assert told.compilations > 1
    assert any("item()" in reason for reason in told.breaks)


def test_what_compiles_anew_in_every_call_is_no_variant() -> None:
    with pytest.raises(UnsupportedSettings, match=r"^compiled: .*(anew|[Rr]ecompil)"):
        built(COMPILED, model=Changing(), attack=partial(descent, steps=12))


def test_what_cannot_be_compiled_says_so_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(graph: Any, inputs: Any, **_: Any) -> Any:
        raise NotImplementedError("no such operation\nin two lines")

    monkeypatch.setattr(compiling, "inductor", lambda: refuse)
    with pytest.raises(
        UnsupportedSettings, match=r"^compiled: torch\.compile can't do it: "
    ) as told:
        built(COMPILED)
    assert "no such operation" in str(told.value)
    assert "\n" not in str(told.value)


def test_an_error_of_the_attack_is_the_attacks() -> None:
    def failing(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        built(COMPILED, attack=failing)


def test_an_attack_that_changes_shapes_is_compiled_for_them_beforehand() -> None:
    made = built(BOTH, attack=reshaping)
    before = made.compilations
    assert before > 1
    assert checks.gate(made).equality.level in ("identical", "rounding")
    assert made.compilations == before


def test_graphs_that_are_compiled_later_are_counted() -> None:
    made = built(COMPILED)
    before = made.compilations
    with made.ways[COMPILED].applied():
        made.model(torch.rand(3, 3, 9, 9))
    assert made.compilations > before


def test_preparation_has_paid_off_once_it_is_won_back() -> None:
    assert pays_off(10.0, [3.0, 3.0], [1.0, 1.0]) == 5
    assert pays_off(10.0, [3.0], [1.1]) == 6
    assert pays_off(10.0, [1.0], [1.0]) is None
    assert pays_off(10.0, [1.0], [2.0]) is None
    assert pays_off(-1.0, [1.0], [2.0]) == 0
    assert pays_off(10.0, [], []) is None
    assert Preparation(1.0, 1, 1).pays_off is None


def test_operations_of_compiled_code_are_not_counted_as_if_it_ran_as_written() -> None:
    found = counting.count(built(BOTH))
    assert found.counts["original"].forward_flops
    assert found.counts[BOTH].forward_flops is None
    assert found.counts[BOTH].parameter_gradients == 0
    assert any(BOTH in warning for warning in found.warnings)
