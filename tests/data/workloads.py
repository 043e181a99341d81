"""Workloads as users write them, that can be measured and that can't, for `--workload`."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


class Actor(nn.Sequential):
    """(N, 4) to (N, 3)."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))


class Critic(nn.Sequential):
    """(N, 3) to (N, 1)."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))


def parts(batch: int = 4) -> tuple[Actor, Critic, torch.optim.Optimizer, Tensor]:
    """An actor, a critic, the actor's optimizer, and what the actor is shown."""
    actor, critic = Actor(), Critic()
    optimizer = torch.optim.SGD(actor.parameters(), lr=0.1, momentum=0.9)
    return actor, critic, optimizer, torch.randn(batch, 4)


def stepping(actor: nn.Module, critic: nn.Module, optimizer: Any, seen: Tensor) -> Any:
    """One step of the actor, to what the critic likes."""

    def step() -> Tensor:
        optimizer.zero_grad()
        loss = -critic(actor(seen)).mean()
        loss.backward()
        optimizer.step()
        made: Tensor = loss.detach()
        return made

    return step


def setup(batch: int = 4, seed: int = 0) -> dict[str, Any]:
    """As it should be."""
    torch.manual_seed(seed)
    actor, critic, optimizer, seen = parts(batch)
    call = stepping(actor, critic, optimizer, seen)
    return {
        "call": call,
        "foreign": [critic],
        "state": [actor, optimizer],
        "after": lambda: {"first": actor[0].weight, "batch": batch},
    }


def changed(**told: Any) -> dict[str, Any]:
    """The same with some of it otherwise; without what is `...`."""
    found = {**setup(), **told}
    return {name: value for name, value in found.items() if value is not ...}


class Told:
    """The same, as an object with attributes, that toggles."""

    def __init__(self) -> None:
        self.actor, self.critic, optimizer, seen = parts()
        self.call = stepping(self.actor, self.critic, optimizer, seen)
        self.foreign = self.critic
        self.state = [self.actor, optimizer]
        self.toggled = True


def batched(batch: int) -> dict[str, Any]:
    return setup(batch)


def activations() -> dict[str, Any]:
    """Reads the gradient of what is inside, as Grad-CAM does; freezing alone breaks it."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    images = torch.randn(2, 4)

    def cam(given: Tensor) -> list[Any]:
        kept: list[Tensor] = []
        handle = network[0].register_forward_hook(lambda _, __, output: kept.append(output))
        score = network(given)[:, 0].sum()
        handle.remove()
        (gradient,) = torch.autograd.grad(score, kept)
        return [kept[0].detach().numpy(), gradient, {"score": score.item(), "of": "a class"}]

    return {
        "call": lambda: cam(images),
        "foreign": network,
        "frozen_call": lambda: cam(images.clone().requires_grad_()),
    }


def broken_by_freezing() -> dict[str, Any]:
    return {**activations(), "frozen_call": None}


def image() -> dict[str, Any]:
    """An image that is trained, as in style transfer; momentum is kept for each step."""
    torch.manual_seed(0)
    network, picture = Critic(), torch.randn(5, 3, requires_grad=True)
    optimizer = torch.optim.Adam([picture], lr=0.1)
    network(picture).sum().backward()
    optimizer.step()

    def step() -> None:
        optimizer.zero_grad()
        network(picture).square().mean().backward()
        optimizer.step()

    return {"call": step, "foreign": network, "state": [picture, optimizer]}


def normed() -> dict[str, Any]:
    """A foreign network whose buffers move, and a generator of the user's own."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))
    drawing = torch.Generator().manual_seed(3)
    leaf = torch.randn(6, 3, requires_grad=True)

    def step() -> Tensor:
        shaken = leaf + torch.randn(6, 3, generator=drawing)
        network(shaken).sum().backward()
        return shaken.detach()

    return {"call": step, "foreign": network, "state": [drawing, leaf]}


def shared() -> dict[str, Any]:
    """A state that holds the foreign network too."""
    actor, critic, optimizer, seen = parts()
    policy = nn.ModuleDict({"actor": actor, "critic": critic})
    step = stepping(actor, critic, optimizer, seen)
    return {"call": step, "foreign": critic, "state": [policy, optimizer]}


