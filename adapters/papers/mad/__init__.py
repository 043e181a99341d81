"""Masking adversarial damage (Lee et al. 2022): which weights a network can lose and stay robust.

>>> from adapters.papers.mad import batch_saliency, kept_of, layers_of, put_on
>>> layers = layers_of(model, images)
>>> saliency = batch_saliency(model, layers, adversarial, labels)
>>> put_on(model, kept_of(layers, "mad", 0.9, saliency, seed=0))

Importing this imports no torch, until one of these names is read.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapters.papers.mad.factors import factors_of
    from adapters.papers.mad.layers import layers_of
    from adapters.papers.mad.masks import optimised
    from adapters.papers.mad.pruning import HeldSGD, kept_of, put_on
    from adapters.papers.mad.saliency import added_loss, batch_saliency

__all__ = [
    "HeldSGD",
    "added_loss",
    "batch_saliency",
    "factors_of",
    "kept_of",
    "layers_of",
    "optimised",
    "put_on",
]
_PLACES = {
    "HeldSGD": "pruning",
    "added_loss": "saliency",
    "batch_saliency": "saliency",
    "factors_of": "factors",
    "kept_of": "pruning",
    "layers_of": "layers",
    "optimised": "masks",
    "put_on": "pruning",
}


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
