"""What is done on a GPU, as a table: the most telling first, each with its share of the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.commands import codes

RECORDS = "records.jsonl"
STEPS = "10"
"""Of each PGD: the ratio does not depend on their number, and parts share what they have measured.
"""


@dataclass(frozen=True)
class Part:
    """Something to run, as words of `python -m`, in which {…} is filled in.

    Attributes:
        name: one word.
        what: in more.
        share: of the time that is left, against those of the parts that wait.
        words: what to run; {device} and {out} are known.
        small: further words in a rehearsal.
        leaves: the file it leaves in the output folder.
        log: the file that what it prints is appended to, whose end is shown; None where what it
            says on stderr is shown as it comes.
        shown: whether what it prints on stdout is shown too: tables are drawn in the end.
        done: exit codes that mean that it came to its end.
    """

    name: str
    what: str
    share: float
    words: tuple[str, ...]
    small: tuple[str, ...] = ()
    leaves: str = RECORDS
    log: str | None = None
    shown: bool = True
    done: tuple[int, ...] = (0,)

    def command(self, *, small: bool, **known: str) -> list[str]:
        """What to run, with what is known in its places."""
        words = (*self.words, *(self.small if small else ()))
        return [word.format(**known) for word in words]


_SMALL = "--classes 10 --image-size 32 --batch 2 --steps 2"
_TINY = f"--models resnet10t {_SMALL}"


def _measured(
    name: str, what: str, share: float, words: str, *, small: str, max_seconds: int = 6
) -> Part:
    """Comparisons; all parts' go into one file, so that none measures what another has."""
    limits = f"--processes 1 --precision 0.01 --max-seconds {max_seconds}"
    asked = f"bench run --device {{device}} {words} {limits} --out {{out}}/{RECORDS}"
    return Part(
        name,
        what,
        share,
        words=(*asked.split(), "--resume", "--verbose"),
        small=tuple(f"{small} --max-seconds 0.2 --precision 0.5".split()),
        shown=False,
        done=(codes.DONE, codes.NOT_ALL_OK),
    )


_TESTS = "-m gpu tests/test_gpu.py -vv -rfEs --tb=short -p no:cacheprovider --go-on {out}/tests.log"

PARTS = (
    Part(
        "facts",
        "clocks, power, processor, what is installed",
        10,
        words=("tools.bench_gpu.facts", "{out}/facts.txt"),
        leaves="facts.txt",
    ),
    Part(
        "probe",
        "questions whose answers explain the rest",
        55,
        words=("tools.bench_gpu.probe", "{device}", "{out}/probe.json"),
        small=("--small",),
        leaves="probe.json",
    ),
    _measured(
        "foolbox",
        "PGD of foolbox, also against itself",
        50,
        f"--suite paper-libraries --libs foolbox --steps {STEPS} --a-a",
        small=_TINY,
    ),
    Part(
        "tests",
        "the tests that need a GPU",
        75,
        words=("pytest", *_TESTS.split()),
        leaves="tests.log",
        log="tests.log",
        done=(0, 1, 5),  # passed, some failed, none was left
    ),
    _measured(
        "libraries",
        "table 1: PGD of six libraries on ResNet50",
        115,
        f"--suite paper-libraries --steps {STEPS}"
        " --libs foolbox deeprobust cleverhans advertorch art torchattacks",
        small=f"{_TINY} --libs foolbox deeprobust advertorch",
    ),
    _measured(
        "faster",
        "what goes beyond freezing: captured, compiled, fewer bits",
        80,
        "--suite faster-gpu --timeout 200",  # inductor and Triton compile meanwhile
        small=f"{_TINY} --libs foolbox --variants channels-last+semi-backward"
        " bf16+channels-last+semi-backward",
    ),
    _measured(
        "batch-sizes",
        "table 2: batch sizes",
        60,
        f"--suite paper-batch-sizes --steps {STEPS} --libs foolbox torchattacks"
        " --batch 4 32 128 8 64 16",
        small=f"{_TINY} --libs foolbox --batch 1 4",
    ),
    _measured(
        "models",
        "table 3: architectures",
        60,
        f"--suite paper-models --steps {STEPS} --libs foolbox torchattacks --models resnet18"
        " resnet152 vit_base_patch16_224 resnet34 resnet101 resnet50",
        small=f"{_SMALL} --libs foolbox --models resnet18 wrn_10_1",
    ),
    _measured(
        "attacks",
        "table 4: ten attacks, as their libraries have them",
        60,
        "--suite paper-attacks --timeout 25",  # what takes longer leaves the others their time
        small=f"{_TINY} --libs torchattacks --attacks fgsm square --timeout 240",
    ),
    _measured(
        "text",
        "table 5: attacks on sentences, a few queries each",
        30,
        "--suite paper-text --batch 4 --queries 40 --timeout 60",
        small="--victim bert-tiny --batch 1 --queries 3 --attacks textfooler --timeout 240",
    ),
    _measured(
        "training",
        "figure 2: steps of adversarial training",
        30,
        "--suite paper-training --steps 7 1 3 20",
        small="--models resnet10t --batch 4 --steps 1",
    ),
    _measured(
        "every-attack",
        "every attack of the six libraries, small",
        40,
        "--suite all-attacks --timeout 60",
        small="--libs reference --attacks pgd-backward pgd-autograd-grad --steps 2 --timeout 240",
        max_seconds=3,
    ),
)


def limit(left: float, waiting: Sequence[Part]) -> float:
    """Seconds that the first of the parts that wait may take.

    What one does not use is the others': each has its share of what is left when it begins.

    Args:
        left: seconds for all of them.
        waiting: those that have not run, in order.
    """
    return max(0.0, left) * waiting[0].share / sum(part.share for part in waiting)
