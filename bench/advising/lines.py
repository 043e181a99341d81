"""What to paste behind the lines that build a model. Pure."""

from __future__ import annotations

from bench.variants import naming


def to_paste(variant: str, device: str) -> tuple[str, ...]:
    """Lines of Python that put a user's `model` into a variant's state, for good.

    Args:
        variant: by its name.
        device: torch's name of the device that the model is on.
    """
    parts = naming.parts_of(variant)
    found = tuple(line for part in parts for line in part.lines(device))
    needed = any("torch." in line for line in found)
    return (*(("import torch", "") if needed else ()), *found)
