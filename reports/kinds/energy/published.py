"""The numbers of Pan et al. (GradMDM), kept as data in `reports/paper/`, beside ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cases import Case
from bench.kinds.energy.options import EnergyOptions
from reports.reading import papers

FILE = Path(__file__).resolve().parents[2] / "paper" / "gradmdm.json"
DATA = {10: "CIFAR-10", 100: "CIFAR-100", 200: "CUB-200-2011"}
"""The published data that stands for a user's folder, by the number of classes."""
IMAGENET = "ImageNet"
DIGITS = "digits"
_SUITES = {
    "imagenet": IMAGENET,
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "cub": "CUB-200-2011",
}
"""The data that a suite repeats, by the last word of its name."""
_WITH_POWER = ("power", "gradmdm")
"""Methods that have an exponent."""
_USUAL = {
    name: EnergyOptions.__dataclass_fields__[name].default
    for name in ("alpha", "power", "space", "norm", "keep_label")
}
_ROWS_OF: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "skipnet_74": ("skipnet", {}),
    "skipnet_74_hrl": ("skipnet_hrl", {}),
    "skipnet_hrl_adversarial": ("skipnet_hrl", {"defence": "adversarial training"}),
}
"""Networks that the paper has under another name, and what else its rows say of them."""
_HUNDREDTH = 0.01
"""The smallest error that is printed with two decimals."""
_APART = ("transfer", "defence", "subset")
"""What makes a row more than an attack on the attacked network."""


@dataclass(frozen=True)
class Row:
    """A published row.

    Attributes:
        table: its number, or what it is about where the paper has it in a sentence.
        caption: of the table.
        values: as printed, by name.
    """

    table: str
    caption: str
    values: Mapping[str, Any]

    def cell(self, name: str) -> str:
        """One value, as printed; "-" where the table has none."""
        found = self.values.get(name)
        if found is None:
            return "-"
        told = f"{found:.2f}" if name == "mse" and found >= _HUNDREDTH else f"{found:g}"
        return f"{found:.1f}" if isinstance(found, float) and told.isdigit() else told

    @property
    def where(self) -> str:
        """As "VI, ImageNet"."""
        return f"{self.table}, {self.values['dataset']}"


def find(case: Case, having: str = "arp", suite: str | None = None, **more: object) -> Row | None:
    """The published row with the same network, method and settings as a case.

    Of several the one on the same data stands; digits, which the paper has not, are set beside
    ImageNet's.

    Args:
        case: an attack.
        having: what the row must have a number of.
        suite: that the case is of; of one that is named after data or a table, as
            "paper-energy-cifar10-small", the row of these stands.
        more: what else it must say, as `transfer` or `subset`; of a row that says what is not asked
            for, nothing is told.
    """
    network, said = _ROWS_OF.get(case.model, (case.model, {}))
    more = {**said, **more}
    asked = (suite or "").removesuffix("-small").rpartition("-")[2]
    wanted = (_SUITES.get(asked) or _data(case), IMAGENET)
    found = [
        row
        for row in _rows()
        if having in row.values
        and row.values["network"] == network
        and _repeats(case, row.values, more)
        and (row.values["dataset"] in wanted)
    ]
    found.sort(key=lambda row: (row.table.lower() != asked, row.values["dataset"] != wanted[0]))
    return found[0] if found else None


def _repeats(case: Case, row: Mapping[str, Any], more: Mapping[str, object]) -> bool:
    options = EnergyOptions.of(case)
    ours = {name: getattr(options, name) for name in _USUAL}
    if case.attack not in _WITH_POWER:
        ours["power"] = _USUAL["power"]
    return (
        row["method"] == case.attack
        and all(row.get(name, usual) == ours[name] for name, usual in _USUAL.items())
        and all(row.get(name) == more.get(name) for name in _APART)
    )


def _data(case: Case) -> str:
    options = EnergyOptions.of(case)
    return IMAGENET if options.data == DIGITS else DATA.get(options.classes, IMAGENET)


def defences() -> list[str]:
    """The defences that something was published of."""
    return [row.values["defence"] for row in _rows() if row.values.get("defence", "none") != "none"]


def notes(found: Iterable[Row | None], cases: Sequence[Case]) -> Iterator[str]:
    """What was published on what, of the rows that stand in a table; or why none does.

    Args:
        found: the rows.
        cases: what stands beside them.
    """
    captions = dict.fromkeys((row.table, row.caption) for row in found if row is not None)
    if captions:
        told = "; ".join(f"{name}: {caption}" for name, caption in captions)
        ours = " and ".join(dict.fromkeys(EnergyOptions.of(case).data for case in cases))
        yield f"Published: Pan et al., GradMDM. {told}. Ours are measured on {ours}."
    methods = {case.attack for case in cases}
    for name, table in papers.tables(FILE).items():
        if methods & set(table.get("methods", ())):
            yield f"Nothing stands beside table {name}, {table['caption']}: {table['missing']}."
    if (said := fault()) is not None:
        yield f"{said}."


def fault() -> str | None:
    """Why no published number stands beside ours; None where they can be read."""
    return papers.fault(FILE)


def _rows() -> list[Row]:
    """Every published row, in order."""
    return [
        Row(name, table["caption"], row)
        for name, table in papers.tables(FILE).items()
        for row in table["rows"]
    ]
