"""`examine` says what `semi_backward` meets in a model, and leaves the model as it was."""

from __future__ import annotations

import copy
import pickle
import random
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import checkpoint

from semibackward import examine, semi_backward
from tests.semibackward.frozen_models import equal, since, small_model


class Wasteful(torch.autograd.Function):
    """Matrix product that computes both gradients, whoever asks."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return x @ weight

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        return gradient @ weight.T, x.T @ gradient


class Thrifty(Wasteful):
    """The same, but looks."""

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        x, weight = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        return gradient @ weight.T if wanted[0] else None, x.T @ gradient if wanted[1] else None


class Custom(nn.Linear):
    def __init__(self, function: type[torch.autograd.Function]) -> None:
        super().__init__(6, 6)
        self.function = function

    def forward(self, images: Tensor) -> Tensor:
        return self.function.apply(images, self.weight)  # type: ignore[no-any-return]


class Checkpointed(nn.Sequential):
    gradient_checkpointing = True

    def forward(self, images: Tensor) -> Tensor:
        return checkpoint(super().forward, images, use_reentrant=True)  # type: ignore[no-any-return]


class Keeping(nn.Linear):
    """Uses a tensor computed from its weight once and for all."""

    def __init__(self) -> None:
        super().__init__(6, 6)
        self.doubled = self.weight * 2

    def forward(self, images: Tensor) -> Tensor:
        return images @ self.doubled


class Random(nn.Linear):
    """Its gradient does not repeat itself, whatever torch's random state is."""

    calls = 0.0

    def __init__(self) -> None:
        super().__init__(6, 6)

    def forward(self, images: Tensor) -> Tensor:
        Random.calls += 1.0
        return super().forward(images) * Random.calls


