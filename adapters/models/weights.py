"""A model's weights from a file: unwrapped, their names mended where that makes every one fit."""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from adapters.base import AdapterError, LibraryUnavailable
from semibackward_bench.grammar import counted

WRAPPERS = ("state_dict", "model", "net", "model_state_dict")
"""Under which key a training's checkpoint may have the weights, beside its optimizer and epoch."""
PREFIXES = ("module.", "_orig_mod.", "model.")
"""What DataParallel, torch.compile and Lightning put before a parameter's name."""
TRAINING = "model."
"""What `train` puts before a weight's name in its checkpoints, beside what else it goes on from."""
MASK = "_mask"
"""What `torch.nn.utils.prune`, and what is pruned here, put behind a parameter's name for what
stays of it."""
_DEEPEST = 2
_NAMED = 2
"""Names that an error bears, of each sort."""
_COUNTER = "num_batches_tracked"
"""Of batch norm; older checkpoints lack it, and torch loads them all the same."""


def safetensors() -> Any:
    """The module that reads and writes checkpoints.

    Raises:
        LibraryUnavailable: it is not installed.
    """
    try:
        import safetensors
        import safetensors.torch
    except ImportError as error:
        raise LibraryUnavailable("safetensors", error, "safetensors") from error
    return safetensors


def read(file: Path) -> dict[str, Tensor]:
    """The state dict in a safetensors file, or in one that torch.load reads with weights_only=True.

    Raises:
        AdapterError: there is none that can be loaded safely.
    """
    state = _unwrapped(_loaded(file))
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        held = ", ".join(map(str, list(state)[:6])) if isinstance(state, dict) else ""
        raise AdapterError(
            f"{file} is no state dict (names to tensors)"
            f"{f': it holds {held}' if held else ''}; save model.state_dict()"
        )
    return _without_masks(_of_training(state))


def load(model: nn.Module, state: Mapping[str, Tensor], file: Path, name: str, resize: str) -> None:
    """Load weights into a model, with prefixes of their names left out where then all fit.

    Args:
        model: is changed in place.
        state: as `read` returns it.
        file: where it is from, for errors.
        name: the model's, for errors.
        resize: how it gets another number of classes, for errors; the number follows.

    Raises:
        AdapterError: they do not fit; with names, and what it looks like.
    """
    ours = model.state_dict()
    fitting = _in_our_names(ours, state)
    misfit = _misfit(ours, fitting, resize)
    if misfit:
        raise AdapterError(f"{file} does not fit {name}: {misfit}")
    try:
        model.load_state_dict(fitting)
    except RuntimeError as error:
        said = textwrap.shorten(str(error), 300, placeholder=" ...")
        raise AdapterError(f"{file} does not fit {name}: {said}") from error


def digest(model: nn.Module) -> str:
    """Of all parameters and buffers, bit for bit."""
    found = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        found.update(name.encode())
        found.update(
            value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
        )
    return found.hexdigest()[:16]


def bare(name: str) -> str:
    """A weight's name without the prefixes of what was around its model."""
    name = name.replace("._orig_mod.", ".")  # a part that was compiled by itself
    while (prefix := next(filter(name.startswith, PREFIXES), None)) is not None:
        name = name.removeprefix(prefix)
    return name


