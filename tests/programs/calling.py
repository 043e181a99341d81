"""Ways to call a model, and copies of it."""

from __future__ import annotations

import copy
import io
import pickle
import threading
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import weight_norm

from tests.programs.base import Network, by_backward, by_grad, gradient, loss, queries


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

    def keep(_: nn.Module, __: object, found: Any) -> None:
        kept.append(torch.cat([one.flatten() for one in found]))

    handle = model.get_submodule("stem").register_full_backward_hook(keep)
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
def data_parallel(model: nn.Module, given: Tensor) -> Tensor:
    return by_backward(nn.DataParallel(model), given)


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
    moved: Tensor = given + logits.mean(dim=1)[:, None, None, None].clone()
    return moved


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
    logits: Tensor = model(given).detach()
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
