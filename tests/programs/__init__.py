"""Ways to write an attack, each a small program: what an instrument may not change.

A program is called with a model and images, (batch, 3, 8, 8), and returns a tensor; it runs from
torch's seed 0. Its name is what is special about it.
"""

import pytest
import torch

from tests.programs import calling, compiling
from tests.programs.base import GRADIENT, QUERIES, Program, images, network

__all__ = ["PROGRAMS", "QUERIES", "Program", "available", "calling", "compiling"]
__all__ += ["images", "network"]

PROGRAMS = {**GRADIENT, **QUERIES}
NEEDS = {
    "mapped_gradients": "func",
    "jacobian": "func",
    "compiled": "compile",
    "compiled_ahead_of_time": "compile",
    "compiled_with_its_loss": "compile",
    "compiled_in_place": "compile",
}
"""What of torch a program needs that older versions lack."""


def available(name: str) -> Program:
    """A program by its name; the test is skipped where this torch is too old for it."""
    if not hasattr(torch, NEEDS.get(name, "rand")):
        pytest.skip(f"this torch has no torch.{NEEDS[name]}")
    return PROGRAMS[name]
