"""From what was asked to the list of comparisons, with every name checked. Imports no torch."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from adapters import custom, images, registry
from adapters.base import AdapterError
from adapters.models import catalogue
from adapters.papers.methods import METHODS
from bench.cases import (
    A_A,
    BASELINE,
    DTYPES,
    FORWARD_ONLY,
    SEMI_BACKWARD,
    VARIANTS,
    Case,
    Comparison,
)
from bench.choosing import suites
from bench.choosing.suites import Selection, Suite
from bench.errors import UsageError
from bench.kinds.text import choosing as text_choosing
from bench.kinds.training import choosing as training_choosing
from bench.words import closest

if TYPE_CHECKING:
    from adapters.base import AttackInfo

ALL = "all"
"""What --attacks takes for every attack of a library."""


def check_names(asked: argparse.Namespace) -> None:
    """Check what does not depend on the device, before anything slow.

    Raises:
        UsageError: a name is unknown, or a file is missing.
    """
    _each("library", asked.libs, registry.names())
    _each("variant", asked.variants, VARIANTS)
    _each("dtype", [asked.dtype] if asked.dtype else None, DTYPES)
    _each("training", asked.training, METHODS)
    if asked.data is not None:
        training_choosing.known(asked.data)
    _check_models(asked.models or ())
    if asked.attacks:
        _each("attack", asked.attacks, [ALL, *_all_attacks(asked.libs or registry.OURS)])
    if asked.variants is not None and not set(asked.variants) - {BASELINE}:
        raise UsageError(f"--variants names nothing to hold against {BASELINE}")
    if asked.suite:
        suites.load(asked.suite)
    if asked.memory_limit is not None and not asked.max_batch_search:
        raise UsageError("--memory-limit is for --max-batch-search; name both")
    if asked.weights is not None and not asked.weights.is_file():
        raise UsageError(f"--weights {asked.weights}: there is no such file")
    try:
        if asked.images is not None:
            images.files_in(asked.images)
        for text in asked.attack or ():
            custom.parse(text)
    except AdapterError as error:
        raise UsageError(str(error)) from error


def choose_suite(asked: argparse.Namespace, device: str) -> Suite:
    """The suite that was asked for, or that fits the device, with what was given in its place.

    Raises:
        UsageError: there is no such suite, or it names something unknown.
    """
    fitting = suites.PAPER_LIBRARIES if device.startswith("cuda") else suites.QUICK
    if asked.command == "counts":
        fitting = suites.COUNTS
    if text_choosing.asked_for(asked, attacks_of):
        fitting = suites.TEXT
    if asked.training or asked.command == "train":
        fitting = suites.TRAINING
    suite = training_choosing.restrict(suites.load(asked.suite or fitting), _tuple(asked.training))
    training_choosing.check(asked, suite)
    text_choosing.check_kind(suite, asked.libs or ())
    if asked.defaults:
        groups = (replace(group, defaults=True, steps=None) for group in suite.groups)
        suite = replace(suite, groups=tuple(groups))
    suite = suites.override(
        suite,
        libs=_tuple(asked.libs),
        attacks=_tuple(asked.attacks),
        models=_tuple(asked.victim or asked.models),
        batch=_tuple(asked.batch),
        image_size=asked.image_size,
        steps=_tuple(asked.steps),
        replays=asked.replays,
        data=asked.data,
        queries=asked.queries,
        sentences=asked.sentences and str(asked.sentences),
        resources=asked.resources and str(asked.resources),
        dtype=asked.dtype,
        classes=asked.classes,
        variants=_tuple(asked.variants),
        precision=asked.precision,
        max_seconds=asked.max_seconds,
        processes=asked.processes,
        timeout=asked.timeout,
    )
    for group in suite.groups:
        _each("library", group.libs, registry.names())
        own = () if group.training is None else (training_choosing.REFERENCE,)
        _each("attack", group.attacks, [ALL, *_all_attacks((*group.libs, *own))])
        _each("variant", group.variants, VARIANTS)
        _each("dtype", [group.dtype], DTYPES)
        if not text_choosing.is_text(group):
            _check_models(group.models)
        _each("training", group.training, METHODS)
        given = (*group.batch, *(group.steps or ()), group.image_size, group.classes, group.replays)
        if any(number is not None and number < 1 for number in given):
            raise UsageError(
                f"suite {suite.name}: batch, image_size, steps, classes, replays start at 1"
            )
    text_choosing.check(asked, suite)
    return suite


def comparisons(
    asked: argparse.Namespace, suite: Suite, device: str, note: Callable[[str], object]
) -> list[Comparison]:
    """The product of everything chosen, each once, a library's attacks where it offers them.

    Args:
        asked: the parsed command line.
        suite: what it chose, as `choose_suite` returns it.
        device: torch's name of the device.
        note: told what is left out.

    Raises:
        UsageError: a variant fits none of the attacks.
    """
    found: dict[Comparison, None] = {}
    refused: list[str] = []
    weights = "pretrained" if asked.pretrained else str(asked.weights or "random")
    folder = str(asked.images or "scikit-learn")
    for group in suite.groups:
        for case, info in _chosen(asked, group, device):
            if not case.of_text:
                case = replace(case, weights=weights)
            if case.training is None and not case.of_text:
                case = replace(case, images=folder)
            for variant in [*([A_A] if asked.a_a else []), *_variants(group, case, info)]:
                if variant == FORWARD_ONLY and (
                    case.training or (info is not None and info.access != "black-box")
                ):
                    refused.append(case.what)
                elif variant != BASELINE:
                    found[Comparison(case, variant)] = None
    if refused:
        names = ", ".join(dict.fromkeys(refused))
        if not found:
            raise UsageError(
                f"{FORWARD_ONLY} is for black-box attacks, which read no gradient; these do:"
                f" {names}; use semi-backward for them"
            )
        note(f"{FORWARD_ONLY} is left out for attacks that read gradients: {names}")
    if not found:
        libraries = dict.fromkeys(name for group in suite.groups for name in group.libs)
        raise UsageError(
            f"nothing to measure: {', '.join(libraries)} offers none of the attacks asked for; see"
            " `python -m bench list attacks`"
        )
    return list(found)


def _chosen(
    asked: argparse.Namespace, group: Selection, device: str
) -> Iterable[tuple[Case, AttackInfo | None]]:
    """The cases of a group, each with what its library declares."""
    if text_choosing.is_text(group):
        for case in text_choosing.cases(group, device, attacks_of, ALL):
            yield case, None
        return
    libraries = group.libs if asked.libs or not asked.attack else ()
    own = asked.attack or ()
    if group.training is not None:
        group = replace(group, libs=libraries)
        for case in training_choosing.cases(group, own, device, obeyed, attacks_of):
            yield case, None
        return
    for library in libraries:
        offered = attacks_of(library)
        wanted = offered if ALL in group.attacks else group.attacks
        for attack in dict.fromkeys(wanted):
            if attack in offered:
                info = offered[attack]
                for case in _cases(group, library, attack, group.steps or (None,), device):
                    yield obeyed(case, info), info
    for spec in own:
        for case in _cases(group, custom.LIBRARY, spec, (None,), device):
            yield case, None


def _variants(group: Selection, case: Case, info: AttackInfo | None) -> tuple[str, ...]:
    """Those that were asked for, else those that fit the attack."""
    if group.variants is not None:
        return group.variants
    free = case.of_text or (info is not None and info.access == "black-box")
    return (SEMI_BACKWARD, FORWARD_ONLY) if free else (SEMI_BACKWARD,)


def attacks_of(library: str) -> Mapping[str, AttackInfo]:
    """What a library offers.

    Raises:
        UsageError: a third party's adapter can't be loaded.
    """
    try:
        return registry.get(library).attacks()
    except AdapterError as error:
        raise UsageError(str(error)) from error


def _cases(
    group: Selection, library: str, attack: str, every: Iterable[int | None], device: str
) -> Iterable[Case]:
    assert group.image_size is not None
    shape = (3, group.image_size, group.image_size)
    for model, batch, steps in itertools.product(group.models, group.batch, every):
        case = Case(library, attack, model, batch, shape, steps, group.dtype, device)
        if group.defaults:
            case = replace(case, eps=None, step_size=None, random_start=None)
        yield replace(case, classes=group.classes)


def obeyed(case: Case, info: AttackInfo) -> Case:
    """The case with only those settings that its attack obeys, so that the record tells no more."""
    return replace(
        case,
        steps=case.steps if info.takes("steps") else None,
        eps=case.eps if info.takes("eps") else None,
        step_size=case.step_size if info.takes("step_size") else None,
        random_start=case.random_start if info.takes("random_start") else None,
    )


def _all_attacks(libraries: Iterable[str]) -> list[str]:
    offered = itertools.chain.from_iterable(attacks_of(library) for library in libraries)
    return list(dict.fromkeys(offered))


def _check_models(names: Iterable[str]) -> None:
    if not catalogue.timm_names():
        return  # no timm here: every case will say so, with the command that installs it
    for name in names:
        if not catalogue.is_known(name):
            raise UsageError(f"unknown model {name!r}{closest(name, catalogue.names())}")


def _each(what: str, names: Iterable[str] | None, known: Iterable[str]) -> None:
    known = list(known)
    for name in names or ():
        if name not in known:
            raise UsageError(f"unknown {what} {name!r}{closest(name, known)}")


def _tuple(values: list[Any] | None) -> tuple[Any, ...] | None:
    return None if values is None else tuple(values)
