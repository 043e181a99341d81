"""Whether a model, ours or a user's, is a dynamic network that can be attacked, by what it does.

The protocol. A dynamic network is an `nn.Module` in evaluation mode that takes images (N, C, H, W)
in [0, 1] and returns, by these names or in this order,

- `logits`, (N, classes);
- `gates`, (N, G): a gating value for each of its G optional units, floating-point numbers in
  [0, 1], of which at least 0.5 means that the unit is executed for that image. A gradient must lead
  from them to the images, so they are what the network decides by, before it is rounded;
- `flops`, (N,): how many operations each image has cost, a multiplication and an addition being
  two; no gradient is needed;
- `exits`, (N, E, classes), only of a network with early exits: the logits of each, the last too.

The output may be a named tuple, a dataclass, a dictionary or any object that has these, or a plain
tuple of three or four. Two attributes of the module say the rest: `gate_flops`, (G,), what each
optional unit costs; and `static_flops`, a number, what one image costs with every unit executed.

One image without gradients should skip for real: that is what is timed where operations are
compared with time. In a batch, what an image skips may be computed, as long as it does not reach
that image's logits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from adapters.base import AdapterError, UnsupportedSettings
from adapters.models.custom import spelt
from adapters.models.dynamic.base import Gated
from adapters.models.dynamic.reading import PAGE, dtype, kind, reader, shape
from semibackward_bench.grammar import counted

ROUNDING = 1e-4
"""How far beyond its bounds a gate, or a share of the operations, may be by rounding."""


@dataclass(frozen=True)
class Dynamic:
    """A dynamic network that keeps to the protocol.

    Attributes:
        gate_flops: (G,), float64, what each optional unit costs; on the images' device.
        static_flops: of one image with every unit executed.
        classes: of its logits.
        read: from what the model returns to its parts, `flops` as float64 without a gradient.
    """

    gate_flops: Tensor
    static_flops: float
    classes: int
    read: Callable[[Any], Gated]


def look(model: nn.Module, images: Tensor, who: str) -> Dynamic:
    """Run it on images, without gradients and with them.

    Args:
        model: in eval mode, on the images' device.
        images: (N, C, H, W), in [0, 1].
        who: the model in words, for errors.

    Returns:
        what is known of it.

    Raises:
        AdapterError: it fails on the images.
        UnsupportedSettings: it does not keep to the protocol; with what was seen.
    """
    given = images.detach().clone()
    with torch.no_grad():
        output = _output(model, given, who)
    if not torch.equal(given, images):
        raise UnsupportedSettings(
            f"{who} changes in place the images that it is given; let it work on a copy"
        )
    read = reader(output, who)
    made = read(output)
    classes = _check_logits(made.logits, len(images), who)
    _check_gates(made.gates, len(images), who)
    gate_flops = _gate_flops(model, made.gates, who)
    static_flops = _static_flops(model, who)
    _check_flops(made.flops, static_flops, len(images), who)
    if made.exits is not None:
        _check_exits(made.exits, (len(images), classes), who)
    _check_gradient(model, images, read, who)
    return Dynamic(gate_flops.to(images.device), static_flops, classes, read)


def _output(model: nn.Module, images: Tensor, who: str) -> Any:
    try:
        return model(images)
    except Exception as error:
        of = "x".join(map(str, images.shape[1:]))
        raise AdapterError(
            f"{who} fails on {counted(len(images), 'image')} of {of}: {spelt(error)}"
        ) from error


def _check_logits(logits: Tensor, count: int, who: str) -> int:
    """The number of classes.

    Raises:
        UnsupportedSettings: they are no logits of these images.
    """
    if logits.ndim != 2 or len(logits) != count or not logits.is_floating_point():
        raise UnsupportedSettings(
            f"{who} returns logits of {shape(logits)}, {dtype(logits)}, for"
            f" {counted(count, 'image')}; they must be ({count}, classes), floating-point"
        )
    if not bool(torch.isfinite(logits).all()):
        raise UnsupportedSettings(
            f"{who} returns logits that are not all finite; look at its weights, and at --dtype"
        )
    return int(logits.shape[1])


def _check_gates(gates: Tensor, count: int, who: str) -> None:
    """Raises:
    UnsupportedSettings: they are no gates of these images.
    """
    if gates.ndim == 2 and len(gates) == count and gates.shape[1] == 0:
        raise UnsupportedSettings(
            f"{who} has no gates: its `gates` are of {shape(gates)}; see {PAGE}"
        )
    if gates.ndim != 2 or len(gates) != count or not gates.is_floating_point():
        raise UnsupportedSettings(
            f"{who} returns gates of {shape(gates)}, {dtype(gates)}, for"
            f" {counted(count, 'image')}; they must be ({count}, number of gates), floating-point:"
            " the values from 0 to 1 that it decides by"
        )
    wrong = ~((gates >= -ROUNDING) & (gates <= 1 + ROUNDING))  # so that nan is wrong as well
    if bool(wrong.any()):
        image, gate = (int(place) for place in wrong.nonzero()[0])
        raise UnsupportedSettings(
            f"{who} has a gate outside [0, 1]: gate {gate} is {float(gates[image, gate]):.6g} for"
            f" image {image}, counted from 0; let it return what it decides by, brought to [0, 1]"
            " so that 0.5 is the threshold"
        )


def _gate_flops(model: nn.Module, gates: Tensor, who: str) -> Tensor:
    """What each costs, (G,), float64.

    Raises:
        UnsupportedSettings: that is not told, or not for these gates.
    """
    told = getattr(model, "gate_flops", None)
    if told is None:
        raise UnsupportedSettings(
            f"{who} has no attribute `gate_flops`: set it to a tensor of"
            f" {counted(gates.shape[1], 'number')},"
            " what each gate's unit costs"
        )
    try:
        found = torch.as_tensor(told, dtype=torch.float64).detach()
    except (TypeError, ValueError, RuntimeError) as error:
        raise UnsupportedSettings(
            f"{who} has `gate_flops` that are no numbers ({spelt(error)}); set it to a tensor"
        ) from error
    if found.shape != gates.shape[1:]:
        raise UnsupportedSettings(
            f"{who} has `gate_flops` of {shape(found)}, where its gates are of {shape(gates)};"
            f" it must be {counted(gates.shape[1], 'number')}, one for each gate"
        )
    wrong = ~(torch.isfinite(found) & (found >= 0))
    if bool(wrong.any()):
        gate = int(wrong.nonzero()[0])
        raise UnsupportedSettings(
            f"{who} has `gate_flops` of {float(found[gate]):g} for gate {gate}; they must be"
            " finite, and not negative"
        )
    if not bool(found.any()):
        raise UnsupportedSettings(
            f"{who} has `gate_flops` that are all 0, so that no gate costs anything; tell what each"
            " gate's unit costs"
        )
    return found


def _static_flops(model: nn.Module, who: str) -> float:
    """Raises:
    UnsupportedSettings: that is not told, or no positive number.
    """
    told = getattr(model, "static_flops", None)
    if told is None:
        raise UnsupportedSettings(
            f"{who} has no attribute `static_flops`: set it to what one image costs with every unit"
            " executed"
        )
    try:
        found = float(told)
    except (TypeError, ValueError, RuntimeError):
        found = math.nan
    if not (found > 0 and math.isfinite(found)):
        said = f"{told:g}" if isinstance(told, int | float) else kind(told)
        raise UnsupportedSettings(
            f"{who} has `static_flops` of {said}; it must be a number above 0: what one image costs"
            " with every unit executed"
        )
    return found


def _check_flops(flops: Tensor, static_flops: float, count: int, who: str) -> None:
    """Raises:
    UnsupportedSettings: they are not what these images can have cost.
    """
    if flops.shape != (count,):
        raise UnsupportedSettings(
            f"{who} returns flops of {shape(flops)} for {counted(count, 'image')}; they must be"
            f" ({count},), what each image has cost"
        )
    sound = torch.isfinite(flops) & (flops >= 0)
    if not bool(sound.all()):
        image = int((~sound).nonzero()[0])
        raise UnsupportedSettings(
            f"{who} returns flops of {float(flops[image]):g} for image {image}; they must be"
            " finite, and not negative"
        )
    most = float(flops.max())
    if most > static_flops * (1 + ROUNDING):
        raise UnsupportedSettings(
            f"{who} returns flops of {most:.6g}, above its `static_flops` of {static_flops:.6g},"
            " which an image costs with every unit executed; mend the one or the other"
        )


def _check_exits(exits: Tensor, expected: tuple[int, int], who: str) -> None:
    """Raises:
    UnsupportedSettings: they are no logits of exits.
    """
    count, classes = expected
    sound = exits.ndim == 3 and (len(exits), exits.shape[2]) == expected
    if not sound or not exits.shape[1] or not exits.is_floating_point():
        raise UnsupportedSettings(
            f"{who} returns exits of {shape(exits)}, {dtype(exits)}, for"
            f" {counted(count, 'image')}; they must be ({count}, number of exits, {classes}),"
            " floating-point, or left out"
        )


def _check_gradient(
    model: nn.Module, images: Tensor, read: Callable[[Any], Gated], who: str
) -> None:
    """Raises:
    AdapterError: it fails where gradients are asked for.
    UnsupportedSettings: none leads from the gates to the images.
    """
    leaf = images.detach().clone().requires_grad_(True)
    with torch.enable_grad():
        gates = read(_output(model, leaf * 1, who)).gates
        found = None
        if gates.requires_grad:
            try:
                (found,) = torch.autograd.grad(gates.sum(), leaf, allow_unused=True)
            except RuntimeError as error:
                raise AdapterError(
                    f"{who} can't be attacked: the backward pass from its gates raises"
                    f" {spelt(error)}"
                ) from error
    if found is None:
        raise UnsupportedSettings(
            f"{who} can't be attacked: no gradient leads from its gates to the images; return the"
            " values it decides by, not what came of comparing them, and not detached"
        )
