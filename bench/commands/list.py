"""`python -m bench list`: what can be asked for. Imports neither torch nor any library."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from adapters import registry
from adapters.base import AdapterError
from adapters.models import catalogue
from adapters.papers.methods import METHODS
from bench.cases import VARIANTS
from bench.choosing import suites
from bench.commands.arguments import TOPICS
from bench.errors import UsageError
from bench.words import closest


def listing(topic: str | None) -> str:
    """The text for one topic, or for all of them with the models counted.

    Raises:
        UsageError: there is no such topic.
    """
    if topic is None:
        parts = [f"{name}:\n{_indent(_TEXTS[name]())}" for name in TOPICS if name != "models"]
        count = len(catalogue.timm_names())
        parts.append(f"models:\n  {count} of timm: python -m bench list models")
        return "\n\n".join(parts)
    if topic not in TOPICS:
        raise UsageError(f"list: unknown topic {topic!r}{closest(topic, TOPICS)}")
    return _TEXTS[topic]()


def _libraries() -> str:
    rows = []
    for name in registry.names():
        try:
            adapter = registry.get(name)
        except AdapterError as error:
            rows.append((name, "broken", str(error)))
            continue
        version = registry.version(adapter)
        install = f"python -m pip install {adapter.distribution}"
        rows.append((name, version or "not installed", "" if version else install))
    return _columns(rows)


def _attacks() -> str:
    rows = [("library", "attack", "norm", "access", "gradient call", "steps", "source")]
    remarks: list[str] = []
    for name in registry.names():
        try:
            adapter = registry.get(name)
            offered = adapter.attacks()
        except AdapterError:
            continue  # `list libs` tells why
        rows += [
            (name, attack, i.norm, i.access, i.gradient_call, str(i.default_steps), i.source)
            for attack, i in offered.items()
        ]
        for attack, info in offered.items():
            if info.broken is not None:
                remarks.append(f"{name} {attack}: broken upstream: {info.broken}")
            if info.lacks:
                remarks.append(f"{name} {attack}: python -m pip install {' '.join(info.lacks)}")
            remarks += [
                f"{name} {attack}: exempt from {promise!r}: {reason}"
                for promise, reason in info.exempt.items()
            ]
        remarks += [
            f"{name} {source}: not offered: {reason}" for source, reason in adapter.left_out.items()
        ]
    return "\n".join([_columns(rows), *([""] if remarks else []), *remarks])


def _training() -> str:
    inside = {"library": "any library's", "own": "its own", "none": "-"}
    rows = [("method", "source", "attack inside", "theory: 1 step, 7, 20")]
    for name, method in METHODS.items():
        if method.inside == "none":
            theory = "1.00"
        elif method.one_step:
            theory = f"{method.theory(1):.2f}"
        else:
            theory = ", ".join(f"{method.theory(steps):.2f}" for steps in (1, 7, 20))
        rows.append((name, method.source, inside[method.inside], theory))
    return _columns(rows)


def _models() -> str:
    lines = [
        "ours, for images of 3x32x32 (any wrn_DEPTH_WIDTH of 6n + 4 or 6n + 2 layers):",
        *catalogue.OWN,
        "timm's:"
        if catalogue.timm_names()
        else "timm is not installed: python -m pip install timm",
        *catalogue.timm_names(),
    ]
    return "\n".join(lines)


def _variants() -> str:
    return _columns(VARIANTS.items())


def _suites() -> str:
    return _columns((name, suites.load(name).description) for name in suites.names())


_TEXTS: dict[str, Callable[[], str]] = {
    "libs": _libraries,
    "attacks": _attacks,
    "training": _training,
    "models": _models,
    "variants": _variants,
    "suites": _suites,
}


def _columns(rows: Iterable[Sequence[str]]) -> str:
    rows = list(rows)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))
