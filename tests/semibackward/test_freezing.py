"""`semi_backward` freezes on entry, restores on the way out, and changes no result."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator, Iterator

import pytest
import torch
from torch import Tensor, nn

from semibackward import semi_backward


@pytest.fixture
def model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5))


def flags(model: nn.Module) -> list[bool]:
    return [parameter.requires_grad for parameter in model.parameters()]


def attack(model: nn.Module, images: Tensor) -> Tensor:
    images = images.clone().requires_grad_()
    model(images).square().sum().backward()
    assert images.grad is not None
    return (images + images.grad.sign()).detach()


def test_frozen_inside_and_restored_after(model: nn.Sequential) -> None:
    with semi_backward(model):
        assert not any(flags(model))
    assert all(flags(model))


def test_same_perturbation_without_parameter_gradients(model: nn.Sequential) -> None:
    images = torch.rand(2, 3, 8, 8)
    with semi_backward(model):
        frozen = attack(model, images)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(frozen, attack(model, images))
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_construction_changes_nothing(model: nn.Sequential) -> None:
    context = semi_backward(model)
    assert all(flags(model))
    model[0].bias.requires_grad_(False)
    with context:
        assert not any(flags(model))
    assert flags(model) == [True, False, True, True]


def test_frozen_before_stays_frozen(model: nn.Sequential) -> None:
    model[3].requires_grad_(False)
    with semi_backward(model):
        pass
    assert flags(model) == [True, True, False, False]


def test_restored_after_an_exception(model: nn.Sequential) -> None:
    with pytest.raises(ZeroDivisionError), semi_backward(model):
        raise ZeroDivisionError
    assert all(flags(model))


def test_nested_and_entered_again(model: nn.Sequential) -> None:
    context = semi_backward(model)
    with context:
        with semi_backward(model), context:
            assert not any(flags(model))
        assert not any(flags(model))
    assert all(flags(model))


def test_overlapping_blocks_hold_until_the_last_ends(model: nn.Sequential) -> None:
    first, second = contextlib.ExitStack(), contextlib.ExitStack()
    first.enter_context(semi_backward(model))
    second.enter_context(semi_backward(model))
    first.close()
    assert not any(flags(model))
    second.close()
    assert all(flags(model))


def test_switched_on_inside_and_frozen_again(model: nn.Sequential) -> None:
    with semi_backward(model):
        model.requires_grad_(True)
        with semi_backward(model):
            assert not any(flags(model))
        assert all(flags(model))
    assert all(flags(model))


def test_threads(model: nn.Sequential) -> None:
    both_inside, seen = threading.Barrier(2, timeout=10), []

    def work() -> None:
        with semi_backward(model):
            both_inside.wait()
            seen.append(any(flags(model)))
            both_inside.wait()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [False, False]
    assert all(flags(model))


def test_shared_parameters(model: nn.Sequential) -> None:
    tied = nn.ModuleList([nn.Linear(3, 3), nn.Linear(3, 3)])
    tied[1].weight = tied[0].weight
    with semi_backward(tied, tied[0]):
        assert not any(flags(tied))
    assert all(flags(tied))


def test_several_models(model: nn.Sequential) -> None:
    other = nn.Linear(2, 2)
    with semi_backward(model, other):
        assert not any(flags(model) + flags(other))
    assert all(flags(model) + flags(other))


def test_grad_is_left_alone(model: nn.Sequential) -> None:
    attack(model, torch.rand(2, 3, 8, 8))
    before = [parameter.grad for parameter in model.parameters()]
    with semi_backward(model):
        attack(model, torch.rand(2, 3, 8, 8))
    after = [parameter.grad for parameter in model.parameters()]
    assert all(a is b for a, b in zip(before, after, strict=True))


def test_decorator_freezes_each_call(model: nn.Sequential) -> None:
    @semi_backward(model)
    def inside() -> list[bool]:
        """Say what is seen."""
        return flags(model)

    assert all(flags(model))
    assert inside() == inside() == [False] * 4
    assert all(flags(model))
    assert inside.__doc__ == "Say what is seen."


def test_decorated_generator_is_frozen_only_while_it_runs(model: nn.Sequential) -> None:
    seen = []

    @semi_backward(model)
    def steps() -> Generator[int, None, None]:
        try:
            for step in range(3):
                seen.append(any(flags(model)))
                yield step
        finally:
            seen.append(any(flags(model)))

    generator = steps()
    assert all(flags(model))
    for _ in zip(generator, range(2), strict=False):
        assert all(flags(model))
    generator.close()
    assert seen == [False] * 4
    assert all(flags(model))


def test_decorated_generator_passes_values_and_exceptions(model: nn.Sequential) -> None:
    @semi_backward(model)
    def echo() -> Generator[object, object, str]:
        received: object = "start"
        while received != "stop":
            try:
                received = yield received
            except ZeroDivisionError:
                received = "caught"
        return "end"

    generator = echo()
    assert next(generator) == "start"
    assert generator.send("more") == "more"
    assert generator.throw(ZeroDivisionError()) == "caught"
    with pytest.raises(StopIteration) as stop:
        generator.send("stop")
    assert stop.value.value == "end"


def test_generator_suspended_inside_a_block(model: nn.Sequential) -> None:
    def held() -> Iterator[None]:
        with semi_backward(model):
            yield

    first, second = held(), held()
    next(first)
    next(second)
    assert next(first, "done") == "done"
    assert not any(flags(model))
    assert next(second, "done") == "done"
    assert all(flags(model))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: semi_backward(), "needs the model"),
        (
            lambda: semi_backward(nn.functional.relu),  # type: ignore[arg-type]
            "pass the module inside the wrapper",
        ),
    ],
)
def test_refuses_what_it_cannot_freeze(call: Callable[[], object], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        call()


def test_refuses_async_functions(model: nn.Sequential) -> None:
    async def attack_later() -> None: ...

    with pytest.raises(TypeError, match="inside it"):
        semi_backward(model)(attack_later)


class Text(nn.Module):
    """Integers in, logits out; changes its embeddings in place, as some models do."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(10, 4)
        self.head = nn.Linear(4, 2)

    def forward(self, ids: Tensor) -> Tensor:
        embedded: Tensor = self.embedding(ids)
        embedded += 1
        logits: Tensor = self.head(embedded.mean(dim=1))
        return logits


