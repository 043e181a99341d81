"""torchattack: one class per attack, gradients by `loss.backward()` in most; made for transfer.

Many of its attacks put hooks on the model's layers, or layers in the place of others, when they are
made, and leave them there. Those are made anew at each run, and the model is put back after it.

Where they want a layer by name, and know one for a few networks only, they get the convolution in
the middle: the layers that they know are in the middle too.

ATT, BFA and NAA ask for gradients of images that require none: with frozen parameters nothing does,
and PyTorch raises. Such images require one then, by torchattack's own `normalize`. DeepFool sets
`requires_grad` on what it is given, and gets a copy.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from adapters import starting_points
from adapters.base import UnsupportedSettings
from adapters.declared import Build, DeclaredAdapter, Request
from adapters.libraries.declared.torchattack import ATTACKS, LEFT_OUT

if TYPE_CHECKING:
    from torch import Tensor, nn

    from adapters.base import AttackFunction

SIDE = 224
"""Of the images that some attacks are made for."""
TWELVE = range(12)


def _made(request: Request, **more: object) -> Any:
    import torch

    device = torch.device(request.settings.device)
    return request.make(request.model, device=device, **request.keywords, **more)


@contextlib.contextmanager
def _put_back(model: nn.Module) -> Iterator[None]:
    """What an attack puts on a model's modules, or in their place, is gone afterwards."""
    before = [(module, dict(module.__dict__), _held(module)) for module in model.modules()]
    try:
        yield
    finally:
        for module, attributes, held in before:
            module.__dict__.clear()
            module.__dict__.update(attributes)
            for name, values in held.items():
                attributes[name].clear()
                attributes[name].update(values)


def _held(module: nn.Module) -> dict[str, dict[Any, Any]]:
    """Copies of a module's hooks, and of what it is made of."""
    return {
        name: dict(value)
        for name, value in vars(module).items()
        if isinstance(value, dict) and name.startswith("_")
    }


def _hooked(request: Request, **more: object) -> AttackFunction:
    def run(images: Tensor, labels: Tensor) -> Tensor:
        with _put_back(request.model):
            adversarial: Tensor = _made(request, **more)(images, labels)
            return adversarial.detach()

    return run


def _at_a_layer(request: Request) -> AttackFunction:
    layer = middle(request.model)
    if layer is None:
        raise _unfit(request, "a model with convolutions")
    return _hooked(request, feature_layer_cfg=layer, normalize=_asking(request.model))


def middle(model: nn.Module) -> str | None:
    """The name of the convolution in the middle of a model; None where it has none.

    Those of a single pixel do not count: what follows some of these works in place, which PyTorch
    allows after no layer with a hook.
    """
    from torch import nn

    found = [
        name
        for name, part in model.named_modules()
        if isinstance(part, nn.Conv2d) and max(part.kernel_size) > 1
    ]
    return found[len(found) // 2] if found else None


def _asking(model: nn.Module) -> Any:
    """Images as they are, but requiring a gradient where nothing else of the model does."""

    def normalize(images: Tensor) -> Tensor:
        if images.requires_grad or any(part.requires_grad for part in model.parameters()):
            return images
        return images.detach().requires_grad_()

    return normalize


def _on_resnets(request: Request) -> AttackFunction:
    if not all(hasattr(request.model, name) for name in ("maxpool", "layer3", "layer4")):
        raise _unfit(request, "a ResNet")
    return _hooked(request, hook_cfg="resnet")


def _skip_gradients(request: Request) -> AttackFunction:
    """It asks for the network's name, of which it reads the family and, of ResNets, the depth."""
    names = [name for name, _ in request.model.named_modules()]
    if "layer1.0" in names:
        kind = "resnet50" if "layer1.0.conv3" in names else "resnet18"
    elif any("denselayer" in name for name in names):
        kind = "densenet121"
    else:
        raise _unfit(request, "a ResNet or DenseNet")
    return _hooked(request, hook_cfg=kind)


def _on_transformers(request: Request) -> AttackFunction:
    names = {name for name, _ in request.model.named_modules()}
    wanted = {f"blocks.{n}.{part}" for n in TWELVE for part in ("attn.attn_drop", "mlp", "norm2")}
    square = request.settings.input_shape[1:] == (SIDE, SIDE)
    if not wanted <= names or not square:
        raise _unfit(request, f"a ViT of timm with twelve blocks, and images of {SIDE}x{SIDE}")
    return _hooked(request, normalize=_asking(request.model))


def _spectrum(request: Request) -> AttackFunction:
    if request.settings.input_shape != (3, SIDE, SIDE):
        raise _unfit(request, f"images of 3x{SIDE}x{SIDE}")
    return _detached(_made(request))


def _deepfool(request: Request) -> AttackFunction:
    attacker = _made(request)
    return lambda images, labels: attacker(images.clone(), labels)


def _geoda(request: Request) -> AttackFunction:
    """It draws noise until all images are fooled, for ever if none fools the model, and keeps the
    directions it goes in the library's folder: here it is given both."""
    import torch

    channels, height, width = request.settings.input_shape
    if channels != 3 or height != width:
        raise _unfit(request, "square images of three channels")
    start = starting_points.find(request.model, request.settings)
    attacker = _made(request)
    attacker.find_random_adversarial = lambda images, labels: (start(labels), 1)
    directions = torch.from_numpy(cosines(attacker.sub_dim, height))
    attacker.sub_basis = directions.to(request.settings.device)
    return _detached(attacker)


def cosines(frequencies: int, side: int) -> Any:
    """What GeoDA calculates one value at a time, and keeps: a basis of a discrete cosine transform.

    Args:
        frequencies: how many, in each direction.
        side: of the images.

    Returns:
        of float32, (side², frequencies²).
    """
    import numpy

    size = max(side, frequencies)
    waves = numpy.arange(frequencies)[:, None]
    places = 2 * numpy.arange(side)[None, :] + 1
    found = numpy.sqrt(2 / size) * numpy.cos(places * waves * numpy.pi / (2 * size))
    found[0] = numpy.sqrt(1 / size)
    basis = numpy.einsum("vy,ux->yxuv", found, found).reshape(side**2, frequencies**2)
    return basis.astype(numpy.float32)


def _unfit(request: Request, wanted: str) -> UnsupportedSettings:
    return UnsupportedSettings(f"torchattack {request.attack} is for {wanted} alone")


def _detached(attacker: AttackFunction) -> AttackFunction:
    """What the attack gives, which still requires a gradient, without one."""
    return lambda images, labels: attacker(images, labels).detach()


class Torchattack(DeclaredAdapter):
    """PGD does exactly `steps` forward and backward passes."""

    name = "torchattack"
    distribution = "torchattack"
    modules = ("torchattack",)
    table = ATTACKS
    left_out = LEFT_OUT
    builders: ClassVar[Mapping[str, Build]] = {
        **dict.fromkeys(("BFA", "DANAA", "DR", "FIA", "ILPD", "NAA"), _at_a_layer),
        **dict.fromkeys(("ATT", "PNAPatchOut", "TGR", "VDC"), _on_transformers),
        "BPA": _on_resnets,
        "DeepFool": _deepfool,
        "FDA": _hooked,
        "GeoDA": _geoda,
        "SGM": _skip_gradients,
        "SSA": _spectrum,
    }

    def build_usual(self, request: Request) -> AttackFunction:
        return _detached(_made(request))
