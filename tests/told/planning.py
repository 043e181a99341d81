"""A command line taken as far as to where its workers would start."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, NoReturn

from bench import cli
from bench.cases import Case
from bench.kinds.request import Request
from bench.records.journal import Journal
from bench.running.chosen import choose
from bench.running.progress import PlainProgress


class Planned(BaseException):
    """A run has come to where its workers would start."""

    def __init__(self, cases: list[Case], variants: list[str]) -> None:
        super().__init__("planned")
        self.cases = cases
        self.variants = variants


class Machine:
    """A worker of a machine with a GPU, and the pool it comes from; it says what it is asked."""

    facts: dict[str, Any] = {  # noqa: RUF012 - nobody changes it
        "ok": True,
        "devices": ["cpu", "cuda:0"],
        "environment": {"torch": {"version": "2.13.0"}, "variables": {}},
    }

    def get(self) -> Machine:
        return self

    def replace(self) -> None: ...

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        return {"ok": True, "accelerator": {}, "shapes": {}}


def started(*_: object, **__: object) -> NoReturn:
    raise Planned([], [])


def planned(request: Request, words: list[str], path: Path) -> NoReturn:
    """Instead of `session.opened`."""
    with Journal(path, resume=request.resume):
        chosen = choose(request, Machine(), PlainProgress())  # type: ignore[arg-type]
    raise Planned(
        [comparison.case for comparison in chosen.comparisons],
        [comparison.variant for comparison in chosen.comparisons],
    )


def run(words: list[str]) -> int | Planned:
    """The exit code, or what was planned; a file that is there already gets another name."""
    for number, (option, place) in enumerate(itertools.pairwise(words)):
        if option == "--out" and "--resume" not in words and Path(place).is_file():
            words[number + 1] = str(Path(place).name + ".new")
    try:
        return cli.main(words)
    except Planned as end:
        return end
    except SystemExit as end:
        return int(end.code or 0)
