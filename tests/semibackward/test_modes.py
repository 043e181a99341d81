"""`evaluating=True`, mixed precision and embeddings: the same results with and without a block."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from semibackward import semi_backward
from tests.semibackward.frozen_models import attack, equal, gradients, since, small_model


def noisy() -> nn.Sequential:
    """Batch norm and dropout, one of them in evaluation mode already."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.BatchNorm1d(8), nn.Linear(8, 4)
    )
    model[3].eval()
    return model


class Recurrent(nn.Module):
    def __init__(self, kind: Callable[..., nn.RNNBase]) -> None:
        super().__init__()
        self.layers = kind(6, 5, num_layers=2, dropout=0.5)
        self.dropout = nn.Dropout(0.5)

    def forward(self, images: Tensor) -> Tensor:
        return self.dropout(self.layers(images)[0])  # type: ignore[no-any-return]


def modes(model: nn.Module) -> list[bool]:
    return [module.training for module in model.modules()]


def test_modes_and_what_they_do_are_left_alone_unless_asked() -> None:
    model, twin, images = noisy(), noisy(), torch.rand(4, 6)
    torch.manual_seed(1)
    expected = attack(twin, images)
    torch.manual_seed(1)
    with semi_backward(model):
        assert modes(model) == modes(twin)
        assert torch.equal(attack(model, images), expected)
    assert equal(list(model.buffers()), list(twin.buffers()))


def test_evaluating_is_what_eval_is_and_every_mode_comes_back() -> None:
    model, images = noisy(), torch.rand(4, 6)
    before, buffers = modes(model), copy.deepcopy(list(model.buffers()))
    expected = attack(copy.deepcopy(model).eval(), images)
    with semi_backward(model, evaluating=True):
        assert not any(modes(model))
        assert torch.equal(attack(model, images), expected)
    assert modes(model) == before
    assert equal(list(model.buffers()), buffers)


def test_evaluating_nested_overlapping_and_after_an_exception() -> None:
    model = noisy()
    before = modes(model)
    first, second = contextlib.ExitStack(), contextlib.ExitStack()
    first.enter_context(semi_backward(model, evaluating=True))
    second.enter_context(semi_backward(model, evaluating=True))
    first.close()
    assert not any(modes(model))
    model.train()
    with contextlib.suppress(ZeroDivisionError), semi_backward(model[:2], evaluating=True):
        assert not any(modes(model[0]) + modes(model[1]))
        raise ZeroDivisionError
    assert all(modes(model))
    second.close()
    assert modes(model) == before


def test_a_decorator_evaluates_too() -> None:
    model = noisy()

    @semi_backward(model, evaluating=True)
    def inside() -> list[bool]:
        return modes(model)

    assert not any(inside())


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_layers_train_without_dropout_which_is_the_same(
    kind: Callable[..., nn.RNNBase], training: bool
) -> None:
    """cuDNN has no backward for a recurrent layer in evaluation mode."""
    torch.manual_seed(0)
    model, images = Recurrent(kind).train(training), torch.rand(3, 2, 6)
    expected = attack(copy.deepcopy(model).eval(), images)
    with semi_backward(model, evaluating=True):
        assert model.layers.training
        assert torch.equal(attack(model, images), expected)
    assert modes(model) == [training] * 3
    assert model.layers.dropout == 0.5


def test_a_modules_own_train_is_not_called() -> None:
    class Merging(nn.Linear):
        def train(self, mode: bool = True) -> Merging:
            raise AssertionError("weights would be merged")

    with semi_backward(Merging(2, 2), evaluating=True):
        pass


# Mixed precision


