"""From what was asked to the cases of text. Imports no torch."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from adapters import registry
from adapters.base import AdapterError
from adapters.text import resources, sentences, victims
from bench.cases import Case
from bench.choosing.suites import Selection, Suite
from bench.errors import UsageError

if TYPE_CHECKING:
    from adapters.base import AttackInfo


def asked_for(asked: argparse.Namespace, offered: Callable[[str], Mapping[str, object]]) -> bool:
    """Whether text is meant: by the libraries that were named, else by options or attacks.

    Args:
        asked: the parsed command line.
        offered: a library's attacks, by name.
    """
    if asked.libs:
        return all(registry.subject(name) == "text" for name in asked.libs)
    if any(given is not None for _, given in _options(asked)):
        return True
    there: dict[bool, set[str]] = {True: set(), False: set()}
    for name in registry.names() if asked.attacks else ():
        there[registry.subject(name) == "text"] |= set(offered(name))
    return bool(asked.attacks) and set(asked.attacks) <= there[True] - there[False]


def check_kind(suite: Suite, libraries: Sequence[str]) -> None:
    """A suite's libraries may be exchanged for others of their kind.

    Raises:
        UsageError: they attack something else, or not all the same.
    """
    if len({registry.subject(name) for name in libraries}) > 1:
        raise UsageError(
            f"{', '.join(libraries)}: some attack images and some text; measure them in two runs"
        )
    for group in suite.groups:
        for name in libraries:
            if (registry.subject(name) == "text") != is_text(group):
                kinds = ("text", "images") if is_text(group) else ("images", "text")
                raise UsageError(
                    f"suite {suite.name} is of attacks on {kinds[0]}, and {name} attacks"
                    f" {kinds[1]}; leave one of them out"
                )


def check(asked: argparse.Namespace, suite: Suite) -> None:
    """What is asked must make sense of images, or of text.

    Raises:
        UsageError: it does not, or a file is missing.
    """
    of_text = [is_text(group) for group in suite.groups]
    for option, given in _options(asked):
        if given is not None and not any(of_text):
            raise UsageError(f"{option} is for attacks on text; add --libs openattack")
    if any(of_text):
        _check_options(asked)
    for group in suite.groups:
        if is_text(group):
            _check_files(group)


def is_text(group: Selection) -> bool:
    """Whether a group attacks text."""
    return bool(group.libs) and all(registry.subject(name) == "text" for name in group.libs)


def cases(
    group: Selection,
    device: str,
    offered: Callable[[str], Mapping[str, AttackInfo]],
    everything: str,
) -> Iterable[Case]:
    """The cases of a group of text.

    Args:
        group: what was chosen.
        device: torch's name of the device.
        offered: a library's attacks, by name.
        everything: what stands for all of them.
    """
    there = len(sentences.read(group.sentences))
    for library in group.libs:
        attacks = offered(library)
        wanted = attacks if everything in group.attacks else group.attacks
        for attack, victim, count in itertools.product(wanted, group.models, group.batch):
            if attack in attacks:
                case = Case(
                    library=library,
                    attack=attack,
                    model=victim,
                    batch=min(count, there),
                    input_shape=(),
                    steps=None,
                    dtype=group.dtype,
                    device=device,
                    eps=None,
                    step_size=None,
                    random_start=None,
                    weights="random" if victim in victims.SEEDED else "checkpoint",
                    images="",
                    sentences=group.sentences,
                    resources=group.resources,
                )
                yield replace(case, queries=group.queries or None)


def _options(asked: argparse.Namespace) -> tuple[tuple[str, object], ...]:
    return (
        ("--victim", asked.victim),
        ("--sentences", asked.sentences),
        ("--queries", asked.queries),
        ("--resources", asked.resources),
    )


def _check_options(asked: argparse.Namespace) -> None:
    if asked.models:
        raise UsageError("--models are of images; name what is attacked with --victim")
    for option, given in (
        ("--attack", asked.attack),
        ("--images", asked.images),
        ("--image-size", asked.image_size),
        ("--steps", asked.steps),
        ("--defaults", asked.defaults),
        ("--classes", asked.classes),
        ("--weights", asked.weights),
        ("--pretrained", asked.pretrained),
        ("--training", asked.training),
        ("--max-batch-search", asked.max_batch_search),
    ):
        if given:
            raise UsageError(f"{option} is for attacks on images, not on text: leave it out")
    if asked.command == "train":
        raise UsageError("train is for images: use run, or explain, for text")


def _check_files(group: Selection) -> None:
    try:
        sentences.read(group.sentences)
    except AdapterError as error:
        raise UsageError(str(error)) from error
    if group.resources is not None:
        folder = Path(group.resources)
        if not any((folder / entry).exists() for entry in resources.STAND_INS):
            raise UsageError(
                f"--resources {folder}: none of {', '.join(resources.STAND_INS)} is in it; name a"
                " folder laid out as OpenAttack's data"
            )
    for victim in group.models:
        if victim in victims.SEEDED or Path(victim).is_dir():
            continue
        if Path(victim).is_file() or victim.startswith((".", "/", "~")) or victim.count("/") > 1:
            raise UsageError(f"--victim {victim}: there is no such folder")
