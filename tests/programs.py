"""Ways to write an attack, each a small program: what an instrument may not change.

A program is called with a model and images, (batch, 3, 8, 8), and returns a tensor; it runs from
torch's seed 0. Its name is what is special about it.
"""

from __future__ import annotations

import copy
import io
import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import stateless, weight_norm
from torch.utils.checkpoint import checkpoint

Program = Callable[[nn.Module, Tensor], Tensor]
GRADIENT: dict[str, Program] = {}
"""Programs that ask for gradients, by name."""
QUERIES: dict[str, Program] = {}
"""Programs that do not."""


class Network(nn.Module):
    """In parts, as timm's."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(4 * 8 * 8, 5)

    def forward_features(self, images: Tensor) -> Tensor:
        return self.drop(functional.relu(self.norm(self.stem(images))))

    def forward_head(self, features: Tensor) -> Tensor:
        made: Tensor = self.head(features.flatten(1))
        return made

    def forward(self, images: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(images))


def network() -> Network:
    torch.manual_seed(0)
    return Network().eval()


def images() -> Tensor:
    return torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def loss(logits: Tensor) -> Tensor:
    made: Tensor = functional.cross_entropy(logits, torch.arange(len(logits)) % logits.shape[1])
    return made


def by_backward(call: Callable[[Tensor], Tensor], given: Tensor) -> Tensor:
    """The images after one step along the gradient."""
    moved = given.clone().requires_grad_()
    loss(call(moved)).backward()
    assert moved.grad is not None
    return (moved + 0.03 * moved.grad.sign()).clamp(0, 1).detach()


def by_grad(call: Callable[[Tensor], Tensor], given: Tensor) -> Tensor:
    moved = given.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(call(moved)), moved)
    return torch.cat([gradient, moved.detach()])


def gradient(program: Program) -> Program:
    GRADIENT[program.__name__] = program
    return program


def queries(program: Program) -> Program:
    QUERIES[program.__name__] = program
    return program


@gradient
def three_steps(model: nn.Module, given: Tensor) -> Tensor:
    for _ in range(3):
        given = by_backward(model, given)
    return given


@gradient
def by_the_gradient_alone(model: nn.Module, given: Tensor) -> Tensor:
    return by_grad(model, given)


@gradient
def deep_copy_with_noise(model: nn.Module, given: Tensor) -> Tensor:
    ghost = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in ghost.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return by_backward(ghost, by_backward(model, given))


@gradient
def shallow_copy_with_other_head(model: nn.Module, given: Tensor) -> Tensor:
    other = copy.copy(model)
    other._modules = {**model._modules, "head": nn.Linear(256, 3)}
    return by_backward(other, by_backward(model, given))


@gradient
def pickled_copy(model: nn.Module, given: Tensor) -> Tensor:
    other = pickle.loads(pickle.dumps(model))
    with torch.no_grad():
        other.head.bias.add_(1)
    return by_grad(other, given)


@gradient
def saved_and_loaded(model: nn.Module, given: Tensor) -> Tensor:
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    other = Network().eval()
    other.load_state_dict(torch.load(file))
    return by_grad(other, given)


@gradient
def traced(model: nn.Module, given: Tensor) -> Tensor:
    return by_backward(torch.jit.trace(model, given), given)


@gradient
def scripted(model: nn.Module, given: Tensor) -> Tensor:
    return by_backward(torch.jit.script(model), given)


@gradient
def functionally_called(model: nn.Module, given: Tensor) -> Tensor:
    func: Any = getattr(torch, "func", None) or stateless
    call = func.functional_call
    halved = {name: parameter.detach() / 2 for name, parameter in model.named_parameters()}
    return by_grad(lambda moved: call(model, halved, (moved,)), given)


@gradient
def mapped_gradients(model: nn.Module, given: Tensor) -> Tensor:
    def one(image: Tensor) -> Tensor:
        return loss(model(image[None]))

    func: Any = torch.func
    made: Tensor = func.vmap(func.grad(one))(given)
    return made


@gradient
def jacobian(model: nn.Module, given: Tensor) -> Tensor:
    made: Tensor = torch.func.jacrev(lambda moved: model(moved).sum(0))(given)
    return made


@gradient
def checkpointed(model: nn.Module, given: Tensor) -> Tensor:
    return by_backward(lambda moved: checkpoint(model, moved, use_reentrant=False), given)


@gradient
def checkpointed_reentrantly(model: nn.Module, given: Tensor) -> Tensor:
    return by_backward(lambda moved: checkpoint(model, moved, use_reentrant=True), given)


@gradient
def compiled(model: nn.Module, given: Tensor) -> Tensor:
    faster = torch.compile(model, backend="eager")
    return by_backward(faster, by_backward(faster, given))


@gradient
def compiled_ahead_of_time(model: nn.Module, given: Tensor) -> Tensor:
    return by_backward(torch.compile(model, backend="aot_eager"), given)


@gradient
def compiled_with_its_loss(model: nn.Module, given: Tensor) -> Tensor:
    @torch.compile(backend="eager", fullgraph=True)
    def step(moved: Tensor) -> Tensor:
        logits: Tensor = model(moved)
        return logits * 2

    return by_grad(step, given)


@gradient
def compiled_in_place(model: nn.Module, given: Tensor) -> Tensor:
    model.compile(backend="eager")
    return by_backward(model, given)


@gradient
def symbolically_traced(model: nn.Module, given: Tensor) -> Tensor:
    return by_backward(torch.fx.symbolic_trace(model), by_backward(model, given))


@gradient
def hooks_of_its_own(model: nn.Module, given: Tensor) -> Tensor:
    kept: list[Tensor] = []
    handles = [
        module.register_forward_hook(lambda _, __, output: kept.append(output))
        for module in model.modules()
    ]
    moved = by_backward(model, given)
    for handle in handles:
        handle.remove()
    return torch.cat([moved.flatten(), *(output.detach().flatten() for output in kept)])


@gradient
def hooks_on_gradients(model: nn.Module, given: Tensor) -> Tensor:
    kept: list[Tensor] = []
    handle = model.get_submodule("stem").register_full_backward_hook(
        lambda _, __, found: kept.append(torch.cat([one.flatten() for one in found]))
    )
    moved = by_backward(model, given)
    handle.remove()
    return torch.cat([moved.flatten(), kept[0]])


@gradient
def by_keyword(model: nn.Module, given: Tensor) -> Tensor:
    return by_backward(lambda moved: model(images=moved), given)


@gradient
def by_forward(model: nn.Module, given: Tensor) -> Tensor:
    return by_grad(model.forward, given)


@gradient
def in_parts(model: Any, given: Tensor) -> Tensor:
    return by_backward(lambda moved: model.forward_head(model.forward_features(moved)), given)


@gradient
def in_smaller_batches(model: nn.Module, given: Tensor) -> Tensor:
    return by_backward(lambda moved: torch.cat([model(one) for one in moved.split(1)]), given)


@gradient
def in_bfloat16(model: nn.Module, given: Tensor) -> Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return by_backward(lambda moved: model(moved).float(), given)


@gradient
def through_its_own_gradient(model: nn.Module, given: Tensor) -> Tensor:
    moved = given.clone().requires_grad_()
    (first,) = torch.autograd.grad(loss(model(moved)), moved, create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), moved)
    return second


@gradient
def random_transformations(model: nn.Module, given: Tensor) -> Tensor:
    def call(moved: Tensor) -> Tensor:
        many = moved.repeat_interleave(3, dim=0)
        many = many.roll(int(torch.randint(3, ())), dims=2) + 0.1 * torch.randn_like(many)
        logits: Tensor = model(many)
        return logits.view(len(moved), 3, -1).mean(dim=1)

    return by_backward(call, given)


@gradient
def output_changed_in_place(model: nn.Module, given: Tensor) -> Tensor:
    return by_backward(lambda moved: model(moved).sub_(1).mul_(2), given)


@gradient
def weight_normalised(model: nn.Module, given: Tensor) -> Tensor:
    weight_norm(model.get_submodule("head"))
    return by_backward(model, given)


@gradient
def in_training_mode(model: nn.Module, given: Tensor) -> Tensor:
    model.train()
    moved = by_backward(model, by_backward(model, given))
    statistics = [buffer.double().flatten() for buffer in model.buffers()]
    return torch.cat([moved.double().flatten(), *statistics])


@gradient
def in_threads(model: nn.Module, given: Tensor) -> Tensor:
    found: dict[int, Tensor] = {}

    def work(number: int) -> None:
        found[number] = by_grad(model, given[number : number + 1])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(given))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return torch.cat([found[number] for number in range(len(given))])


@gradient
def looks_at_the_model(model: nn.Module, given: Tensor) -> Tensor:
    moved = by_backward(model, given)
    seen: list[int] = [type(model) is Network, Network.forward.__qualname__ == "Network.forward"]
    for module in model.modules():
        seen += [len(vars(module)), len(module._forward_hooks), len(module._forward_pre_hooks)]
        seen += [callable(module.forward), "forward" in vars(module), "__call__" in vars(module)]
    return torch.cat([moved.flatten(), torch.tensor(seen, dtype=moved.dtype)])


@gradient
def forward_of_its_own(model: nn.Module, given: Tensor) -> Tensor:
    whole = model.forward
    model.forward = lambda moved: whole(moved).flip(1)
    moved = by_backward(model, given)
    del model.forward
    return by_backward(model, moved)


@queries
def numpy_and_back(model: nn.Module, given: Tensor) -> Tensor:
    for _ in range(3):
        logits = model(torch.from_numpy(np.asarray(given))).detach().numpy()
        best = int(np.argmax(logits.sum(0)))
        given = given + 0.01 * (best + sum(logits[0].tolist()))
    return given


@queries
def without_gradients(model: nn.Module, given: Tensor) -> Tensor:
    with torch.no_grad():
        noisy = torch.stack([model(given + e).amax(1) for e in (0.01, -0.01)])
    return given + 0.03 * noisy.diff(dim=0).squeeze(0)[:, None, None, None]


@queries
def in_inference_mode(model: nn.Module, given: Tensor) -> Tensor:
    with torch.inference_mode():
        logits = model(given)
    return given + logits.mean(dim=1)[:, None, None, None].clone()


@queries
def queries_a_noisy_copy(model: nn.Module, given: Tensor) -> Tensor:
    ghost = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in ghost.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        made: Tensor = torch.cat([ghost(given), model(given)])
    return made


@queries
def learns_a_substitute(model: nn.Module, given: Tensor) -> Tensor:
    substitute = nn.Sequential(nn.Flatten(), nn.Linear(192, 5))
    optimizer = torch.optim.SGD(substitute.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        functional.mse_loss(substitute(given), model(given).detach()).backward()
        optimizer.step()
    return by_grad(substitute, given)


@queries
def queries_in_place(model: nn.Module, given: Tensor) -> Tensor:
    logits = model(given).detach()
    logits -= logits.max()
    return logits.exp_()


class Attention(nn.Module):
    """torch's own encoder layer, which computes in another way where nobody asks for gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.TransformerEncoderLayer(24, 2, 32, batch_first=True)

    def forward(self, images: Tensor) -> Tensor:
        made: Tensor = self.encoder(images.flatten(2).transpose(1, 2).reshape(len(images), 8, 24))
        return made.mean(dim=1)


@queries
def fused_attention(model: nn.Module, given: Tensor) -> Tensor:
    torch.manual_seed(3)
    other = Attention().eval()
    with torch.no_grad():
        made: Tensor = other(given) + model(given).sum()
    return made
