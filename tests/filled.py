"""Records in which every field has a value, made from their types."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any

from bench.cases import OfKind
from bench.kinds import registry
from bench.records import parsing

WAYS = ("original", "semi-backward", "a", "b")
"""What records have an entry for."""
_SET = {
    "baseline": WAYS[0],
    "variant": WAYS[1],
    "evaluation": {"attack": "pgd", "eps": 0.03, "step_size": 0.01},
}
"""Fields that can't hold anything."""
_KNOWN = {"space": "projection", "norm": "linf", "defence": "sap-100-fast", "criterion": "mad"}
"""The same, inside of a line."""
_NUMBER = 2


def filled_lines(text: str) -> list[dict[str, Any]]:
    """A line of every kind and, where it has a case, of every kind of workload, as JSON.

    Args:
        text: what every field that may hold any text holds, and every name in a mapping.
    """
    lines = parsing.line_types(tuple(registry.names()))
    found = []
    for name, made in lines.items():
        kinds = [kind for kind in registry.every() if name in kind.lines] or registry.every()
        for kind in kinds if name != "environment" else kinds[:1]:
            line = {"schema": 2, **filled(made, text, kind.name), "kind": name}
            line = {**line, **{n: value for n, value in _SET.items() if n in line}}
            if "case_id" in line:
                line["case_id"] += kind.name  # a file answers each question once
            if "answer" in line:
                line["answer"]["case_id"] += kind.name
            found.append(line)
    return sorted(found, key=lambda line: line["kind"] != "environment")


def filled(made: Any, text: str, kind: str) -> Any:
    """JSON of a type.

    Args:
        made: a dataclass, or the type of one of its fields.
        text: as of `filled_lines`.
        kind: the kind of workload that it is of.
    """
    origin, inner = typing.get_origin(made), typing.get_args(made)
    if origin in (typing.Union, types.UnionType):
        # What can be a number or text is text, and what can be missing is there.
        options = [one for one in inner if one is not type(None)]
        return filled(str if str in options else options[0], text, kind)
    if origin is typing.Literal:
        return inner[0]
    if origin is typing.Annotated:
        return filled(inner[0], text, kind)
    if origin in (list, tuple) or (origin and issubclass(origin, typing.Sequence)):
        if origin is tuple and inner[-1] is not Ellipsis:
            return [filled(one, text, kind) for one in inner]
        # Three sides of an image, three blocks; of times two for each block.
        return [filled(inner[0], text, kind)] * (6 if inner[0] is float else 3)
    if origin is dict or (origin and issubclass(origin, typing.Mapping)):
        told = {
            name: filled(inner[1], text, kind)
            for name in ("version", "call", "call a", "call b", "unit")
        }
        # What may be a number or a text is a number where it is a variant's.
        several = typing.get_origin(inner[1]) in (typing.Union, types.UnionType)
        numbers = [one for one in typing.get_args(inner[1]) if several and one in (int, float)]
        way = filled(numbers[0] if numbers else inner[1], text, kind)
        return {**told, **dict.fromkeys((*WAYS, text), way)}
    if dataclasses.is_dataclass(made):
        if isinstance(made, type) and issubclass(made, OfKind) and OfKind in made.__bases__:
            return filled(made.known[kind], text, kind) if kind in made.known else None
        hints = typing.get_type_hints(made, include_extras=True)
        found = {f.name: filled(hints[f.name], text, kind) for f in dataclasses.fields(made)}
        if isinstance(faults := found.get("faults"), dict):
            found["faults"] = {way: 2 * numbers for way, numbers in faults.items()}  # of samples
        found |= {name: value for name, value in _KNOWN.items() if name in found}
        if "recovery" in found and "images" in found:  # as much of each as there are images
            found = {n: v[:_NUMBER] if isinstance(v, list) else v for n, v in found.items()}
        if "percent" in found:  # a share
            found |= {"percent": 0.5}
        if "quantiles" in found:  # at each of eleven places
            found |= {"quantiles": 11 * found["quantiles"][:1]}
        if "bins" in found:  # one has all images
            found |= {"bins": found["bins"][:1], "error": 0.5}
        return found
    simple: dict[Any, Any] = {str: text, int: _NUMBER, float: 1.5, bool: True}
    return simple[made]
