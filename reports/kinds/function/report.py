"""Workloads with networks that are only passed through: their words and commands. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bench.cases import Case
from bench.kinds.function.findings import FunctionFindings
from bench.records.types import ComparisonRecord
from reports.reading import models
from reports.reading.kind import USER, KindReport

IMPORT = "from semibackward import semi_backward"


class FunctionReport(KindReport):
    """Steps of whatever program."""

    outputs = "results"
    inputs = "call"
    workloads = "workloads"
    each = "a call"
    plotted = ("attacks",)
    freezing = "freeze the networks passed through by `with semi_backward(network):`"
    vain = "gradients of foreign networks' parameters, which the call does not read"
    columns = ("library", "attack", "batch")

    def size(self, case: Case) -> str:
        return "one call" if case.batch == 1 else f"one call, batch of {case.batch}"

    def title(self, case: Case, column: str) -> str:
        names = [
            "" if column == "library" else case.library,
            "" if column == "attack" else models.attack(case),
        ]
        told = " ".join(name for name in names if name)
        rest = [told, "" if case.batch == 1 else f"batch of {case.batch}", case.dtype, case.device]
        return ", ".join(filter(None, rest))

    def command(self, case: Case) -> list[object]:
        words: list[object] = ["explain", "--libs", case.library, "--attacks", case.attack]
        if case.library == USER:
            words = ["explain", "--workload", case.attack]
        return [*words, "--batch", case.batch]

    def mend(self, record: ComparisonRecord) -> str:
        found = record.findings
        names = found.names if isinstance(found, FunctionFindings) else []
        return (
            f"`with semi_backward({', '.join(names) or 'network'}):` around the forward pass and"
            " its `backward()`, from the package `semibackward`; or `requires_grad_(False)` of"
            " these networks before that forward pass, and True after it where they are trained."
        )

    def pasted(self, record: ComparisonRecord) -> tuple[str, Sequence[str], str]:
        found = record.findings
        told = found if isinstance(found, FunctionFindings) else FunctionFindings(networks=[])
        names = told.names or [f"network_{n + 1}" for n in range(len(told.networks) or 1)]
        which = "" if told.names else f", which are {', '.join(told.networks)} here"
        call = "what `frozen_call` does" if told.frozen_call else "what `call` does"
        if told.toggled:
            return (
                f"Run {call} inside this block{which}:",
                (IMPORT, "", f"with semi_backward({', '.join(names)}):", "    ..."),
                "It gives the parameters their flags back, so that they are trained elsewhere as"
                " before.",
            )
        instead = " `call` alone breaks there: run what `frozen_call` does in its place."
        return (
            f"Paste this behind the lines that build the networks{which}:",
            [f"{name}.requires_grad_(False)" for name in names],
            "Where they are trained later on, leave that out, and run the call inside `with"
            f" semi_backward({', '.join(names)}):` (`{IMPORT}`), which gives their parameters their"
            f" flags back.{instead if told.frozen_call else ''}",
        )

    def results(self, record: ComparisonRecord) -> dict[str, object]:
        found = record.findings
        if not isinstance(found, FunctionFindings):
            return {}
        return {
            "networks": " ".join(found.networks),
            "toggled": found.toggled,
            "frozen_call": found.frozen_call,
        }
