"""From what was asked to the cases of training. Imports no torch."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from adapters import custom, data
from adapters.base import AdapterError
from adapters.papers.methods import FAST_STEP, METHODS, Method
from bench.cases import NO_ATTACK, SEMI_BACKWARD, Case
from bench.choosing.suites import TRAINING_SIZE, Selection, Suite
from bench.errors import UsageError

if TYPE_CHECKING:
    from adapters.base import AttackInfo

REFERENCE = "reference"
"""The library of attacks of our own, which methods with an attack of theirs are built from."""
OWN_ATTACK = "pgd-backward"
STEP_SHARE = 0.25
"""Length of a step of the attack inside, in radii of its ball."""


def restrict(suite: Suite, methods: tuple[str, ...] | None) -> Suite:
    """The suite with only the methods that were asked for; groups of attacks are trained by them.

    Raises:
        UsageError: it has none of them.
    """
    if methods is None:
        return suite
    groups = []
    for group in suite.groups:
        if group.training is None:
            groups.append(replace(group, training=methods, image_size=TRAINING_SIZE))
        elif wanted := tuple(name for name in group.training if name in methods):
            groups.append(replace(group, training=wanted))
    if not groups:
        raise UsageError(f"suite {suite.name} has no training by {', '.join(methods)}")
    return replace(suite, groups=tuple(groups))


def check(asked: argparse.Namespace, suite: Suite) -> None:
    """What is asked must make sense of attacks, or of training.

    Raises:
        UsageError: it does not.
    """
    trains = [group.training is not None for group in suite.groups]
    if any(trains):
        if asked.command == "explain":
            raise UsageError("explain looks at attacks: leave out --training, or use run")
        for option, given in (
            ("--max-batch-search", asked.max_batch_search),
            ("--defaults", asked.defaults),
        ):
            if given:
                raise UsageError(f"{option} is for attacks, not for training: leave it out")
    for option, given in (("--data", asked.data), ("--replays", asked.replays)):
        if given is not None and not any(trains):
            raise UsageError(f"{option} is for --training METHOD; name a method too")
    if asked.command == "train":
        if not all(trains):
            raise UsageError(f"suite {suite.name} has attacks alone: add --training METHOD")
        if asked.variants is not None and SEMI_BACKWARD not in asked.variants:
            raise UsageError(f"train compares {SEMI_BACKWARD} with the original: name it too")


def cases(
    group: Selection,
    own_attacks: Iterable[str],
    device: str,
    obeyed: Callable[[Case, AttackInfo], Case],
    offered: Callable[[str], Mapping[str, AttackInfo]],
) -> Iterable[Case]:
    """The cases of a group that trains, each once for methods that have no library inside.

    Args:
        group: what was chosen.
        own_attacks: the user's functions, as FILE.py:FUNCTION; alone if libs are empty.
        device: torch's name of the device.
        obeyed: leaves an attack the settings it takes.
        offered: a library's attacks, by name.

    Raises:
        UsageError: the data are not there, or a library has no such attack.
    """
    facts = known(group.data)
    if group.image_size != facts.size:
        raise UsageError(f"{facts.name} has images of {facts.size} pixels: leave out --image-size")
    for name, model, batch in itertools.product(group.training or (), group.models, group.batch):
        if batch > facts.images:
            raise UsageError(f"--batch {batch}: {facts.name} has {facts.images} images to train on")
        method = METHODS[name]
        plain = Case(
            library=REFERENCE,
            attack=NO_ATTACK,
            model=model,
            batch=batch,
            input_shape=(3, facts.size, facts.size),
            steps=None,
            dtype=group.dtype,
            device=device,
            eps=None,
            step_size=None,
            random_start=None,
            images=group.data,
            classes=facts.classes,
            training=name,
        )
        if method.inside == "none":
            free = method.replays > 1
            replays = (group.replays or method.replays) if free else None
            yield replace(plain, replays=replays, eps=facts.eps if free else None)
            continue
        for steps in (1,) if method.one_step else group.steps or (None,):
            share = FAST_STEP if method.one_step else STEP_SHARE
            budget = replace(plain, steps=steps, eps=facts.eps, step_size=share * facts.eps)
            yield from _with_attack(budget, method, group, own_attacks, obeyed, offered)


def _with_attack(
    budget: Case,
    method: Method,
    group: Selection,
    own_attacks: Iterable[str],
    obeyed: Callable[[Case, AttackInfo], Case],
    offered: Callable[[str], Mapping[str, AttackInfo]],
) -> Iterable[Case]:
    if method.inside == "own":
        controls = [name for name in group.attacks if name in offered(REFERENCE)]
        for attack in controls or [OWN_ATTACK]:
            yield replace(budget, attack=attack)
        return
    started = replace(budget, random_start=True)
    for library in group.libs:
        attacks = offered(library)
        found = [name for name in group.attacks if name in attacks] or _fitting(library, attacks)
        for attack in found:
            if attacks[attack].access == "black-box" or not attacks[attack].takes("eps"):
                raise UsageError(
                    f"training needs an attack with gradients in a ball; {library} {attack} is none"
                )
            yield obeyed(replace(started, library=library, attack=attack), attacks[attack])
    for spec in own_attacks:
        yield replace(budget, library=custom.LIBRARY, attack=spec, steps=None, step_size=None)


def _fitting(library: str, attacks: Mapping[str, AttackInfo]) -> list[str]:
    if library == REFERENCE:
        return [OWN_ATTACK]
    raise UsageError(
        f"{library} has none of the attacks asked for; it has {', '.join(list(attacks)[:8])}, …:"
        f" `list attacks`"
    )


def known(where: str) -> data.Facts:
    """What is known of the data.

    Raises:
        UsageError: they are not there.
    """
    try:
        return data.facts(where)
    except AdapterError as error:
        raise UsageError(str(error)) from error
