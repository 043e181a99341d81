"""What both workers of a pair found before timing, as one comparison. Pure."""

from __future__ import annotations

from typing import Any

from bench.cases import A_A, BASELINE, RIVAL

Answer = dict[str, Any]


def merged(a: Answer, b: Answer, equality: Answer) -> Answer:
    """What both sides found before timing, as the one comparison that it is. Pure.

    Args:
        a, b: what each side's worker prepared, the original against itself.
        equality: of one side's output with the other's.
    """
    told = {
        **a,
        "equality": equality,
        "theory": None,
        "unequal": None,
        "anatomy": None,
        "unsuited": None,
        "gradients": None,
        "observed": None,
        "memory": None,
        "memory_parts": None,
        "warnings": _warnings(a, b),
    }
    if a["gradients"] and b["gradients"]:
        told["gradients"] = {
            "parameters": a["gradients"]["parameters"],
            "call": a["gradients"]["call"],
            f"call {RIVAL}": b["gradients"]["call"],
            BASELINE: a["gradients"][BASELINE],
            RIVAL: b["gradients"][BASELINE],
        }
    if a.get("observed") and b.get("observed"):
        told["observed"] = {BASELINE: a["observed"][BASELINE], RIVAL: b["observed"][BASELINE]}
    if a["memory"] and b["memory"]:
        one, other = a["memory"][BASELINE], b["memory"][BASELINE]
        ratio = round(one / other, 4) if other else 1.0
        told["memory"] = {**a["memory"], BASELINE: one, RIVAL: other, "ratio": ratio}
        del told["memory"][A_A]
    if a["memory_parts"] and b["memory_parts"]:
        told["memory_parts"] = {
            BASELINE: a["memory_parts"][BASELINE],
            RIVAL: b["memory_parts"][BASELINE],
        }
    return told


def _warnings(a: Answer, b: Answer) -> list[str]:
    """Each side's own, and those of both once."""
    said: dict[str, list[str]] = {}
    for name, told in (("a", a), ("b", b)):
        for text in [*told["warnings"], *([told["unequal"]] if told["unequal"] else [])]:
            said.setdefault(text, []).append(name)
    return [text if len(names) == 2 else f"{names[0]}: {text}" for text, names in said.items()]
