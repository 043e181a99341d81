"""The tables of this program's own tools: how good its numbers are, and what it catches.

Each is a page that a tool wrote beside its raw results; here stand what was asked and how to read
it, without a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tools.results.records import ROOT


@dataclass(frozen=True)
class Evidence:
    """One question, and the pages that answer it.

    Attributes:
        title: of its section.
        asked: what was measured, and how.
        pages: of the tool, from the checkout's root.
        command: what makes them again.
        read: how to read them.
        picture: a plot of the tool's, from the checkout's root.
        whole: whether the pages are shown whole; else the tables of each up to its first heading
            below the title.
    """

    title: str
    asked: str
    pages: tuple[str, ...]
    command: str
    read: str = ""
    picture: str = ""
    whole: bool = True

    def lines(self) -> Iterator[str]:
        """Its section, in parts."""
        yield f"### {self.title}"
        yield self.asked
        for page in self.pages:
            yield self._page(page)
        if self.picture:
            yield f"![{self.title}](../{self.picture})"
        if self.read:
            yield self.read
        named = ", ".join(f"[`{page}`](../{page})" for page in self.pages)
        yield f"`{self.command}` makes it again: {named}."

    def _page(self, page: str) -> str:
        text = (ROOT / page).read_text(encoding="utf-8").strip()
        text = re.sub(r"\A# .*\n+", "", text)
        return (
            text
            if self.whole
            else re.split(r"^## ", text, maxsplit=1, flags=re.MULTILINE)[0].strip()
        )


REPLICATION = "results/replication"

QUALITY = (
    Evidence(
        "The next run lands in the interval",
        "The main job again and again, each time by a fresh controlling process, every other time"
        " beside a program that computes on one of the two cores in stretches. For each library:"
        " how often the estimate of one run lies in the interval of another, of all pairs. *Before*"
        " is the program that measured one process a library and printed the interval over its"
        " blocks; *without waiting* has several processes and keeps memory, but does not wait for"
        " pauses of other programs, and takes whatever blocks there are; *now* is as it is.",
        tuple(
            f"{REPLICATION}/{name}/replication.md" for name in ("now", "before", "without-waiting")
        ),
        "make replicate",
        "What changed it: memory is kept, so that a process does not draw one of two speeds;"
        " several processes stand behind an interval; it is one for the next run's estimate; and"
        " blocks wait for pauses of other programs. An estimate far off, as art's in one run of"
        " *now*, is of a case of which one process had a calm block; since those runs such a case"
        " is estimated from its least disturbed blocks.",
        f"{REPLICATION}/replication.png",
    ),
    Evidence(
        "Against its peers",
        "Every tool times the same workload (small convolutions that fill about 50 ms) on the same"
        " machine in one run, interleaved, with a budget of the same measuring time: against"
        " itself, and against a copy that does a little more of the same work. Once with nothing"
        " else running that we started, once with another program that computes on one core in"
        " stretches. A peer is credited with the one of its statistics (mean, median, minimum) that"
        " did best under each condition. *Smallest effect* is what a ratio must exceed to be no"
        " error between equals, 19 times in 20.",
        ("results/selfcheck/selfcheck.md",),
        "make selfcheck",
        "*95 % of it* says how little so few comparisons pin down each error. A peer that ran over"
        " its budget was left what it found. *In all* counts starting too, of this engine also its"
        " gate and what it waits for pauses of other programs, which no peer does. Every sample is"
        " in [`results/selfcheck/results.jsonl`](../results/selfcheck/results.jsonl).",
        "results/selfcheck/selfcheck.png",
    ),
    Evidence(
        "Forked workers are as good as fresh ones",
        "The same case in forked workers and in fresh ones, in turn, with memory kept and as the"
        " system gives it. *Ready* is when the library is imported and the worker answers; *built"
        " and gated* is what it takes from there until the first block.",
        ("results/processes/processes.md",),
        "make processes",
        "Where memory is kept forked workers differ as fresh ones do, and forks of one template,"
        " which share where code and data lie, are no more alike than those of different ones."
        " Where the system takes memory back, the forked ones spread at least as widely. (There"
        " *ready* is of many templates' first forks, and thus of the templates' own imports.) Of"
        " timm's time most is torch.\\_dynamo's, which torchvision imports.",
    ),
    Evidence(
        "What slots cost each other",
        "One slot alone, and all of a machine's slots at once, in turn: the original against"
        " itself, whose ratio is 1, and against semi-backward.",
        ("results/slots/beside.md",),
        "make selfcheck-slots",
        "What is measured beside others may take longer, and its ratio may wander more; a record"
        " tells how many were beside it, and `quick` on a CPU is never measured so.",
    ),
    Evidence(
        "What many slots cost the process that hands cases out",
        "Simulated workers, so that nothing but the controlling process computes.",
        ("results/slots/handing-out.md",),
        "make handing-out",
    ),
    Evidence(
        "The intervals hold",
        "Made-up times with a known answer, drawn from a seed: no machine is measured here. In the"
        " second table the whole procedure runs: each process stops by itself or after *blocks"
        " each*, and further processes follow while there is time. The last table is of a GPU that"
        " nobody measured: runs of 20 and 30 ms with 0.3 % of noise, a process with 3 s of them at"
        " least, and clocks that switch between two states, whose speedups are 1.50 and 1.46, after"
        " 0.3, 3 or 30 s on average. Either the lower clock is 8 % slower, or both states take as"
        " long on average, so that times do not tell them apart. The truth is the ratio of the mean"
        " times of the two programs, each run alone for long. *Carry-over* is what a run takes"
        " longer after the other variant.",
        ("results/selfcheck/coverage.md",),
        "make coverage",
        "*Unsteady ratio* is where the method ends: if the ratio itself wanders, block to block, a"
        " single process's interval is a little too narrow. The diagnosis says so"
        " (autocorrelation), and more processes mend it. No interval over 3 s holds what happens"
        " once in 30 s, so what is asked of a GPU is that the interval holds the truth or the"
        " record says why it may not: *warned of what was seen* leaves out the two warnings that"
        " every such record carries, of one process, and of few that agree. The first table is also"
        " a test, seeded, with a thousand repetitions a row"
        " (`tests/bench/statistics/test_statistics.py`).",
    ),
)
"""Of the engine."""

CATCHES = (
    Evidence(
        "Planted changes, and the gates that catch them",
        "Changes planted in copies of an attack, each measured before and after by every gate.",
        ("results/regressions/planted.md",),
        "python -m tools.planted",
        whole=False,
    ),
    Evidence(
        "Bytes between processes in adversarial training",
        "What the attack of a training step makes processes send each other through"
        " DistributedDataParallel, counted, in one step of PGD-7.",
        ("results/communication.md",),
        "python -m tools.communication",
    ),
    Evidence(
        "Stochastic activation pruning, and what it costs",
        "A forward pass of ResNet-20 with SAP-100, exact and by independent decisions, beside other"
        " ways to draw; and what semi-backward leaves of a gradient's time.",
        ("results/sap/pruning.md",),
        "python -m tools.pruning",
    ),
    Evidence(
        "Saliency in closed form, and the loop that is printed of it",
        "One layer of 512 outputs and 4608 inputs: the matrix product against an outer product a"
        " row, in the same run; and what the factors of a convolution cost within their budget.",
        ("results/mad/saliency.md",),
        "python -m tools.saliency",
    ),
    Evidence(
        "Skipped operations, and the time they take",
        "One image through each dynamic network, with some of its gates on and with none, against"
        " itself with all of them: whether what executes less takes less time.",
        ("results/energy/skipping.md",),
        "python -m tools.skipping",
    ),
    Evidence(
        "How fast reports are",
        "Made-up records, as many as nobody has measured yet.",
        ("results/reports/speed.md",),
        "make report-speed",
    ),
)
"""Of the rest."""


def pages() -> set[str]:
    """Every page of a tool that is shown."""
    return {page for one in (*QUALITY, *CATCHES) for page in one.pages}
