"""Networks for images of 3×32×32, as the papers on adversarial training use them.

Wide ResNets (Zagoruyko and Komodakis 2016) and ResNets with a 3×3 stem (He et al. 2016, section
4.2); timm has neither. And a small Llama, see `adapters.models.llama`.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from adapters.models import catalogue, llama
from adapters.models.classifiers.wide import WideResNet

SIZE = 32
"""Side of the images, in pixels."""


def build(name: str, classes: int | None) -> nn.Module:
    """Build one by its name, with weights from torch's current random state.

    Args:
        name: one that `catalogue.own` knows.
        classes: number of classes; 10 if None.

    Raises:
        LibraryUnavailable: what it is made with can't be imported.
    """
    parsed = catalogue.own(name)
    assert parsed is not None  # the caller has asked
    if isinstance(parsed, catalogue.WideResNetSize):
        return WideResNet(classes or 10, units=parsed.units, width=parsed.width)
    if isinstance(parsed, catalogue.Llama):
        return llama.build(classes)
    import timm

    model: Any = timm.create_model(parsed.timm_name, num_classes=classes or 10)
    model.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(model.conv1.weight, mode="fan_out", nonlinearity="relu")
    model.maxpool = nn.Identity()
    found: nn.Module = model
    return found
