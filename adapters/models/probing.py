"""Whether a user's model can be attacked along its gradient, and where its logits are.

Looked at in two passes over a few images, before anything is measured; what is refused is refused
with what was seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from adapters.base import AdapterError, UnsupportedSettings
from adapters.models import outputs
from adapters.models.custom import spelt
from adapters.models.outputs import Logits
from semibackward_bench.grammar import counted

FEW = 2
"""Images that are enough to look."""
_FEWEST_CLASSES = 2


@dataclass(frozen=True)
class Probed:
    """A user's model that can be attacked.

    Attributes:
        model: images (N, C, H, W) to logits (N, classes); what the user built itself, or around it.
        classes: how many logits it gives an image.
        remarks: what a record says of it.
    """

    model: nn.Module
    classes: int
    remarks: tuple[str, ...]


def probe(model: nn.Module, images: Tensor, who: str) -> Probed:
    """Run it forward and backward.

    Args:
        model: in eval mode, on the images' device.
        images: (N, C, H, W), in [0, 1].
        who: the model in words, for errors.

    Raises:
        AdapterError: it can't be run on them, or not be attacked; with the reason that was seen.
    """
    few = images[:FEW].detach().clone()
    try:
        output = _forward(model, few)
    except Exception as error:
        if len(images) <= FEW:
            raise _falls_over(model, few, who, error) from error
        few = images.detach().clone()  # perhaps it takes batches of one length only
        try:
            output = _forward(model, few)
        except Exception as again:
            raise _falls_over(model, few, who, again) from again
    place = outputs.place(output, len(few))
    if place is None:
        raise UnsupportedSettings(
            f"{who} returns {_kind(output)}; an attack needs logits, a tensor of (images, classes),"
            " or an output that has one"
        )
    logits = output if place.take is None else place.take(output)
    classes = _classes(logits, len(few), who)
    remarks = [place.said] if place.said else []
    if not _gradient(model, logits, few, who).any():
        remarks.append(
            "the gradient of the model's logits is zero at every pixel of the images looked at"
        )
    found = model if place.take is None else Logits(model, place.take).eval()
    return Probed(found, classes, tuple(remarks))


def _forward(model: nn.Module, images: Tensor) -> Any:
    """The output for images that require a gradient; it may change in place what it is given."""
    images.requires_grad_(True)
    with torch.enable_grad():
        return model(images * 1)


def _falls_over(model: nn.Module, images: Tensor, who: str, error: Exception) -> AdapterError:
    """Why it can't take the images, as far as other tries tell."""
    if _takes(model, images.detach()):
        return UnsupportedSettings(
            f"{who} can't be attacked: it runs without gradients alone, and with them it raises"
            f" {spelt(error)}"
        )
    integers = images.detach().long()
    if _takes(model, integers) or _takes(model, integers.flatten(1)):
        return UnsupportedSettings(
            f"{who} can't be attacked: it takes integers, and no gradient reaches those"
        )
    shape = "x".join(map(str, images.shape[1:]))
    return AdapterError(
        f"{who} fails on {counted(len(images), 'image')} of {shape}:"
        f" {spelt(error)}; if it takes others, name their shape, as --input 1x28x28"
    )


def _takes(model: nn.Module, given: Tensor) -> bool:
    """Whether it runs on that without gradients."""
    try:
        with torch.no_grad():
            model(given.clone())
    except Exception:
        return False  # whatever it says, the first error is the one to tell
    return True


def _kind(output: object) -> str:
    if output is None:
        return "None"
    name = type(output).__name__
    if isinstance(output, dict):
        return f"{outputs.a(name)} of {', '.join(map(str, output)) or 'nothing'}"
    return outputs.a(name)


def _classes(logits: Tensor, images: int, who: str) -> int:
    """How many there are.

    Raises:
        UnsupportedSettings: they are no logits.
    """
    shape = "×".join(map(str, logits.shape)) or "one number"
    given = f"{who} returns {shape} for {counted(images, 'image')}"
    if not logits.is_floating_point():
        raise UnsupportedSettings(
            f"{who} returns {logits.dtype}, where attacks need logits, floating-point numbers"
        )
    if (logits.ndim == 2 and logits.shape[1] < _FEWEST_CLASSES) or logits.shape == (images,):
        raise UnsupportedSettings(
            f"{given}: one value an image, where attacks need a logit for each class; for two"
            " classes return torch.stack([torch.zeros_like(z), z], 1) of that value z"
        )
    if logits.ndim != 2 or logits.shape[0] != images:
        raise UnsupportedSettings(f"{given}, where attacks need logits, ({images}, classes)")
    if not torch.isfinite(logits).all():
        raise UnsupportedSettings(
            f"{who} returns logits that are not all finite; look at its weights, and at --dtype"
        )
    return int(logits.shape[1])


def _gradient(model: nn.Module, logits: Tensor, images: Tensor, who: str) -> Tensor:
    """Of a sum of the logits that weighs each class otherwise, by the images.

    Raises:
        UnsupportedSettings: none reaches them.
    """
    found = None
    if logits.requires_grad:
        weights = torch.arange(1, logits.shape[1] + 1, device=logits.device, dtype=logits.dtype)
        try:
            (found,) = torch.autograd.grad((logits * weights).sum(), images, allow_unused=True)
        except RuntimeError as error:
            raise AdapterError(
                f"{who} can't be attacked: its backward pass raises {spelt(error)}"
            ) from error
    if found is None:
        why = _cut(model, logits, images)
        raise UnsupportedSettings(
            f"{who} can't be attacked: no gradient reaches its images, for {why}"
        )
    return found


def _cut(model: nn.Module, logits: Tensor, images: Tensor) -> str:
    """What keeps the gradient from the images, as far as it can be seen."""
    if hasattr(logits, "is_inference") and logits.is_inference():
        return "its forward pass runs in inference mode"
    blind: list[str] = []

    def look(module: nn.Module, _: Any) -> None:
        if not torch.is_grad_enabled():
            blind.append(type(module).__name__)

    parts = [part for part in model.modules() if part is not model]
    handles = [
        part.register_forward_pre_hook(look)
        for part in parts
        if not isinstance(part, torch.jit.ScriptModule)  # takes no hooks
    ]
    try:
        _forward(model, images.detach().clone())
    finally:
        for handle in handles:
            handle.remove()
    if blind:
        return f"its forward pass turns gradients off where it calls {blind[0]} (torch.no_grad)"
    if logits.requires_grad:
        return "a detach(), numpy or an integer is on the way, though its logits have a graph"
    return "its logits come without a graph: no_grad, a detach() or numpy is on the way"
