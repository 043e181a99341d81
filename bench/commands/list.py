"""`list`: what can be asked for. Imports neither torch nor any library."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from adapters import registry
from adapters.base import AdapterError
from adapters.models import catalogue
from adapters.models.classifiers import catalogue as classifiers
from adapters.models.dynamic import catalogue as dynamic
from bench import console, layout, program, telling
from bench.choosing import suites
from bench.commands import codes, install
from bench.errors import UsageError
from bench.kinds import registry as kinds
from bench.variants import naming
from bench.variants.base import ANY
from bench.words import closest, columns

_SET_IN = 2
"""Columns by which a topic's text is set in where there are several."""
_OWN_MODEL = "--models FILE.py:NAME or package.module:NAME"


def add(parser: argparse.ArgumentParser) -> None:
    """Fill in the parser of `list`."""
    parser.add_argument("topic", nargs="?", metavar="TOPIC", help=", ".join(_texts()))


def run(parsed: argparse.Namespace, words: list[str], started: float) -> int:
    """Do it; the exit code."""
    console.out(listing(parsed.topic))
    return codes.DONE


def listing(topic: str | None) -> str:
    """The text for one topic, or for all of them with the models counted.

    Raises:
        UsageError: there is no such topic.
    """
    texts = _texts()
    if topic is None:
        parts = [f"{name}:\n{_indent(text())}" for name, text in texts.items() if name != "models"]
        count = len(catalogue.timm_names())
        told = f"{count} of timm: {program.command('list', 'models')}"
        parts.append(f"models:\n  {told}\n  your own: {_OWN_MODEL}")
        return "\n\n".join(parts)
    if topic not in texts:
        raise UsageError(f"list: unknown topic {topic!r}{closest(topic, texts)}")
    return texts[topic]()


def _libraries() -> str:
    rows = []
    for name in registry.names():
        try:
            adapter = registry.get(name)
        except AdapterError as error:
            rows.append((name, "broken", str(error)))
            continue
        if adapter.apart:
            rows.append((name, *install.told(adapter)))
            continue
        version = registry.version(adapter)
        rows.append((name, version or "not installed", "" if version else adapter.installing))
    return columns(rows, console.width() - _SET_IN)


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
            if info.fault is not None:
                remarks.append(f"{name} {attack}: broken upstream: {info.fault}")
            if info.lacks:
                remarks.append(f"{name} {attack}: python -m pip install {' '.join(info.lacks)}")
            remarks += [
                f"{name} {attack}: exempt from {promise!r}: {reason}"
                for promise, reason in info.exempt.items()
            ]
        remarks += [
            f"{name} {source}: not offered: {reason}" for source, reason in adapter.left_out.items()
        ]
    said = [layout.broken(telling.line(each), console.width() - _SET_IN, "  ") for each in remarks]
    return "\n".join([columns(rows), *([""] if said else []), *said])


def _models() -> str:
    lines = [
        f"your own: {_OWN_MODEL}",
        "ours, for images of 3x32x32 (any wrn_DEPTH_WIDTH of 6n + 4 or 6n + 2 layers; llama_small"
        " takes patches of 8x8 for tokens, with transformers):",
        *catalogue.OWN,
        "classifiers with a recipe of a paper:",
        *classifiers.NETWORKS,
        "dynamic ones, whose work depends on the image:",
        *dynamic.NETWORKS,
        "timm's:"
        if catalogue.timm_names()
        else "timm is not installed: python -m pip install timm",
        *catalogue.timm_names(),
    ]
    return "\n".join(lines)


def _variants() -> str:
    rows = [*naming.WHOLE.items()]
    for name, part in naming.PARTS.items():
        where = "" if part.devices == ANY else f"; on {' and '.join(part.devices)}"
        level = "the same examples" if part.promises else "examples at the level that is found"
        rows.append((name, f"{part.told}{where} ({level})"))
    table = columns(rows, console.width() - _SET_IN)
    return f"{table}\nseveral at once: joined with {naming.JOINT}, as channels-last+semi-backward"


def _suites() -> str:
    told = ((name, suites.load(name).description) for name in suites.names())
    return columns(told, console.width() - _SET_IN)


def _texts() -> dict[str, Callable[[], str]]:
    """What makes the text of each topic; a kind's own stand behind the attacks."""
    texts = {"libs": _libraries, "attacks": _attacks}
    for kind in kinds.every():
        texts.update(kind.topics)
    return {**texts, "models": _models, "variants": _variants, "suites": _suites}


def _indent(text: str) -> str:
    return "\n".join(f"{' ' * _SET_IN}{line}" for line in text.split("\n"))
