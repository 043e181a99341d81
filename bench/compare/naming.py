"""What to call the cases of one comparison: in few words, and no two alike. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace

from adapters.custom import LIBRARY as USER
from bench import specs
from bench.cases import AS_BUILT, Case

MOST = 40
"""Characters of a value, where as many tell it from the others."""
_UNASKED = ("library_version", "options")


def names(cases: Sequence[Case]) -> list[str]:
    """A name for each case, none of which is another's.

    It is the workload and the model, and behind them whatever else differs between the cases that
    these leave alike: "torchattacks pgd on resnet18, eps 0.03". Of a user's file it has as much of
    the path as tells it from the others.

    Args:
        cases: that differ from each other.
    """
    attacks = specs.shortest(case.attack for case in cases if case.library == USER)
    models = specs.shortest(case.model for case in cases)
    plain = [
        replace(case, attack=_short(case, attacks), model=models[case.model]) for case in cases
    ]
    alike: dict[str, list[int]] = {}
    for index, case in enumerate(plain):
        on = "" if case.model == AS_BUILT else f" on {case.model}"
        alike.setdefault(f"{case.what}{on}", []).append(index)
    found = dict[int, str]()
    for name, group in alike.items():
        for index, more in zip(group, differing([plain[i] for i in group]), strict=True):
            found[index] = ", ".join([name, *more])
    return [found[index] for index in range(len(cases))]


def differing(cases: Sequence[Case]) -> list[list[str]]:
    """Of each case whatever is not the same in all of them, as "eps 0.03"."""
    known = [facts(case) for case in cases]
    told: list[list[str]] = [[] for _ in cases]
    for fact in dict.fromkeys(fact for one in known for fact in one):
        values = [one.get(fact) for one in known]
        if len(set(map(repr, values))) > 1:
            words = spelt(values)
            for case, value in zip(told, values, strict=True):
                case.append(f"{fact.replace('_', ' ')} {words[repr(value)]}")
    return told


def facts(case: Case) -> dict[str, object]:
    """Everything that was asked of a case, its options included, by name."""
    shared = {
        field.name: getattr(case, field.name)
        for field in fields(case)
        if field.name not in _UNASKED
    }
    return {**shared, **{f.name: getattr(case.options, f.name) for f in fields(case.options)}}


def spelt(values: Iterable[object]) -> Mapping[str, str]:
    """Values in as few words as tell them apart, by their `repr`."""
    known = {repr(value): value for value in values}
    for spell in _SPELLINGS:
        words = {shown: spell(value) for shown, value in known.items()}
        if len(set(words.values())) == len(words):
            return words
    return {shown: shown for shown in known}


def _brief(value: object) -> str:
    text = _whole(value)
    if isinstance(value, float):
        return f"{value:.3g}"
    tail = MOST // 2
    return text if len(text) <= MOST else f"{text[: MOST - tail - 1]}…{text[-tail:]}"


def _whole(value: object) -> str:
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return "on" if value else "off"
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


_SPELLINGS: tuple[Callable[[object], str], ...] = (_brief, _whole)


def _short(case: Case, attacks: Mapping[str, str]) -> str:
    return attacks[case.attack] if case.library == USER else case.attack
