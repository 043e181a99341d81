"""Two files of counts: every difference, exactly. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bench.cases import Case
from bench.compare import limits, statuses
from bench.compare.limits import Allowed, Facts
from bench.compare.matching import Matched
from bench.compare.values import Finding, Judgement
from bench.compare.words import amount, relative
from bench.records.types import CountsRecord
from bench.statistics.counts import Counts
from semibackward_bench.grammar import counted, form

MOST_KINDS = 4
"""Kinds of operations that a sentence names."""


@dataclass(frozen=True)
class Quantity:
    """One thing that is counted.

    Attributes:
        metric: what --fail-if calls it.
        name: what it is, in words.
        unit: of its values.
        value: of a variant; None where it could not be counted.
        said: the difference, in words, from the counts then and now.
    """

    metric: str
    name: str
    unit: str
    value: Callable[[Counts], float | None]
    said: Callable[[Counts, Counts, Case], str]


def findings(matched: Matched[CountsRecord], allowed: Allowed) -> Iterable[Finding]:
    """What became of each quantity of each variant of each case that both files have."""
    seen: set[tuple[str, str]] = set()
    for name, (base, new) in zip(matched.names, matched.pairs, strict=True):
        yield from statuses.findings(name, base, new)
        for variant in new.counts:
            if variant not in base.counts or (name, variant) in seen:
                continue  # a baseline that several variants are held against is told once
            seen.add((name, variant))
            facts = limits.facts(new.case, variant)
            for quantity in QUANTITIES:
                yield _finding(name, variant, quantity, base, new, allowed, facts)
            yield from _ways(name, variant, base.counts[variant], new.counts[variant])


def _finding(
    name: str,
    variant: str,
    quantity: Quantity,
    base: CountsRecord,
    new: CountsRecord,
    allowed: Allowed,
    facts: Facts,
) -> Finding:
    then, now = base.counts[variant], new.counts[variant]
    first, second = quantity.value(then), quantity.value(now)
    share = allowed.share(quantity.metric, facts)
    judgement: Judgement = "unchanged"
    said = ""
    if first is None or second is None:
        if first is not second:
            judgement = "inconclusive" if second is None else "told"
            when = "now" if second is None else "before"
            said = f"{quantity.name} could not be counted {when}"
    elif first != second:
        judgement = "improvement" if second < first else "told"
        if second > first * (1 + share) and share != float("inf"):
            judgement = "regression"
        said = quantity.said(then, now, new.case)
    return Finding(
        name,
        variant,
        quantity.metric,
        quantity.name,
        judgement,
        said,
        base=first,
        new=second,
        unit=quantity.unit,
        share=None if share == float("inf") else share,
    )


def _ways(name: str, variant: str, then: Counts, now: Counts) -> Iterable[Finding]:
    """What is done in another way, at no cost that is counted: told, and no regression."""
    if (
        then.calls
        and now.calls
        and then.calls != now.calls
        and _total(then.calls) == _total(now.calls)
    ):
        said = f"it asks for gradients by {_listed(now.calls)} in place of {_listed(then.calls)}"
        yield Finding(name, variant, "gradients", "gradient calls", "told", said)
    for what, first, second in (
        ("forward kernel calls", then.forward_kernels, now.forward_kernels),
        ("backward kernel calls", then.backward_kernels, now.backward_kernels),
        ("values to the host", then.host, now.host),
        ("views", then.views, now.views),
    ):
        if first is None or second is None or first == second:
            continue
        if _total(first) == _total(second) or what == "views":
            said = f"other {what}: {_kinds(first, second)}"
            yield Finding(name, variant, "kernels", f"{what} by kind", "told", said)


def _gradients(then: Counts, now: Counts, case: Case) -> str:
    before = _each(then) if then.parameter_gradients else "none"
    return f"this change makes it compute {_each(now)} ({before} before)"


def _each(counts: Counts) -> str:
    """Parameter gradients in words: of each gradient call, where all compute alike."""
    total, calls = counts.parameter_gradients or 0, counts.computing or 0
    if not total:
        return "no parameter gradients"
    if not calls:
        return f"{counted(total, 'parameter gradient')} a run"
    if total % calls or calls != _total(counts.calls or {}):
        return f"{counted(total, 'parameter gradient')} a run, in {calls} of its gradient calls"
    step = form(calls, "in its one gradient call", f"in each of its {calls} gradient calls")
    return f"{counted(total // calls, 'parameter gradient')} {step}"


def _share_of(what: str, value: Callable[[Counts], float | None]) -> Quantity:
    def said(then: Counts, now: Counts, case: Case) -> str:
        first, second = value(then) or 0, value(now) or 0
        said = f"{what} FLOPs {relative(first, second)} ({amount(first)} → {amount(second)})"
        both = [
            (counts.forward_flops or 0) + (counts.backward_flops or 0) for counts in (then, now)
        ]
        if (second - first) * (both[1] - both[0] - second + first) < 0:
            said += f", and forward and backward together {relative(*both)}"
        return said

    return Quantity("flops", f"{what} FLOPs", "FLOPs", value, said)


def _bytes(what: str, value: Callable[[Counts], float | None]) -> Quantity:
    def said(then: Counts, now: Counts, case: Case) -> str:
        first, second = value(then) or 0, value(now) or 0
        if not first:
            return f"{amount(second)}B {what}, none before"
        return f"{what} {relative(first, second)} ({amount(first)}B → {amount(second)}B)"

    return Quantity("memory", what, "bytes", value, said)


def _images(what: str, value: Callable[[Counts], int | None]) -> Quantity:
    def said(then: Counts, now: Counts, case: Case) -> str:
        first, second = ((value(counts) or 0) / case.passing for counts in (then, now))
        return f"{second:g} {what} {form(second, 'pass', 'passes')} an image ({first:g} before)"

    return Quantity("passes", f"images in {what} passes", "images", value, said)


def _passes(what: str, value: Callable[[Counts], int | None]) -> Quantity:
    def said(then: Counts, now: Counts, case: Case) -> str:
        return f"{counted(value(now), f'{what} call')} a run ({value(then)} before)"

    return Quantity("passes", f"{what} calls", "calls", value, said)


def _kernels(
    metric: str, one: str, what: str, value: Callable[[Counts], Mapping[str, int] | None]
) -> Quantity:
    def said(then: Counts, now: Counts, case: Case) -> str:
        first, second = value(then) or {}, value(now) or {}
        change = _total(second) - _total(first)
        more = "more" if change > 0 else "fewer"
        told = counted(abs(change), f"{more} {one}", f"{more} {what}")
        return f"{told} ({_kinds(first, second)})"

    def total(counts: Counts) -> float | None:
        found = value(counts)
        return None if found is None else _total(found)

    return Quantity(metric, what, "calls", total, said)


QUANTITIES = (
    Quantity(
        "gradients",
        "parameter gradients",
        "gradients",
        lambda c: c.parameter_gradients,
        _gradients,
    ),
    _images("forward", lambda c: c.forward_images),
    _images("backward", lambda c: c.backward_images),
    _passes("forward", lambda c: c.forward_calls),
    _passes("backward", lambda c: c.backward_calls),
    _share_of("forward", lambda c: c.forward_flops),
    _share_of("backward", lambda c: c.backward_flops),
    _bytes("saved for the backward pass", lambda c: c.saved),
    _bytes("of .grad buffers", lambda c: c.gradients),
    _kernels("kernels", "forward kernel call", "forward kernel calls", lambda c: c.forward_kernels),
    _kernels(
        "kernels", "backward kernel call", "backward kernel calls", lambda c: c.backward_kernels
    ),
    _kernels("host", "value handed to the host", "values handed to the host", lambda c: c.host),
)


def _total(kinds: Mapping[str, int]) -> int:
    return sum(kinds.values())


def _kinds(first: Mapping[str, int], second: Mapping[str, int]) -> str:
    """What differs by kind, most first."""
    change = Counter(second)
    change.subtract(first)
    found = sorted(
        ((number, name) for name, number in change.items() if number),
        key=lambda pair: (-abs(pair[0]), pair[1]),
    )
    told = [f"{name} {number:+d}" for number, name in found[:MOST_KINDS]]
    more = len(found) - len(told)
    return ", ".join([*told, counted(more, "other kind")] if more else told)


def _listed(calls: Mapping[str, int]) -> str:
    return " and ".join(f"{number} × {kind}" for kind, number in calls.items())
