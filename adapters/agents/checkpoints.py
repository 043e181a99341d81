"""What a training of an agent goes on from, and what is left of it when it is over."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from adapters.agents import kept
from adapters.agents.kept import Agent
from adapters.agents.network import QNetwork
from adapters.agents.replay import Array, Replay
from adapters.base import AdapterError
from adapters.models.trained import files
from adapters.models.trained.checkpoints import on_cpu
from adapters.models.weights import safetensors

_NETWORK, _TARGET, _OPTIMIZER, _REPLAY = "network.", "target.", "optimizer.", "replay."


@dataclass(frozen=True)
class State:
    """All that changes in a training.

    Attributes:
        network: that learns.
        target: the copy that its targets are taken from.
        optimizer: of the network.
        replay: what it learns from.
    """

    network: nn.Module
    target: nn.Module
    optimizer: torch.optim.Optimizer
    replay: Replay


def write(file: Path, agent: Agent, state: State) -> None:
    """Write a checkpoint, in the place of what is there.

    Raises:
        AdapterError: it can't be written.
    """
    tensors = _named(_NETWORK, state.network.state_dict())
    tensors |= _named(_TARGET, state.target.state_dict())
    for number, values in state.optimizer.state_dict()["state"].items():
        found = {name: torch.as_tensor(v) for name, v in values.items() if v is not None}
        tensors |= _named(f"{_OPTIMIZER}{number}.", found)
    packed = {name: torch.from_numpy(v.copy()) for name, v in state.replay.packed().items()}
    _write(file, agent, tensors | _named(_REPLAY, packed))


def write_network(file: Path, agent: Agent, network: nn.Module) -> None:
    """Write the weights of an agent, once it is trained.

    Raises:
        AdapterError: they can't be written.
    """
    _write(file, agent, network.state_dict())


def read(file: Path, state: State) -> None:
    """Take a checkpoint that is whole into a training.

    Raises:
        ValueError: it fits another training; the state is then of no use.
    """
    tensors = _tensors(file)
    values: dict[int, dict[str, Tensor]] = {}
    for name, value in _below(tensors, _OPTIMIZER).items():
        number, _, what = name.partition(".")
        values.setdefault(int(number), {})[what] = value
    packed: dict[str, Array] = {n: value.numpy() for n, value in _below(tensors, _REPLAY).items()}
    try:
        state.network.load_state_dict(_below(tensors, _NETWORK))
        state.target.load_state_dict(_below(tensors, _TARGET))
        known = state.optimizer.state_dict()
        state.optimizer.load_state_dict({**known, "state": values})
        state.replay.unpack(packed)
    except (RuntimeError, KeyError, ValueError) as error:
        raise ValueError(f"{file} is no checkpoint of such a training") from error


def load(file: Path) -> QNetwork:
    """The network of a trained agent, in evaluation mode.

    Raises:
        AdapterError: the file can't be used.
    """
    network = QNetwork(kept.facts(file).actions)
    try:
        network.load_state_dict(_tensors(file))
    except RuntimeError as error:
        raise AdapterError(f"{file} has no agent's weights: remove it") from error
    return network.eval()


def _write(file: Path, agent: Agent, tensors: dict[str, Tensor]) -> None:
    own = on_cpu(tensors)
    metadata = kept.told(agent, safetensors().torch.save(own))
    files.write(file, safetensors().torch.save(own, metadata=metadata))


def _tensors(file: Path) -> dict[str, Tensor]:
    found: dict[str, Tensor] = safetensors().torch.load_file(str(file))
    return found


def _named(prefix: str, tensors: dict[str, Any]) -> dict[str, Tensor]:
    return {f"{prefix}{name}": value for name, value in tensors.items()}


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
