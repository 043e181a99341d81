"""From what was asked to the list of comparisons, with every name checked. Imports no torch."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from adapters import custom, images, registry
from adapters.base import AdapterError
from adapters.models import catalogue
from bench import suites
from bench.cases import A_A, BASELINE, DTYPES, VARIANTS, Case, Comparison
from bench.errors import UsageError
from bench.suites import Selection, Suite
from bench.words import closest

if TYPE_CHECKING:
    from adapters.base import AttackInfo


def check_names(asked: argparse.Namespace) -> None:
    """Check what does not depend on the device, before anything slow.

    Raises:
        UsageError: a name is unknown, or a file is missing.
    """
    _each("library", asked.libs, registry.names())
    _each("variant", asked.variants, VARIANTS)
    _each("dtype", [asked.dtype] if asked.dtype else None, DTYPES)
    _check_models(asked.models or ())
    if asked.attacks:
        _each("attack", asked.attacks, _all_attacks(asked.libs or registry.OURS))
    if not set(asked.variants) - {BASELINE}:
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
    suite = suites.load(asked.suite or fitting)
    suite = suites.override(
        suite,
        libs=_tuple(asked.libs),
        attacks=_tuple(asked.attacks),
        models=_tuple(asked.models),
        batch=_tuple(asked.batch),
        image_size=asked.image_size,
        steps=asked.steps,
        dtype=asked.dtype,
        precision=asked.precision,
        max_seconds=asked.max_seconds,
        processes=asked.processes,
        timeout=asked.timeout,
    )
    for group in suite.groups:
        _each("library", group.libs, registry.names())
        _each("attack", group.attacks, _all_attacks(group.libs))
        _each("dtype", [group.dtype], DTYPES)
        _check_models(group.models)
        if min(*group.batch, group.image_size, group.steps) < 1:
            raise UsageError(f"suite {suite.name}: batch, image_size and steps start at 1")
    return suite


def comparisons(asked: argparse.Namespace, suite: Suite, device: str) -> list[Comparison]:
    """The product of everything chosen, each once, a library's attacks where it offers them."""
    cases: list[Case] = []
    for group in suite.groups:
        if asked.libs or not asked.attack:
            for library, attack in itertools.product(group.libs, group.attacks):
                if attack in attacks_of(library):
                    cases.extend(_cases(group, library, attack, group.steps, device))
        for spec in asked.attack or ():
            cases.extend(_cases(group, custom.LIBRARY, spec, None, device))
    weights = "pretrained" if asked.pretrained else str(asked.weights or "random")
    folder = str(asked.images or "scikit-learn")
    cases = [replace(case, weights=weights, images=folder) for case in dict.fromkeys(cases)]
    wanted = [*([A_A] if asked.a_a else []), *asked.variants]
    variants = [name for name in dict.fromkeys(wanted) if name != BASELINE]
    return [Comparison(case, variant) for case in cases for variant in variants]


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
    group: Selection, library: str, attack: str, steps: int | None, device: str
) -> Iterable[Case]:
    shape = (3, group.image_size, group.image_size)
    for model, batch in itertools.product(group.models, group.batch):
        yield Case(library, attack, model, batch, shape, steps, group.dtype, device)


def _all_attacks(libraries: Iterable[str]) -> list[str]:
    offered = itertools.chain.from_iterable(attacks_of(library) for library in libraries)
    return list(dict.fromkeys(offered))


def _check_models(names: Iterable[str]) -> None:
    known = catalogue.timm_names()
    if not known:
        return  # no timm here: every case will say so, with the command that installs it
    for name in names:
        if not catalogue.is_known(name):
            raise UsageError(f"unknown model {name!r}{closest(name, known)}")


def _each(what: str, names: Iterable[str] | None, known: Iterable[str]) -> None:
    known = list(known)
    for name in names or ():
        if name not in known:
            raise UsageError(f"unknown {what} {name!r}{closest(name, known)}")


def _tuple(values: list[Path | str | int] | None) -> tuple[Path | str | int, ...] | None:
    return None if values is None else tuple(values)
