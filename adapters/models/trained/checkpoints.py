"""What a training goes on from: its weights and the optimizer's state."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from adapters.models.trained import files
from adapters.models.weights import safetensors

_TOLD = "told"
_NETWORK, _OPTIMIZER = "network.", "optimizer."


@dataclass
class Told:
    """What is known of a training so far; a checkpoint's metadata.

    Attributes:
        network, data, classes, seed, recipe: what is trained; of another it can't go on.
        losses: mean loss of each epoch.
        seconds: wall seconds of each epoch.
    """

    network: str
    data: str
    classes: int
    seed: int
    recipe: str
    losses: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def who(self) -> str:
        """What is trained, in words."""
        return f"{self.network} on {self.data}, seed {self.seed}, recipe {self.recipe}"


@dataclass(frozen=True)
class Checkpoint:
    """What a file holds.

    Attributes:
        told: what is known of the training.
        network: its state dict.
        optimizer: of each parameter that it has a state of, by number, what that is, by name.
    """

    told: Told
    network: dict[str, Tensor]
    optimizer: dict[int, dict[str, Tensor]]


def write(file: Path, told: Told, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Write one, in the place of what is there.

    Raises:
        AdapterError: it can't be written.
    """
    tensors = {f"{_NETWORK}{name}": value for name, value in network.state_dict().items()}
    for number, kept in optimizer.state_dict()["state"].items():
        found = {name: value for name, value in kept.items() if value is not None}
        tensors |= {f"{_OPTIMIZER}{number}.{name}": v for name, v in found.items()}
    metadata = {_TOLD: json.dumps(asdict(told))}
    files.write(file, safetensors().torch.save(on_cpu(tensors), metadata=metadata))


def read(file: Path, network: nn.Module, epochs: int) -> Checkpoint:
    """Read one.

    Args:
        file: a checkpoint.
        network: that is trained; its weights stay as they are.
        epochs: of the whole training.

    Raises:
        ValueError: it is damaged, or fits another network.
    """
    try:
        with safetensors().safe_open(str(file), framework="pt") as opened:
            told = Told(**json.loads(opened.metadata()[_TOLD]))
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except Exception as error:  # whatever safetensors says of a file that is none
        raise ValueError(type(error).__name__) from error
    state = _below(tensors, _NETWORK)
    if _shapes(state) != _shapes(network.state_dict()):
        raise ValueError("its weights are not the network's")
    if not 0 < len(told.losses) < epochs:
        raise ValueError(f"it is after epoch {len(told.losses)} of {epochs}")
    optimizer: dict[int, dict[str, Tensor]] = {}
    for name, value in _below(tensors, _OPTIMIZER).items():
        number, _, what = name.partition(".")
        optimizer.setdefault(int(number), {})[what] = value
    return Checkpoint(told, state, optimizer)


def on_cpu(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Each with memory of its own, as safetensors wants it."""
    return {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def _shapes(state: dict[str, Tensor]) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in state.items()}
