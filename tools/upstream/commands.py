"""The two commands of a report, as they are run and as they are told. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.upstream.declared import Change, Project


def explain(project: Project, change: Change) -> list[str]:
    """The words of `explain`: what the released version does."""
    return ["explain", "--format", "md", *_attacks(project, change), *_case(change)]


def duel(project: Project, change: Change, patched: str) -> list[str]:
    """The words of `duel`: what the change gains.

    Args:
        patched: what is side b.
    """
    sides = ["--a", project.released, "--b", patched]
    own = list(_own(change.functions))
    return ["duel", *sides, *(own or ["--attacks", *change.attacks]), *_case(change)]


def _attacks(project: Project, change: Change) -> list[str]:
    if not change.attacks:
        return list(_own(change.functions))
    assert project.library is not None  # it was looked at when the project was read
    return ["--libs", project.library, "--attacks", *change.attacks]


def _own(functions: Sequence[str]) -> Iterator[str]:
    for function in functions:
        yield from ("--attack", function)


def _case(change: Change) -> Iterator[str]:
    yield from ("--models", *change.models)
    yield from ("--batch", *map(str, change.batch))
    if change.image_size is not None:
        yield from ("--image-size", str(change.image_size))
    if change.steps is not None:
        yield from ("--steps", str(change.steps))
    yield from change.options