def test_embeddings_still_require_a_gradient() -> None:
    torch.manual_seed(0)
    model, ids = Text(), torch.tensor([[1, 2, 3]])
    seen: list[Tensor] = []

    def keep(module: nn.Module, inputs: object, output: Tensor) -> None:
        output.retain_grad()
        seen.append(output)

    model.embedding.register_forward_hook(keep)
    model(ids).sum().backward()
    with semi_backward(model):
        model(ids).sum().backward()
    full, frozen = (output.grad for output in seen)
    assert full is not None
    assert frozen is not None
    assert torch.equal(full, frozen)
    assert len(model.embedding._forward_hooks) == 1


@pytest.mark.parametrize("head_first", [True, False])
def test_an_embedding_tied_to_a_head_that_is_frozen_already(head_first: bool) -> None:
    model = Text()
    head = nn.Linear(4, 10, bias=False)
    head.weight = model.embedding.weight
    together = (head, model) if head_first else (model, head)
    with semi_backward(*together):
        assert model.embedding(torch.tensor([1])).requires_grad
    with semi_backward(together[0]), semi_backward(together[1]):
        assert model.embedding(torch.tensor([1])).requires_grad
    assert not model.embedding._forward_hooks
    assert all(flags(model) + flags(head))


def test_embeddings_require_nothing_without_autograd() -> None:
    model = Text()
    with semi_backward(model), torch.no_grad():
        assert not model.embedding(torch.tensor([1])).requires_grad


def test_embeddings_frozen_before_are_left_as_they_were() -> None:
    model = Text()
    model.embedding.weight.requires_grad_(False)
    with semi_backward(model):
        assert not model.embedding(torch.tensor([1])).requires_grad
