"""Stochastic activation pruning (Dhillon et al. 2018), its rivals, and attacks on all of them.

>>> from adapters.papers.sap import sap
>>> with sap(model, percent=100):
...     logits = model(images)

Importing this imports no torch, until one of these names is read.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapters.papers.sap.defending import Defended, defended, sap

__all__ = ["Defended", "defended", "sap"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.defending"), name)