def _in_our_names(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The weights by the model's names for them, as far as prefixes make the difference."""
    if _same_names(ours, theirs):
        return theirs
    mine = {bare(name): name for name in ours}
    given = {bare(name): value for name, value in theirs.items()}
    if len(mine) < len(ours) or len(given) < len(theirs):
        return theirs  # two names would become one: the prefix tells them apart
    return {mine.get(name, name): value for name, value in given.items()}


def _loaded(file: Path) -> Any:
    try:
        if file.suffix == ".safetensors":
            return dict(safetensors().torch.load_file(file))
        return torch.load(file, map_location="cpu", weights_only=True)
    except TypeError as error:  # torch < 1.13 has no weights_only
        raise AdapterError(
            f"torch {torch.__version__} can't load {file} safely; use a safetensors file"
        ) from error
    except LibraryUnavailable:
        raise
    except Exception as error:
        # Not in torch's words: they advise to load the file unsafely.
        barred = re.search(r"(?:GLOBAL|global) `?([\w.]+)`? was not an allowed", str(error))
        why = f"it holds {barred[1]}" if barred else type(error).__name__
        raise AdapterError(
            f"{file} holds no weights that can be loaded safely ({why});"
            " give a file made by torch.save(model.state_dict(), FILE), or safetensors"
        ) from error


def _unwrapped(found: Any) -> Any:
    """The state dict in a checkpoint, one wrapper in another included."""
    for _ in range(_DEEPEST):
        if not isinstance(found, dict):
            break
        inner = next((found[key] for key in WRAPPERS if isinstance(found.get(key), dict)), None)
        if inner is None:
            break
        found = inner
    return found


def _of_training(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights in a checkpoint of `train`, without its momentum and perturbation."""
    mine = {name: value for name, value in state.items() if name.startswith(TRAINING)}
    rest = [name for name in state if name not in mine]
    others = all(name.startswith("momentum.") or name == "perturbation" for name in rest)
    return mine if mine and rest and others else state


def _without_masks(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without the masks of parameters that are there themselves, pruned for good."""
    masks = {name for name in state if name.endswith(MASK) and name.removesuffix(MASK) in state}
    return {name: value for name, value in state.items() if name not in masks}


def _same_names(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> bool:
    return not _beyond(ours, theirs) and not _beyond(theirs, ours)


def _beyond(these: Mapping[str, Tensor], those: Mapping[str, Tensor]) -> list[str]:
    """The names that only the first has, but for counters that torch can do without."""
    return [name for name in these if name not in those and not name.endswith(_COUNTER)]


def _misfit(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor], resize: str) -> str:
    """What does not fit, in words; "" if all does."""
    missing, unexpected = _beyond(ours, theirs), _beyond(theirs, ours)
    shaped = {
        name: (tuple(theirs[name].shape), tuple(value.shape))
        for name, value in ours.items()
        if name in theirs and not is_lazy(value) and theirs[name].shape != value.shape
    }
    told = [
        f"it lacks {_few(missing)}" if missing else "",
        f"the model has no {_few(unexpected)}" if unexpected else "",
        f"other shapes: {_few([_unlike(name, *both) for name, both in shaped.items()])}"
        if shaped
        else "",
    ]
    if not any(told):
        return ""
    guess = _guess(ours, missing, unexpected, shaped, resize)
    return f"{'; '.join(filter(None, told))}; it looks like {guess}"


def _unlike(name: str, theirs: tuple[int, ...], ours: tuple[int, ...]) -> str:
    return f"{name} is {_spelt(theirs)}, not {_spelt(ours)}"


def _spelt(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "one number"


def _few(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _guess(
    ours: Mapping[str, Tensor],
    missing: list[str],
    unexpected: list[str],
    shaped: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]],
    resize: str,
) -> str:
    """What weights that do not fit may be."""
    common = len(ours) - len(missing)
    if common < len(ours) / 4:
        return "weights of another model, or ones whose names have another prefix"
    if len(shaped) > len(missing) + len(unexpected) and (missing or unexpected):
        return "weights of a wider or narrower model"
    if missing or unexpected:
        if unexpected and not missing:
            return "weights of a deeper model, or of one with more parts"
        if missing and not unexpected:
            return "weights of a shallower model, or a part of the weights"
        return "weights of a model that is built otherwise, or of another depth"
    layers = {name.rpartition(".")[0] for name in shaped}
    if len(layers) == 1 and all(theirs[1:] == mine[1:] for theirs, mine in shaped.values()):
        theirs, mine = next(iter(shaped.values()))
        return (
            f"weights for {counted(theirs[0], 'class', 'classes')}, where the model has {mine[0]}:"
            f" {resize} {theirs[0]}"
        )
    if len(shaped) == 1:
        theirs, mine = next(iter(shaped.values()))
        if len(theirs) == len(mine) == 4 and theirs[1] != mine[1]:
            return f"weights for images with C = {theirs[1]}, where the model takes C = {mine[1]}"
    return "weights of a wider or narrower model"
