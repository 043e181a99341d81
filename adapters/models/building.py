"""Build a model by name: random weights from a seed, timm's pretrained ones, or a file's.

A dynamic network is built as it is: its output has its gates beside its logits, which
`adapters.models.outputs` finds.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from adapters.base import AdapterError, LibraryUnavailable, quiet
from adapters.models import catalogue, cifar
from adapters.models import weights as loading
from adapters.models.catalogue import Llama, WideResNetSize
from adapters.models.trained import building as trained_building
from adapters.models.trained import catalogue as trained

RESIDUAL_GAIN = 0.2
"""What stands for a zero-initialised gain; see `_wake_residual_branches`."""


def build(
    name: str,
    image_size: int | tuple[int, int],
    *,
    seed: int,
    pretrained: bool = False,
    weights: Path | None = None,
    classes: int | None = None,
) -> nn.Module:
    """Build a model in eval mode on the CPU, every parameter requiring a gradient.

    Args:
        name: a timm model name, a pretrained tag allowed, or one of ours, with or without a
            recipe.
        image_size: side of the square images, or their height and width, in pixels; models made for
            one size are built for it.
        seed: seed of the random weights.
        pretrained: let timm load, and if need be download, its weights.
        weights: a state dict, as a safetensors file or one that torch.load reads with
            weights_only=True.
        classes: number of classes; None for the model's own, or as many as the weights have.

    Raises:
        LibraryUnavailable: timm, or what else it is made with, can't be imported.
        AdapterError: the weights can't be read or do not fit the model, or there are none, or it is
            not made for such images.
    """
    if trained.is_known(name):
        _without_pretrained(name, pretrained)
        return trained_building.of_size(name, image_size, classes, seed, weights)
    own = catalogue.own(name)
    # It takes longer to import than torch, and some of ours have nothing of it.
    timm: Any = None if isinstance(own, WideResNetSize | Llama) else _import_timm()
    state = None if weights is None else loading.read(weights)
    with quiet():
        if own is not None:
            _without_pretrained(name, pretrained)
            torch.manual_seed(seed)
            model = cifar.build(name, classes)
        else:
            options: dict[str, Any] = {"pretrained": pretrained}
            if classes is not None:
                options["num_classes"] = classes
            config = _config(name, timm)
            if config.get("fixed_input_size") and image_size not in (_side(config), _sides(config)):
                options["img_size"] = image_size
            if state is not None:
                options.update(_class_count(config, state))
            torch.manual_seed(seed)
            model = timm.create_model(name, **options)
    if state is not None:
        assert weights is not None
        loading.load(model, state, weights, name, "give --classes")
    elif not pretrained:
        _wake_residual_branches(model)
    return model.eval().requires_grad_(True)


def image_size(name: str) -> int:
    """The side of the images that a model was made for, in pixels.

    Raises:
        LibraryUnavailable: timm can't be imported.
    """
    if trained.is_known(name):
        return trained.network(name).size
    if catalogue.own(name) is not None:
        return cifar.SIZE
    return _side(_config(name, _import_timm()))


def preload() -> None:
    """Import what most models need, where it is installed; where not, `build` says so."""
    with contextlib.suppress(LibraryUnavailable):
        _import_timm()


def _without_pretrained(name: str, pretrained: bool) -> None:
    """Raises:
    AdapterError: published weights are asked for, of a model of ours.
    """
    if pretrained:
        raise AdapterError(f"{name} comes without weights; give a file with --weights")


def _import_timm() -> Any:
    try:
        with quiet():
            import timm
    except ImportError as error:
        raise LibraryUnavailable("timm", error, "timm") from error
    return timm


def _config(name: str, timm: Any) -> dict[str, Any]:
    """timm's facts about a model: an object since timm 0.8, a dictionary before."""
    found = timm.models.get_pretrained_cfg(name)
    return dict(found.to_dict() if hasattr(found, "to_dict") else found or {})


def _side(config: dict[str, Any]) -> int:
    return int(config["input_size"][-1])


def _sides(config: dict[str, Any]) -> tuple[int, ...]:
    return tuple(config["input_size"][1:])


def _class_count(config: dict[str, Any], state: dict[str, Tensor]) -> dict[str, int]:
    """The number of classes the weights were trained for, where it can be told."""
    head = config.get("classifier")
    found = {loading.bare(key): value for key, value in state.items()}
    weight = found.get(f"{head}.weight") if isinstance(head, str) else None
    return {} if weight is None else {"num_classes": weight.shape[0]}


def _wake_residual_branches(model: nn.Module) -> None:
    """Give zero-initialised normalisation gains a small value.

    timm starts the last gain of each residual branch at zero, so with random weights no gradient
    would reach a branch: its kernels would run on zeros, which is faster on some GPUs and would
    let an equality check pass for want of numbers.
    """
    for module in model.modules():
        weight = getattr(module, "weight", None)
        if isinstance(weight, nn.Parameter) and weight.ndim == 1 and not weight.any():
            nn.init.constant_(weight, RESIDUAL_GAIN)