def test_what_autocast_has_cast_before_does_not_lead_to_the_parameters() -> None:
    model, images = small_model(), torch.rand(2, 6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        clean = model(images)
        with semi_backward(model):
            frozen = attack(model, images)
        assert not gradients(model)
        assert torch.equal(frozen, attack(model, images))
        gradients(model)
        clean.square().sum().backward()
    assert len(gradients(model)) == 4


@since(2, 0)
def test_autocast_casts_frozen_weights_in_every_pass() -> None:
    """It keeps the casts of what requires a gradient alone."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Casts(TorchDispatchMode):
        def __torch_dispatch__(
            self, op: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            if op is torch.ops.aten._to_copy.default and args[0].shape == (8, 6):
                casts.append(op)
            return op(*args, **(kwargs or {}))

    model, images, counted = small_model(), torch.rand(2, 6), []
    for block in (contextlib.nullcontext(), semi_backward(model)):
        casts: list[Any] = []
        with torch.autocast("cpu", dtype=torch.bfloat16), block, Casts():  # type: ignore[no-untyped-call]
            for _ in range(3):
                model(images)
        counted.append(len(casts))
    assert counted == [1, 3]


def test_mixed_precision_training_is_the_same() -> None:
    if not hasattr(torch.amp, "GradScaler"):
        pytest.skip("this torch has no GradScaler for the CPU")
    images, made = torch.rand(4, 6), []
    for block in (semi_backward, lambda model: contextlib.nullcontext()):
        model = small_model()
        optimizer, scaler = torch.optim.SGD(model.parameters(), lr=0.1), torch.amp.GradScaler("cpu")
        for _ in range(3):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                with block(model):
                    adversarial = attack(model, images)
                optimizer.zero_grad(set_to_none=True)
                loss = model(adversarial).square().sum()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        made.append([adversarial, *model.parameters()])
    assert equal(*made)


# Text


class Bert(nn.Module):
    """The embeddings of a Hugging Face model: word, position and kind of token, or vectors."""

    def __init__(self, *, functional: bool) -> None:
        super().__init__()
        self.word = nn.Embedding(11, 6, padding_idx=0)
        self.position = nn.Embedding(5, 6)
        self.kind = nn.Embedding(2, 6)
        self.norm = nn.LayerNorm(6)
        self.head = nn.Linear(6, 3)
        self.functional = functional
        self.embedded: list[Tensor] = []

    def forward(self, ids: Tensor | None = None, inputs_embeds: Tensor | None = None) -> Tensor:
        if inputs_embeds is None:
            assert ids is not None
            inputs_embeds = self.word(ids)
            self.embedded.append(inputs_embeds)
        places = torch.arange(inputs_embeds.shape[1])
        where = (
            nn.functional.embedding(places, self.position.weight)
            if self.functional
            else self.position(places)
        )
        kind = self.kind(torch.zeros_like(places))
        return self.head(self.norm(inputs_embeds + where + kind)).mean(1)  # type: ignore[no-any-return]


@pytest.mark.parametrize("functional", [False, True])
def test_word_gradients_are_the_same(functional: bool) -> None:
    torch.manual_seed(0)
    model, ids = Bert(functional=functional), torch.tensor([[3, 1, 0], [2, 2, 5]])
    seen: list[Tensor] = []

    def keep(module: nn.Module, into: object, out: tuple[Tensor, ...]) -> None:
        seen.append(out[0])

    model.word.register_full_backward_hook(keep)
    for block in (semi_backward(model), contextlib.nullcontext()):
        with block:
            loss = model(ids).square().sum()
            seen.extend(torch.autograd.grad(loss, model.embedded[-1], retain_graph=True))
            loss.backward()
    assert len(seen) == 4  # what we ask for, and what the hook sees
    assert all(torch.equal(seen[0], other) for other in seen)
    assert seen[0].any()
    words = model.word(ids).detach()
    expected = attack(lambda vectors: model(inputs_embeds=vectors), words)
    with semi_backward(model):
        assert torch.equal(attack(lambda vectors: model(inputs_embeds=vectors), words), expected)


def test_a_functional_embedding_is_loud() -> None:
    """Only modules can be hooked: torch itself refuses what has no gradient."""

    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.rand(4, 2))

        def forward(self, ids: Tensor) -> Tensor:
            return nn.functional.embedding(ids, self.weight)

    model = Functional()
    with semi_backward(model):
        embedded = model(torch.tensor([1]))
        with pytest.raises(RuntimeError, match="requires_grad=False"):
            embedded.retain_grad()
        with pytest.raises(RuntimeError, match="does not require grad"):
            embedded.sum().backward()


def test_embeddings_that_give_a_tensor_they_keep_do_not_change_it() -> None:
    class Keeping(nn.Embedding):
        table: Tensor

        def forward(self, ids: Tensor) -> Tensor:
            return self.table

    model = Keeping(3, 2)
    model.register_buffer("table", torch.rand(3, 2))
    with semi_backward(model):
        assert model(torch.tensor([1])).requires_grad
    assert not model.table.requires_grad
