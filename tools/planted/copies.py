"""Copies of the attack in one package, before and after: a module for each copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.planted import package
from tools.planted.changes import BASE, CHANGES, DISTRIBUTION, UNCHANGED, Change

BEFORE, AFTER = "before", "after"
"""The folders of the two packages."""

_CALLER = """\
from {module} import pgd


def attack(model, images, labels):
    return pgd(model, images, labels)
"""


@dataclass(frozen=True)
class Copy:
    """One copy of the attack.

    Attributes:
        number: of the copy, from 0.
        change: what is planted in it after.
    """

    number: int
    change: Change

    @property
    def module(self) -> str:
        return f"planted_{self.number:02}"

    @property
    def attack(self) -> str:
        """What --attack is given; it calls the copy of whichever package is there."""
        return f"copy_{self.number:02}.py:attack"


def copies(unchanged: int) -> list[Copy]:
    """A copy for each change, then so many without one."""
    changes = [*CHANGES, *[UNCHANGED] * unchanged]
    return [Copy(number, change) for number, change in enumerate(changes)]


def write(folder: Path, found: Sequence[Copy]) -> None:
    """Write both packages, and what calls their copies."""
    texts = {BEFORE: [BASE] * len(found), AFTER: [copy.change.text() for copy in found]}
    for name, own in texts.items():
        modules = {
            f"{copy.module}/__init__.py": text for copy, text in zip(found, own, strict=True)
        }
        package.write(folder / name, DISTRIBUTION, "1.0", modules)
    for copy in found:
        file = folder / copy.attack.partition(":")[0]
        file.write_text(_CALLER.format(module=copy.module), encoding="utf-8")
