"""A tiny library of attacks: its checkouts, and an installed release of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

NAME = "tinylib"
RELEASED = "1.0"
ATTACK = """
import torch


def pgd(model, images, labels):
    images = images.clone().requires_grad_()
    loss = torch.nn.functional.cross_entropy(model(images), labels)
    (gradient,) = torch.autograd.grad(loss, images)
    return (images + 0.01 * gradient.sign()).clamp(0, 1).detach()
"""


def checkout(folder: Path, files: Mapping[str, str]) -> Path:
    """A folder with the library's package in it, and these files."""
    for name, text in {f"{NAME}/__init__.py": "", **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def installed(folder: Path) -> Path:
    """A folder as pip leaves it with the library's release."""
    told = f"{NAME}-{RELEASED}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {RELEASED}\n"
    record = f"{NAME}/__init__.py,sha256=x,1\n{NAME}/attacks.py,,\n{told}/RECORD,,\n"
    files = {f"{told}/METADATA": metadata, f"{told}/RECORD": record}
    return checkout(folder, {**files, f"{NAME}/attacks.py": ATTACK})
