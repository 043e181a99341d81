"""What the stages of a pruning leave on disk, so that each goes on from the last.

Files are safetensors, with metadata that tell what they are and a digest of the bytes, as those of
trained networks; one that is damaged, or of another network, is told in a line.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from adapters.base import AdapterError
from adapters.models.trained import checkpoints, files
from adapters.models.weights import MASK, safetensors
from adapters.papers.mad.pruning import Kept
from semibackward_bench.grammar import counted

SCORES, PRUNED = "saliency", "pruned network"
"""Under which a file's metadata has what it is."""
_MOMENTUM = "momentum."
_STATE = "momentum_buffer"


@dataclass
class Scores:
    """What is known of a network's saliency so far.

    Attributes:
        of: what it is of, in words that another network, or another setting, would not share.
        batches: that are summed up.
        every: how many there are to be.
        seconds: of each stage, by the wall.
    """

    of: str
    batches: int = 0
    every: int = 1
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass
class Pruned:
    """What is known of a pruned network so far.

    Attributes:
        of: as `Scores` has it; the network, the criterion and how it is trained on.
        epochs: of training, to be made.
        layers: of each layer, its name, how many weights it has, and how many stay.
        losses: mean loss of each epoch that is made.
        seconds: of each stage, by the wall.
    """

    of: str
    epochs: int
    layers: list[tuple[str, int, int]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        return len(self.losses) >= self.epochs


T = TypeVar("T", Scores, Pruned)


def write_scores(file: Path, told: Scores, sums: Mapping[str, Tensor]) -> None:
    """Put sums of saliency in their place.

    Args:
        file: to write.
        told: what they are.
        sums: of each layer, by name, (rows, columns).

    Raises:
        AdapterError: it can't be written.
    """
    _write(file, SCORES, asdict(told), dict(sums))


def read_scores(file: Path, of: str) -> tuple[Scores, dict[str, Tensor]] | None:
    """What is there; None where nothing is.

    Raises:
        AdapterError: it is damaged, or of something else.
    """
    return _read(file, SCORES, Scores, of)


def scores_in(file: Path) -> tuple[Scores, dict[str, Tensor]]:
    """A whole saliency: what it is of, and its sums.

    Raises:
        AdapterError: it is not there, damaged, or not all of it has been summed up.
    """
    told, sums = _loaded(file, SCORES, Scores)
    if told.batches < told.every:
        there = counted(told.every, "batch", "batches")
        raise AdapterError(f"{file} has {told.batches} of {there}: score to the end")
    return told, sums


def write_pruned(
    file: Path,
    told: Pruned,
    network: nn.Module,
    kept: Kept,
    optimizer: torch.optim.Optimizer | None,
) -> None:
    """Put a pruned network in its place: its state dict, and beside it the masks, as uint8 under
    their parameter's name with `_mask` behind it, as `torch.nn.utils.prune` calls them.

    Args:
        file: to write.
        told: what it is.
        network: its zeros in place.
        kept: what stays of its parameters.
        optimizer: that trains it on; None where that is done.

    Raises:
        AdapterError: it can't be written.
    """
    tensors = dict(network.state_dict())
    tensors |= {f"{name}{MASK}": mask.to(torch.uint8) for name, mask in kept.items()}
    if optimizer is not None:
        for number, state in optimizer.state_dict()["state"].items():
            if state.get(_STATE) is not None:
                tensors[f"{_MOMENTUM}{number}"] = state[_STATE]
    _write(file, PRUNED, asdict(told), tensors)


def read_pruned(
    file: Path, of: str, network: nn.Module, optimizer: torch.optim.Optimizer | None
) -> Pruned | None:
    """Bring a network, and what trains it on, to where the file has them; None where there is none.

    Raises:
        AdapterError: it is damaged, or of something else.
    """
    found = _read(file, PRUNED, Pruned, of)
    if found is None:
        return None
    told, tensors = found
    names = network.state_dict().keys()
    try:
        network.load_state_dict({n: t for n, t in tensors.items() if n in names})
        if optimizer is not None:
            kept = optimizer.state_dict()
            momentum = {
                int(name.removeprefix(_MOMENTUM)): {_STATE: value}
                for name, value in tensors.items()
                if name.startswith(_MOMENTUM)
            }
            optimizer.load_state_dict({**kept, "state": momentum})
    except (RuntimeError, ValueError, KeyError) as error:
        raise AdapterError(f"{file} does not fit the network: remove it") from error
    return told


def masks_in(file: Path) -> dict[str, Tensor]:
    """The masks of a pruned network: of each parameter, by name, bool, what stays.

    Raises:
        AdapterError: it is damaged, or no pruned network.
    """
    _, tensors = _loaded(file, PRUNED, Pruned)
    return {
        name.removesuffix(MASK): value.bool()
        for name, value in tensors.items()
        if name.endswith(MASK) and value.dtype == torch.uint8
    }


def digest(tensors: Mapping[str, Tensor]) -> str:
    """Of values, bit for bit, with their names."""
    found = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        found.update(name.encode())
        flat = value.detach().cpu().contiguous().flatten()
        found.update(flat.view(torch.uint8).numpy().tobytes())
    return found.hexdigest()[:16]


def _write(file: Path, key: str, told: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    held = checkpoints.on_cpu(tensors)
    metadata = files.metadata(key, told, safetensors().torch.save(held))
    files.write(file, safetensors().torch.save(held, metadata=metadata))


def _read(file: Path, key: str, kind: type[T], of: str) -> tuple[T, dict[str, Tensor]] | None:
    if not file.exists():
        return None
    told, tensors = _loaded(file, key, kind)
    if told.of != of:
        raise AdapterError(
            f"{file} is of {told.of}, not of {of}: remove it, or name another folder with"
            " --networks"
        )
    return told, tensors


def _loaded(file: Path, key: str, kind: type[T]) -> tuple[T, dict[str, Tensor]]:
    wrong = files.fault(file, key, lambda found: kind(**json.loads(found[key])))
    if wrong is not None:
        raise AdapterError(f"{wrong}; remove it")
    metadata, _ = files.parts(file)
    told = kind(**json.loads(metadata[key]))
    return told, dict(safetensors().torch.load_file(file))
