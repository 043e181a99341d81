"""From what was asked to the list of comparisons, with every name checked. Imports no torch."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from adapters import custom
from adapters import registry as libraries
from adapters.base import AdapterError
from bench import program
from bench.cases import A_A, BASELINE, DTYPES, FORWARD_ONLY, Comparison
from bench.choosing import defaults, suites
from bench.choosing.suites import Limits, Suite
from bench.errors import UsageError
from bench.kinds import registry
from bench.kinds.base import Kind
from bench.kinds.group import ALL, Group
from bench.kinds.request import Request, flag
from bench.variants import naming
from bench.words import unknown
from semibackward_bench.grammar import form

SYSTEM_PROCESSES = 8
"""Where memory is as the system gives it, so that both ways a process may go show."""


def check_names(request: Request) -> None:
    """Check what does not depend on the device, before anything slow.

    Raises:
        UsageError: a name is unknown, or a file is missing.
    """
    kinds = registry.every()
    known = list(dict.fromkeys(name for kind in kinds for name in kind.libraries()))
    unknown("library", request.libs, known)
    for name in (*(request.variants or ()), *([request.baseline] if request.baseline else ())):
        naming.canonical(name)
    unknown("dtype", [request.dtype] if request.dtype else None, DTYPES)
    for kind in kinds:
        kind.check_names(request)
    if request.attacks:
        unknown("attack", request.attacks, [ALL, *_attacks(kinds, request.libs)])
    baseline = naming.canonical(request.baseline or BASELINE)
    if request.variants is not None and not _apart(request.variants, baseline):
        raise UsageError(f"--variants names nothing to hold against {baseline}")
    suite = suites.load(request.suite) if request.suite else None
    for kind in [registry.meant(request)] if suite is None else _kinds(suite.groups):
        kind.check_models(request.models or ())
    if request.memory_limit is not None and not request.max_batch_search:
        raise UsageError("--memory-limit is for --max-batch-search; name both")
    if request.weights is not None and not request.weights.is_file():
        raise UsageError(f"--weights {request.weights}: there is no such file")
    try:
        for text in request.own:
            custom.parse(text)
    except AdapterError as error:
        raise UsageError(str(error)) from error


def choose_suite(request: Request, device: str) -> Suite:
    """The suite that was asked for, or that fits the device, with what was given in its place.

    Raises:
        UsageError: there is no such suite, or it names something unknown.
    """
    suite = suites.load(request.suite or registry.meant(request).suite(request, device))
    kinds = registry.every()
    groups: Sequence[Group] = suite.groups
    for kind in kinds:
        groups = kind.regrouped(groups, request, suite.name)
    _check_subjects(suite.name, groups, request.libs or ())
    given_ = tuple(dict.fromkeys(registry.of(group).given(group, request) for group in groups))
    groups = defaults.fitted(given_, request, suite.name)
    for kind in kinds:
        kind.check(request, groups, suite.name)
    _check_options(request, _kinds(groups))
    for group in groups:
        _check_group(suite.name, group)
    given = {f.name: getattr(request, f.name) for f in dataclasses.fields(Limits)}
    said = {name: value for name, value in given.items() if value is not None}
    limits = replace(suite.limits, **said)
    if limits.memory == "system" and request.processes is None:
        limits = replace(limits, processes=max(limits.processes, SYSTEM_PROCESSES))
    remarks = tuple(defaults.remarks(given_, request))
    return replace(suite, groups=groups, limits=limits, remarks=remarks)


def comparisons(
    request: Request, suite: Suite, device: str, note: Callable[[str], object]
) -> list[Comparison]:
    """The product of everything chosen, each once, a library's attacks where it offers them.

    Args:
        request: what was asked.
        suite: what it chose, as `choose_suite` returns it.
        device: torch's name of the device.
        note: told what is left out.

    Raises:
        UsageError: a variant fits none of the attacks.
    """
    for remark in suite.remarks:
        note(remark)
    found: dict[Comparison, None] = {}
    refused: dict[str, list[str]] = {}
    for group in suite.groups:
        kind = registry.of(group)
        for case in kind.cases(group, request, device):
            fitting, baseline = kind.fitting(case), naming.canonical(group.baseline)
            wanted = _apart(group.variants or kind.usual(case), baseline)
            for variant in [*([A_A] if request.a_a else []), *wanted]:
                unfit = [v for v in (baseline, variant) if not naming.fits(v, fitting)]
                if not unfit:
                    found[Comparison(case, variant, baseline)] = None
                else:
                    refused.setdefault(unfit[0], []).append(case.what)
    for variant, what in refused.items():
        _left_out(variant, ", ".join(dict.fromkeys(what)), note, nothing=not found)
    if not found:
        named = dict.fromkeys(name for group in suite.groups for name in group.libs)
        raise UsageError(
            f"nothing to measure: {', '.join(named)} {form(len(named), 'offers', 'offer')} none of"
            f" the attacks asked for; see `{program.command('list', 'attacks')}`"
        )
    return list(found)


def _apart(variants: Iterable[str], baseline: str) -> list[str]:
    """Those that are not the baseline itself, by their one name; the original need not be named."""
    found = dict.fromkeys(map(naming.canonical, variants))
    return [name for name in found if name not in (baseline, BASELINE)]


def _left_out(variant: str, what: str, note: Callable[[str], object], *, nothing: bool) -> None:
    """Tell of a variant that does not fit; an error where nothing is left."""
    if FORWARD_ONLY in variant.split(naming.JOINT):
        error = (
            f"{FORWARD_ONLY} is for black-box attacks, which read no gradient; these do: {what};"
            " use semi-backward for them"
        )
        left_out = f"{FORWARD_ONLY} is left out for attacks that read gradients: {what}"
    else:
        error = left_out = f"{variant} does not fit {what}"
    if nothing:
        raise UsageError(error)
    note(left_out)


def _kinds(groups: Iterable[Group]) -> list[Kind]:
    """The kinds of some groups, each once."""
    return list(dict.fromkeys(registry.of(group) for group in groups))


def _attacks(kinds: Iterable[Kind], asked: Sequence[str] | None) -> Iterable[str]:
    """What the libraries that were asked for offer; else ours, and what kinds have of their own."""
    third_parties = set(libraries.names()) - set(libraries.OURS)
    for kind in kinds:
        known = [name for name in kind.libraries() if name not in third_parties]
        names = known if asked is None else [n for n in asked if n in set(kind.libraries())]
        yield from kind.attacks(names)


def _check_subjects(suite: str, groups: Iterable[Group], named: Sequence[str]) -> None:
    """A suite's libraries may be exchanged for others that attack the same.

    Raises:
        UsageError: they attack something else, or not all the same.
    """
    subjects = {name: libraries.subject(name) for name in named if name in libraries.names()}
    if len(set(subjects.values())) > 1:
        first, *rest = sorted(set(subjects.values()))
        others = "".join(f" and some {subject}" for subject in rest)
        raise UsageError(
            f"{', '.join(named)}: some attack {first}{others}; measure them in runs of their own"
        )
    for kind in _kinds(groups):
        for name, subject in subjects.items():
            if subject != kind.subject:
                raise UsageError(
                    f"suite {suite} is of attacks on {kind.subject}, and {name} attacks {subject};"
                    " leave one of them out"
                )


def _check_options(request: Request, kinds: Sequence[Kind]) -> None:
    """Every option of a kind's own is taken by one of the kinds that are measured.

    Raises:
        UsageError: one is not.
    """
    taken = set(itertools.chain.from_iterable(kind.takes or kind.own for kind in kinds))
    for owner in registry.every():
        for name in owner.own:
            if name in request.given and name not in taken:
                raise UsageError(f"{flag(name)} is for {owner.hint}")


def _check_group(suite: str, group: Group) -> None:
    """Every name in a group is known, and every number can be one.

    Raises:
        UsageError: one is not.
    """
    kind = registry.of(group)
    unknown("library", group.libs, kind.libraries())
    for name in group.libs:
        subject = libraries.subject(name) if name in libraries.names() else kind.subject
        if subject != kind.subject:
            raise UsageError(
                f"suite {suite}: {name} attacks {subject}, and stands in [[cases]] of {kind.name}"
            )
    unknown("attack", group.attacks, [ALL, *kind.attacks(group.libs)])
    for variant in (*(group.variants or ()), group.baseline):
        naming.canonical(variant)
    unknown("dtype", [group.dtype], DTYPES)
    kind.check_models(group.models)
    for name in group.counted:
        value = getattr(group, name)
        numbers = value if isinstance(value, tuple) else (value,)
        if any(number is not None and number < 1 for number in numbers):
            raise UsageError(f"suite {suite}: {', '.join(group.counted)} must be at least 1")