class Through(nn.Linear):
    """Gives its input to a function before all else."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__(6, 6)
        self.function = function

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(self.function(images))


class After(nn.Linear):
    """Gives its output to a function."""

    def __init__(self, function: Callable[..., object], *more: object) -> None:
        super().__init__(6, 6)
        self.function, self.more = function, more

    def forward(self, images: Tensor) -> Any:
        return self.function(super().forward(images), *self.more)


class Once(nn.Linear):
    """Can be run once, whatever is put back."""

    def __init__(self) -> None:
        super().__init__(6, 6)
        self.left = iter([1])

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images) * next(self.left)


@dataclass
class Output:
    logits: Tensor
    loss: None = None


class Plain:
    def __init__(self, logits: Tensor) -> None:
        self.logits = logits


class OptimizedModule(nn.Sequential):
    """Called as what torch.compile returns."""


def frozen_below() -> nn.Module:
    model = small_model()
    model[0].requires_grad_(False)
    model[2].table = nn.Parameter(torch.arange(3), requires_grad=False)
    return model


def tied() -> nn.Module:
    model = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6))
    model[1].weight = model[0].weight
    return model


def hooked() -> nn.Module:
    model = small_model()
    next(model.parameters()).register_hook(print)
    return model


def made_in_inference_mode() -> nn.Module:
    with torch.inference_mode():
        return small_model()


@pytest.mark.parametrize(
    ("build", "severity", "what", "said"),
    [
        (small_model, "fine", "parameters", "4 of 4 require"),
        (frozen_below, "fine", "parameters", "2 of 5 require.* 3 do not"),
        (frozen_below, "fine", "integer", "1 parameter holds integers"),
        (lambda: small_model().requires_grad_(False), "mend", "parameters", "none of 4 requires"),
        (lambda: nn.LazyLinear(3), "note", "uninitialised", "2 parameters have no shape"),
        (lambda: nn.LazyLinear(3), "mend", "dry run", "left out: .*run one forward pass before"),
        (tied, "fine", "shared", "1 parameter has several names"),
        (made_in_inference_mode, "mend", "inference", "4 parameters were made"),
        (lambda: nn.EmbeddingBag(5, 6), "fine", "embeddings", "^1, whose output "),
        (lambda: nn.BatchNorm1d(6), "note", "batch norm", "1 of 1 in training.*evaluating=True"),
        (lambda: nn.BatchNorm1d(6).eval(), "fine", "batch norm", "^1, in evaluation mode"),
        (lambda: nn.Dropout(0.1), "note", "dropout", "1 of 1 in training mode"),
        (lambda: nn.LSTM(6, 6), "fine", "recurrent", "1, in training mode"),
        (lambda: nn.LSTM(6, 6).eval(), "note", "recurrent", "cuDNN has no backward"),
        (
            lambda: torch.nn.utils.parametrizations.orthogonal(nn.Linear(6, 6)),
            "note",
            "parametrised",
            "1 module computes its weights",
        ),
        (
            lambda: torch.nn.utils.spectral_norm(nn.Linear(6, 6)),
            "fine",
            "weight norm",
            "1 weight is computed anew",
        ),
        (Keeping, "mend", "tensors", "^doubled: no parameters"),
        (Keeping, "mend", "dry run", "not with frozen.*before the block"),
        (hooked, "note", "hooks", "on 1 parameter"),
        (hooked, "fine", "perturbation", "bit for bit the same"),
        (lambda: Checkpointed(nn.Linear(6, 6)), "note", "checkpointing", "in the block in which"),
        (lambda: Checkpointed(nn.Linear(6, 6)), "fine", "gradients", "2 get a.* 0 when frozen"),
        (lambda: OptimizedModule(nn.Linear(6, 6)), "note", "wrapper", "OptimizedModule: "),
        (small_model, "fine", "gradients", "of 4 parameters, 4 get a gradient.* 0 when frozen"),
        (lambda: Custom(Wasteful), "note", "wasted work", "^Wasteful computes.*needs_input_grad"),
        (lambda: nn.Embedding(5, 6), "mend", "dry run", r"fails as.*Error.*examine\(model, ids\)"),
        (nn.Identity, "mend", "parameters", "none, so there is nothing to freeze"),
        (lambda: Through(Tensor.detach), "mend", "perturbation", "gets a gradient, frozen or not"),
        (
            lambda: Through(torch.no_grad()(torch.sin)),
            "mend",
            "perturbation",
            r"look for .*no_grad",
        ),
        (lambda: small_model().requires_grad_(False), "fine", "perturbation", "can follow"),
        (lambda: After(Tensor.detach), "mend", "perturbation", "gets a gradient, frozen or not"),
        (lambda: After(lambda x: x.argmax(1)), "mend", "perturbation", "no floating-point tensor"),
        (lambda: Through(torch.round), "mend", "perturbation", "zero everywhere, frozen or not"),
        (lambda: Through(lambda x: x * torch.inf), "mend", "perturbation", "not finite"),
        (lambda: After(Output), "fine", "perturbation", "bit for bit the same"),
        (lambda: After(lambda x: {"a": [Plain(x)]}), "fine", "perturbation", "bit for bit"),
        (lambda: After(torch.log_softmax, 1), "fine", "perturbation", "bit for bit"),
        (lambda: After(sys.exit), "mend", "dry run", "fails as the model is: SystemExit"),
        (Once, "mend", "dry run", "works once, and fails when it is run again, frozen or not"),
        (lambda: nn.DataParallel(nn.Linear(6, 6)), "note", "looked into", r"^model\.module, "),
        (lambda: nn.DataParallel(nn.Linear(6, 6)), "fine", "perturbation", "bit for bit"),
        (small_model, "fine", "perturbation", "bit for bit the same"),
        (Random, "note", "perturbation", "differs by up to .*one unfrozen pass to the next"),
    ],
)
def test_findings(build: Callable[[], nn.Module], severity: str, what: str, said: str) -> None:
    torch.manual_seed(0)
    found = {finding.what: finding for finding in examine(build(), torch.rand(2, 6))}
    assert found[what].severity == severity, found[what]
    assert re.search(said, found[what].said), found[what]


def test_a_function_that_looks_wastes_nothing() -> None:
    found = [finding.what for finding in examine(Custom(Thrifty), torch.rand(2, 6))]
    assert "gradients" in found
    assert "wasted work" not in found


def test_the_trick_works_with_the_wasteful_one_all_the_same() -> None:
    model, images = Custom(Wasteful), torch.rand(2, 6, requires_grad=True)
    with semi_backward(model):
        model(images).sum().backward()
    assert images.grad is not None
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize(
    "inputs",
    [torch.tensor([[1, 2]]), (torch.tensor([[1, 2]]),), {"input": torch.tensor([[1, 2]])}],
    ids=["tensor", "arguments", "keywords"],
)
def test_integer_inputs_are_followed_to_their_embeddings(inputs: object) -> None:
    found = {finding.what: finding.said for finding in examine(nn.Embedding(5, 6), inputs)}
    assert "bit for bit" in found["perturbation"]


def test_the_model_is_as_it_was() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.LSTM(6, 6))
    model[3].eval()
    model[0](torch.rand(1, 6)).sum().backward()
    images = torch.rand(3, 6)
    before, gradients = copy.deepcopy(model), [p.grad for p in model.parameters()]
    state = torch.get_rng_state()
    assert {finding.severity for finding in examine(model, images)} == {"note", "fine"}
    assert torch.equal(torch.get_rng_state(), state)
    assert [m.training for m in model.modules()] == [m.training for m in before.modules()]
    assert equal(list(model.state_dict().values()), list(before.state_dict().values()))
    assert all(p.grad is g for p, g in zip(model.parameters(), gradients, strict=True))
    assert all(p.requires_grad for p in model.parameters())
    assert images.grad is None


class Changing(nn.Linear):
    """Changes what a module has in every pass, and draws from everybody."""

    def __init__(self) -> None:
        super().__init__(6, 6)
        self.calls = 0
        self.log: list[Tensor] = []
        self.seen = {"first": 1}

    def forward(self, images: Tensor) -> Tensor:
        self.calls += 1
        self.log.append(images)
        self.seen[str(self.calls)] = 2
        self.last = images
        self.train(not self.training)
        if not hasattr(self, "late"):
            self.late = nn.Linear(6, 6)
            self.register_buffer("table", torch.ones(6))
        drawn = random.random() + float(np.random.rand()) + torch.rand(6)
        return super().forward(images) * self.calls + drawn


def test_what_a_pass_changes_is_put_back() -> None:
    model, images = Changing(), torch.rand(2, 6)
    model.weight.register_hook(lambda gradient: pytest.fail("a hook fired"))
    hooks = dict(model.weight._backward_hooks or {})
    before = (random.getstate(), pickle.dumps(np.random.get_state()))
    names = list(vars(model))
    found = {finding.what: finding for finding in examine(model, images)}
    assert found["perturbation"].severity == "fine", found
    assert (model.calls, model.log, model.seen, model.training) == (0, [], {"first": 1}, True)
    assert (list(vars(model)), dict(model.named_children()), model._buffers) == (names, {}, {})
    assert (random.getstate(), pickle.dumps(np.random.get_state())) == before
    assert dict(model.weight._backward_hooks or {}) == hooks


@since(2, 12)
@pytest.mark.parametrize("inside", [False, True])
def test_what_is_compiled_is_tried_as_it_was_before(inside: bool) -> None:
    model: Any = torch.compile(nn.Linear(6, 6), backend=lambda *_: pytest.fail("compiled"))
    found = {
        f.what: f for f in examine(nn.Sequential(model) if inside else model, torch.rand(2, 6))
    }
    assert found["perturbation"].severity == "fine"
    assert found["wrapper"].said.startswith("OptimizedModule: ")
    assert ("looked into" in found) != inside


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(TypeError, match="pass the module inside the wrapper"):
        examine(nn.functional.relu)  # type: ignore[arg-type]


def test_what_can_not_be_frozen_is_to_be_mended() -> None:
    distributed = DistributedDataParallel.__new__(DistributedDataParallel)  # without processes
    nn.Module.__init__(distributed)
    distributed.module = nn.Linear(2, 2)
    found = examine(nn.Sequential(distributed), torch.rand(1, 2))
    (wrapper,) = (finding for finding in found if finding.what == "wrapper")
    assert wrapper.severity == "mend"
    assert "its '0' is a DistributedDataParallel" in wrapper.said
    assert any(finding.what == "dry run" for finding in found)
    with pytest.raises(TypeError, match=r"its '0' is a DistributedDataParallel.*model\.module"):
        semi_backward(distributed.module, nn.Sequential(distributed)).__enter__()
    assert distributed.module.weight.requires_grad