def two_critics() -> dict[str, Any]:
    """An actor's step through the lesser of two critics."""
    actor, first, optimizer, seen = parts()
    second = Critic()

    def step() -> None:
        optimizer.zero_grad()
        actions = actor(seen)
        (-torch.minimum(first(actions), second(actions)).mean()).backward()
        optimizer.step()

    return {"call": step, "foreign": [first, second], "state": [actor, optimizer]}


def scaled_by_freezing() -> dict[str, Any]:
    """Does something else where the network is frozen."""
    actor, critic, _, seen = parts()

    def step() -> Tensor:
        factor = 1 + next(critic.parameters()).requires_grad
        made: Tensor = critic(actor(seen)).sum() * factor
        return made

    return {"call": step, "foreign": critic, "state": actor}


# What can't be measured, and what it is told.


def raises() -> None:
    raise ValueError("no such file")


def ends() -> None:
    raise SystemExit(3)


def needs_more(config: str, batch: int = 2) -> None:
    """Takes what nobody gives."""


def nothing() -> None:
    """Forgets to return."""


def a_tensor() -> Tensor:
    return torch.zeros(3)


def a_function() -> Callable[[], None]:
    return nothing


def without_call() -> Any:
    return changed(call=...)


def without_foreign() -> Any:
    return changed(foreign=...)


def call_is_no_function() -> Any:
    return changed(call=3)


def call_takes_more() -> Any:
    return changed(call=lambda batch: batch)


def foreign_is_empty() -> Any:
    return changed(foreign=[])


def foreign_is_a_name() -> Any:
    return changed(foreign=["critic"])


def foreign_has_no_parameters() -> Any:
    return changed(foreign=nn.ReLU())


def foreign_is_frozen() -> Any:
    return changed(foreign=Critic().requires_grad_(False))


def misspelt() -> Any:
    return changed(foriegn=Critic())


def state_is_a_number() -> Any:
    return changed(state=[Actor(), 3])


def after_is_a_tensor() -> Any:
    return changed(after=torch.zeros(2))


def toggled_is_a_word() -> Any:
    return changed(toggled="yes")


def other_network() -> Any:
    return changed(foreign=Critic())


def trained() -> Any:
    """The step trains what is called foreign, too."""
    actor, critic, _, seen = parts()
    optimizer = torch.optim.SGD([*actor.parameters(), *critic.parameters()], lr=0.1)
    step = stepping(actor, critic, optimizer, seen)
    return {"call": step, "foreign": critic, "state": [actor, optimizer]}


def trained_by_hand() -> Any:
    """The same with an update that passes over what has no gradient."""
    actor, critic, _, seen = parts()

    def step() -> None:
        critic(actor(seen)).mean().backward()
        with torch.no_grad():
            for each in (*actor.parameters(), *critic.parameters()):
                if each.grad is not None:
                    each.sub_(0.1 * each.grad)

    return {"call": step, "foreign": critic, "state": [actor, critic]}


def its_own_network() -> Any:
    """The network that is trained is called foreign."""
    actor, critic, optimizer, seen = parts()
    step = stepping(actor, critic, optimizer, seen)
    return {"call": step, "foreign": [actor, critic], "state": [actor, optimizer]}


def reads() -> Any:
    """Reads the gradients that nobody should read."""
    actor, critic, _, seen = parts()

    def step() -> Tensor:
        critic(actor(seen)).mean().backward()
        norm = torch.stack([each.grad.norm() for each in critic.parameters()]).sum()  # type: ignore[union-attr]
        critic.zero_grad()
        return norm

    return {"call": step, "foreign": critic, "state": [actor]}


def state_is_left_out() -> Any:
    return changed(state=...)


def counts() -> Any:
    """What it returns depends on how often it was called."""
    number = itertools.count()
    found = setup()
    step = found["call"]
    return {**found, "call": lambda: [step(), next(number)]}


def returns_a_network() -> Any:
    found = setup()
    step = found["call"]
    return {**found, "call": lambda: [step(), found["foreign"][0]]}


def not_finite() -> Any:
    actor, critic, optimizer, seen = parts()
    step = stepping(actor, critic, optimizer, seen * float("nan"))
    return {"call": step, "foreign": critic, "state": [actor, optimizer]}


def call_raises() -> Any:
    def step() -> None:
        raise KeyError("replay buffer")

    return changed(call=step)
