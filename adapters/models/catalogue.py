"""The names of timm's models, read from its source so that neither timm nor torch is imported."""

from __future__ import annotations

import functools
import importlib.util
import re
from pathlib import Path

_REGISTERED = re.compile(r"^@register_model\s*\ndef\s+(\w+)", re.MULTILINE)


@functools.cache
def timm_names() -> tuple[str, ...]:
    """The names of all models timm registers, sorted; empty where timm is not installed."""
    found = importlib.util.find_spec("timm")
    if found is None or found.origin is None:
        return ()
    names: set[str] = set()
    for path in Path(found.origin).parent.joinpath("models").rglob("*.py"):
        names.update(_REGISTERED.findall(path.read_text(encoding="utf-8")))
    return tuple(sorted(names))


def is_known(name: str) -> bool:
    """Whether timm has this model; a pretrained tag may follow, as in resnet50.a1_in1k."""
    return name.partition(".")[0] in timm_names()
